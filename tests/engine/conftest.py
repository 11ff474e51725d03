"""Rendered photographs, and inspectors that have seen some."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from engine.inspector import Inspector
from engine.synthetic.scenes import Scene, render


@cache
def photograph(category: str, seed: int, kind: str = "good") -> Scene:
    return render(category, np.random.default_rng([seed, len(kind)]), kind)


@cache
def fit_inspector(category: str, n_references: int = 4) -> Inspector:
    return Inspector().fit([photograph(category, seed).image for seed in range(n_references)])


@pytest.fixture(scope="session")
def scene() -> Callable[..., Scene]:
    """Render a scene of a category with a seed: ``fitted`` has seen good 0 … 3."""
    return photograph


@pytest.fixture(scope="session")
def fitted() -> Callable[..., Inspector]:
    """Give an inspector that has seen references of a category; they are shared, so only ask."""
    return fit_inspector
