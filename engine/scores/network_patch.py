"""Distance of the cells to what a network saw of the references, wherever and however it lay.

Does any place of the references, in any turn, look like this to one who knows photographs?

Beside the seven. With the network's descriptors t_p of the photograph as it lies and those r_q of
all references and their turned copies, of length 1,

    d_p = min over q of 1 − t_p · r_q,    score = mean of the largest ``share`` of d_p.

In a profile without such a network the score is 0, and has no say in the total.
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
class NetworkPatchConfig:
    """How many cells speak for the image, and how loudly."""

    share: Share = 0.005
    """Share of the cells averaged, at least one."""
    weight: Annotated[float, Range(0, 100)] = 4.5
    """Weight in the total: one and a half times the three patch scores of hand-made descriptors."""


def score(comparisons: Sequence[Comparison], config: NetworkPatchConfig) -> Reading:
    """Compare every cell with all that the network saw of all references."""
    test = comparisons[0].test
    maps = [each.unlike for each in comparisons]
    known = [each for each in maps if each is not None]
    if test.view is None or not known:
        return Reading(0.0, np.zeros(test.dense.is_valid.shape, dtype=np.float32))
    cells = nearest_cells(known)
    registered = test.view.registered(
        compared(cells), test.dense.is_valid.shape, test.is_valid.shape
    )
    return Reading(worst_share(cells, config.share), registered)


SCORE = Score(
    name="network_patch",
    question="Has anything in the references looked like this to a network?",
    read=score,
    config=NetworkPatchConfig,
    role="appearance",
    cell_map="unlike",
    explains=("unlike",),
)
