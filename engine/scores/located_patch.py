"""Distance of the cells to the reference cells at the same place.

Has this place of the image looked like this before?

Beside the seven. After registration by a shift s_j to each reference j, with a small window w,

    f_j(p) = min over |d| ≤ w of |t_p − r_j,p+s_j+d|,
    score = mean of the largest ``share`` of min_j f_j(p).

A cell that no reference shows after registration is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alignment.comparison import Comparison
from engine.scores.reading import Reading, Score, compared, nearest_cells, worst_share
from features.config_fields import Share


@dataclass(frozen=True)
class LocatedPatchConfig:
    """How many cells speak for the image."""

    share: Share = 0.005
    """Share of the cells averaged, at least one. Few cells measure better than 2 %."""


def score(comparisons: Sequence[Comparison], config: LocatedPatchConfig) -> Reading:
    """Compare every cell with the same place in all references."""
    cells = nearest_cells([comparison.forward for comparison in comparisons])
    return Reading(worst_share(cells, config.share), compared(cells))


SCORE = Score(
    name="located_patch",
    question="Has this very place looked like this?",
    read=score,
    config=LocatedPatchConfig,
    role="place",
    cell_map="unseen_here",
    explains=("unseen_here",),
)
