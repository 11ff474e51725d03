"""Distance of the cells of a second, closer look to those of the references.

Is there something small that no reference shows, at its place or, without places, at any?

Beside the seven. With the network's descriptors u_p of the registered photograph, seen in twice the
size, and those v_q of a reference, of length 1, with a small window w,

    e_p = min over references and |q − p| ≤ w of 1 − u_p · v_q,
    score = mean of the largest ``share`` of e_p / m_p,

where m_p is how far references are from each other there. Where photographs are no larger than what
the first look sees, the score is 0, and has no say in the total.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from alignment.comparison import Comparison
from engine.scores.reading import Reading, Score, compared, nearest_cells, worst_share
from features.config_fields import Range, Share


@dataclass(frozen=True)
class DetailPatchConfig:
    """How many cells speak for the image, and how loudly."""

    share: Share = 0.001
    """Share of the cells averaged, at least one: four of 64 × 64."""
    weight: Annotated[float, Range(0, 100)] = 3.0
    """Weight in the total: as much as the three patch scores of hand-made descriptors together."""


def score(comparisons: Sequence[Comparison], config: DetailPatchConfig) -> Reading:
    """Compare every cell with what the network saw at its place of all references."""
    known = [cells for each in comparisons if (cells := each.in_detail) is not None]
    if not known:
        grid = comparisons[0].test.dense.is_valid.shape
        return Reading(0.0, np.zeros(grid, dtype=np.float32))
    cells = nearest_cells(known)
    return Reading(worst_share(cells, config.share), compared(cells))


SCORE = Score(
    name="detail_patch",
    question="Is there anything small that the references do not show?",
    read=score,
    config=DetailPatchConfig,
    role="appearance",
    cell_map="detail",
    explains=("detail",),
)
