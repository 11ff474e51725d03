"""Distance of the cells of each class to the reference cells of that class.

Does each class look like itself?

Published reading, score 2: score 1 inside each class c, against that class's own bank,

    d_p = min over reference cells q of class c of |t_p − r_q|,    p of class c,
    score = max over c of the mean of the largest ``share`` of d_p inside c.

Two cases that the published reading leaves open:

* A class that no reference shows has no bank. Its cells are compared with all reference cells, and
  the distance is multiplied by ``absent_factor``: worse than a class that changed its looks.
* A cell of no class (an extra part) is compared with all reference cells as well, unmultiplied:
  that the part is extra is what ``instance_count`` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from alignment.comparison import CellMap, Comparison
from engine.scores.reading import Reading, Score, nearest_cells, worst_share
from features.config_fields import Range, Share


@dataclass(frozen=True)
class ClassAwarePatchConfig:
    """How many cells speak for a class, and what a class without a bank is worth."""

    share: Share = 0.02
    """Share of a class's cells averaged, at least one. The published value."""
    min_cells: Annotated[int, Range(1)] = 3
    """Classes with fewer cells are skipped: their cells are mostly edge."""
    absent_factor: Annotated[float, Range(1, 100)] = 2.0
    """Multiplies the distance to any reference cell for a class that no reference shows."""


def score(comparisons: Sequence[Comparison], config: ClassAwarePatchConfig) -> Reading:
    """Compare every cell with the reference cells of its class; the worst class speaks."""
    cells = _distances(comparisons, config.absent_factor)
    cell_class = comparisons[0].test.cell_class
    value, judged = 0.0, np.zeros_like(cells)
    for class_id in np.unique(cell_class):
        is_class = (cell_class == class_id) & np.isfinite(cells)
        if np.count_nonzero(is_class) >= config.min_cells:
            value = max(value, worst_share(cells[is_class], config.share))
            judged[is_class] = cells[is_class]
    return Reading(value, judged)


SCORE = Score(
    name="class_aware_patch",
    question="Has any place of this class looked like this?",
    read=score,
    config=ClassAwarePatchConfig,
    role="appearance",
    is_published=True,
)


def _distances(comparisons: Sequence[Comparison], absent_factor: float) -> CellMap:
    """Distance of each cell to its class's bank, or to any cell where there is no bank."""
    test = comparisons[0].test
    own = nearest_cells([comparison.in_class for comparison in comparisons])
    if np.isfinite(own[test.dense.is_valid]).all():
        return own
    anywhere = nearest_cells([comparison.anywhere for comparison in comparisons])
    factor = np.where(test.cell_class >= 0, np.float32(absent_factor), np.float32(1))
    return np.where(np.isfinite(own), own, factor * anywhere)
