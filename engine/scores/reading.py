"""Scores and their readings, and the arithmetic that several scores share.

Scores 4, 6 and 7 describe each class by a row of numbers. The rows of two images differ by one gap
per class, and the classes are combined by the root mean square, which is the Euclidean distance of
the stacked descriptors but for a constant factor. A class that neither image shows has no gap; a
class that only one of them shows counts as a gap that the score documents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Float32

from alignment.comparison import Comparison

CellMap = Float32[np.ndarray, "rows columns"]
Rows = Float[np.ndarray, "classes channels"]

# What a score looks at: what things look like, whether a place is as it was, or how much there is.
# The freer a product is laid out, the less a place tells and the more an amount.
Role = Literal["appearance", "place", "amount"]

# Seen nowhere in the references; not seen at this place; not here although the references show it;
# like nothing there to a network; nor when it looks closer.
CellMapKind = Literal["unseen", "unseen_here", "missing_here", "unlike", "detail"]


@dataclass(frozen=True)
class Reading:
    """A score's value, and for patch scores the map on the cell grid that it was read from.

    Both are finite; a cell that could not be compared is 0.
    """

    value: float
    cells: CellMap | None = None
    n_over_tolerance: int = 0
    """Instances beyond a tolerance that a person has set; each is a reason of its own."""


@dataclass(frozen=True)
class Score:
    """One question that is asked of the test image beside every reference.

    ``name`` is also that of its section in ``[scores]``; ``read`` takes all comparisons and the
    record of that section, which is a ``config``. ``is_published`` tells the seven of the
    published method from those beside them.
    """

    name: str
    question: str
    read: Callable[[Sequence[Comparison], Any], Reading]
    config: type
    role: Role
    is_published: bool = False
    cell_map: CellMapKind | None = None
    """What the cells of its readings show, if they are to be drawn: one score for each kind."""
    explains: tuple[str, ...] = ()
    """Kinds of deviations that raise it."""


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


def shows(rows: Rows) -> Bool[np.ndarray, " classes"]:
    """Whether the image shows a class at all: its row holds no NaN."""
    is_shown: np.ndarray = ~np.isnan(rows).any(axis=1)
    return is_shown


def euclidean(ours: Rows, theirs: Rows) -> Float[np.ndarray, " classes"]:
    """Euclidean distance of each class's two rows; NaN where either is."""
    distance: np.ndarray = np.linalg.norm(ours - theirs, axis=1)
    return distance


def combine(
    gap: Float[np.ndarray, " classes"],
    is_in_ours: Bool[np.ndarray, " classes"],
    is_in_theirs: Bool[np.ndarray, " classes"],
    *,
    absent: float,
) -> float:
    """Root mean square over all classes; 0 where there is no class.

    Args:
        gap: Distance of each class that both images show; any value, NaN too, elsewhere.
        is_in_ours: Which classes one image shows.
        is_in_theirs: Which classes the other image shows.
        absent: The gap of a class that only one of the two shows.
    """
    if not len(gap):
        return 0.0
    gap = np.where(is_in_ours & is_in_theirs, gap, absent * (is_in_ours != is_in_theirs))
    return float(np.sqrt(np.mean(gap**2)))
