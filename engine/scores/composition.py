"""Distance of the shares of the visual words to those of the references.

Is there as much of everything as there should be, wherever it lies?

Beside the seven, for what neither place nor parts decide: fruit in a box, screws in a bag. With
shares h of the visual words (``features.visual_words``) and references r,

    score = mean over vocabularies of min over references of mean_w |h_w − r_w| / t_w,
    t_w = ``tolerance`` · mean_r r_w + sd_r r_w + ``floor``.

A word's tolerance thus grows with how much there is of it and how much the references disagree.
Absolute rather than squared differences: one word that took pixels from another is no evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from alignment.comparison import Comparison
from engine.scores.reading import Reading, Score
from features.config_fields import Range, Share


@dataclass(frozen=True)
class CompositionConfig:
    """How much a share may differ before it counts."""

    tolerance: Share = 0.1
    """Relative to the share itself; a camera that is 5 % nearer changes areas by 10 %."""
    floor: Annotated[float, Range(1e-6, 1)] = 1e-3
    """Absolute, as a share of the image."""
    weight: Annotated[float, Range(0, 100)] = 1.5
    """Weight in the total for a product laid out freely; most other scores have 1."""


def score(comparisons: Sequence[Comparison], config: CompositionConfig) -> Reading:
    """Compare the shares of visual words with those of the nearest reference."""
    shares = comparisons[0].test.composition
    usual = np.stack([each.reference.composition for each in comparisons])
    tolerance = config.tolerance * usual.mean(axis=0) + usual.std(axis=0) + config.floor
    distance = (np.abs(shares - usual) / tolerance).mean(axis=2)
    return Reading(float(distance.min(axis=0).mean()))


SCORE = Score(
    name="composition",
    question="Is there as much of everything as usual, wherever it lies?",
    read=score,
    config=CompositionConfig,
    role="amount",
    explains=("size", "color"),
)
