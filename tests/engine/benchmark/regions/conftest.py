"""Rolls with made-up figures, and a benchmark of two of them."""

import importlib
from pathlib import Path

import pytest

from engine.benchmark.regions.figures import RegionsBench, Speed, Timing
from engine.benchmark.regions.photographs import BoxedResult
from engine.benchmark.regions.walkthrough import Counts


@pytest.fixture
def rolls(monkeypatch):
    """The module of made-up rolls, importable by worker processes too."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("region_rolls")


@pytest.fixture
def bench(rolls):
    """Two rolls, the speed, and a folder of boxes."""
    paces = (Timing(15, 0, 0.1, 0.12, 1.2), Timing(10_000, 0, 0.1, 0.25, 2.5))
    boxed = tuple(
        BoxedResult(k, seed, "given the box", {"accuracy": 0.5 + k / 10 + seed / 10}, {})
        for k in (1, 3)
        for seed in (0, 1)
    )
    return RegionsBench(
        {"seed": 0},
        Counts(4, 1),
        (rolls.make_roll(0), rolls.make_roll(10)),
        Speed(0.2, paces),
        {"a <folder>": boxed},
        {"a <folder>": ("2 photographs have <no> labels: background",)},
    )
