"""What one score says of one image, and the arithmetic that several scores share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

from engine.comparison import Comparison

CellMap = Float32[np.ndarray, "rows columns"]


@dataclass(frozen=True)
class Reading:
    """A score's value, and for patch scores the map on the cell grid that it was read from."""

    value: float
    cells: CellMap | None = None


# A score sees the test image beside every reference and a config record of its own.
Score = Callable[[Sequence[Comparison], Any], Reading]


def worst_share(cells: CellMap, share: float) -> float:
    """Mean of the largest ``share`` of all cells (at least one), over the finite ones; 0 if none."""
    finite = cells[np.isfinite(cells)]
    n_worst = min(max(1, round(share * cells.size)), finite.size)
    if n_worst == 0:
        return 0.0
    return float(np.partition(finite, finite.size - n_worst)[-n_worst:].mean())
