"""What one score says of one image, and the arithmetic that several scores share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

from alignment.comparison import Comparison

CellMap = Float32[np.ndarray, "rows columns"]


@dataclass(frozen=True)
class Reading:
    """A score's value, and for patch scores the map on the cell grid that it was read from.

    Both are finite; a cell that could not be compared is 0.
    """

    value: float
    cells: CellMap | None = None
    n_beyond: int = 0
    """Instances beyond a tolerance that a person has set; each is a reason of its own."""


# A score sees the test image beside every reference and a config record of its own.
Score = Callable[[Sequence[Comparison], Any], Reading]


def worst_share(cells: Float32[np.ndarray, "..."], share: float) -> float:
    """Mean of the largest ``share`` of all cells, at least one, among the finite; 0 if none is."""
    finite = cells[np.isfinite(cells)]
    n_worst = min(max(1, round(share * cells.size)), finite.size)
    if n_worst == 0:
        return 0.0
    return float(np.partition(finite, finite.size - n_worst)[-n_worst:].mean())


def nearest_cells(maps: Sequence[CellMap]) -> CellMap:
    """Smallest distance of each cell over the references; infinite where none can be compared."""
    smallest: np.ndarray = np.minimum.reduce(list(maps))
    return smallest


def compared(cells: CellMap) -> CellMap:
    """Put 0 where nothing could be compared: no evidence."""
    return np.where(np.isfinite(cells), cells, np.float32(0))


def share_problems(name: str, share: float) -> list[str]:
    """Say so if a share of cells is none; 0 means the single worst cell."""
    if 0 <= share <= 1:
        return []
    return [f"scores.{name}.share must lie in 0 … 1, got {share}"]
