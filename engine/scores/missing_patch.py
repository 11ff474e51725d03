"""Distance of the reference cells to the cells of the image at the same place.

Is what a reference shows still there?

Beside the seven, and the other direction of ``located_patch``: every *reference* cell asks the test
image. With the shift s_j registered to reference j and a small window w,

    g_j(q) = min over |d| ≤ w of |r_j,q − t_q−s_j+d|,
    score = min over j of the mean of the largest ``share`` of g_j(q).

The minimum is over whole references, not over cells: the image has to show everything that *one*
reference shows. A reference that cannot be compared at any cell is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alignment.comparison import CellMap, Comparison, overlap
from engine.scores.reading import Reading, Score, compared, worst_share
from features.config_fields import Share


@dataclass(frozen=True)
class MissingPatchConfig:
    """How many cells speak for a reference."""

    share: Share = 0.005
    """Share of the cells averaged, at least one. Few cells measure better than 2 %."""


def score(comparisons: Sequence[Comparison], config: MissingPatchConfig) -> Reading:
    """Look for every cell of each reference in the image; the reference that misses least speaks.

    The map is that reference's, moved onto the grid of the test image, 0 where it does not reach.
    """
    readings = [
        Reading(worst_share(comparison.reverse, config.share), _on_test_grid(comparison))
        for comparison in comparisons
        if np.isfinite(comparison.reverse).any()
    ]
    nothing = Reading(0.0, np.zeros(comparisons[0].test.dense.is_valid.shape, dtype=np.float32))
    return min(readings, key=lambda reading: reading.value, default=nothing)


SCORE = Score(
    name="missing_patch",
    question="Is everything here that the references show here?",
    read=score,
    config=MissingPatchConfig,
    role="appearance",
    cell_map="missing_here",
    explains=("missing_here",),
)


def _on_test_grid(comparison: Comparison) -> CellMap:
    reverse = compared(comparison.reverse)
    cells = np.zeros_like(reverse)
    here, there = overlap((reverse.shape[0], reverse.shape[1]), comparison.shift)
    cells[here] = reverse[there]
    return cells
