"""Distance of the cells to their nearest neighbours among all reference cells.

Has anything in the image been seen nowhere in the references?

Published reading, score 1: with the test tokens t_p and the bank of all reference tokens r_q,

    d_p = min_q |t_p − r_q|,    score = mean of the largest ``share`` of d_p.

Published: cosine distance (``comparison.distance``) and a share of 2 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alignment.comparison import Comparison
from engine.scores.reading import Reading, Score, compared, nearest_cells, worst_share
from features.config_fields import Share


@dataclass(frozen=True)
class ClassAgnosticPatchConfig:
    """How many cells speak for the image."""

    share: Share = 0.005
    """Share of the cells averaged, at least one. Published: 0.02. Small defects want few cells."""


def score(comparisons: Sequence[Comparison], config: ClassAgnosticPatchConfig) -> Reading:
    """Compare every cell with all cells of all references."""
    cells = nearest_cells([comparison.anywhere for comparison in comparisons])
    return Reading(worst_share(cells, config.share), compared(cells))


SCORE = Score(
    name="class_agnostic_patch",
    question="Has any place in the references looked like this?",
    read=score,
    config=ClassAgnosticPatchConfig,
    role="appearance",
    is_published=True,
    cell_map="unseen",
)
