"""Distance of the foreground cells to the foreground cells of the references.

Has anything in the foreground been seen in no reference's foreground?

Published reading, score 3: score 1 over the cells of all classes but the background, against a bank
of such cells. Cells of no class are foreground. An image without foreground scores 0, for nothing
in it can be judged; that everything is missing is what the class scores say. Where no reference has
a foreground, any foreground is news: its cells are compared with all reference cells, and the
distance is multiplied by ``absent_factor``.
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
class ForegroundPatchConfig:
    """How many cells speak for the foreground, and what one without a bank is worth."""

    share: Share = 0.02
    """Share of the foreground's cells averaged, at least one. The published value."""
    absent_factor: Annotated[float, Range(1, 100)] = 2.0
    """Multiplies the distance to any reference cell where no reference has a foreground."""


def score(comparisons: Sequence[Comparison], config: ForegroundPatchConfig) -> Reading:
    """Compare every foreground cell with the foreground cells of all references."""
    test = comparisons[0].test
    is_asked = test.dense.is_valid & test.is_foreground
    cells = nearest_cells([comparison.in_foreground for comparison in comparisons])
    if not np.isfinite(cells[is_asked]).all():
        anywhere = nearest_cells([comparison.anywhere for comparison in comparisons])
        farther = np.float32(config.absent_factor) * anywhere
        cells = np.where(is_asked, farther, np.float32(np.inf))
    return Reading(worst_share(cells[is_asked], config.share), compared(cells))


SCORE = Score(
    name="foreground_patch",
    question="Has any place outside the background looked like this?",
    read=score,
    config=ForegroundPatchConfig,
    role="appearance",
    is_published=True,
)
