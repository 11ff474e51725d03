"""Distance of the mean positions of the classes to those of a reference.

Is each class where it should be?

Published reading, score 7: the distance of each class's mean position to the image corner (0, 0),
in units of the image diagonal, gives one descriptor per image; the score is the distance to the
nearest reference's,

    score = min over references of √(mean over c of δ_c²),

where δ_c is how far class c lies from its place in the reference. The mean position is that of all
valid pixels of the class. The background takes no part: it is everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from alignment.comparison import Comparison
from alignment.sample import Sample
from engine.scores.reading import Reading, Rows, Score, combine, euclidean, shows
from features.config_fields import Share

Position = Literal["corner", "centroid", "relative"]


@dataclass(frozen=True)
class ClassLocationConfig:
    """What is called the place of a class."""

    position: Position = "relative"
    """``corner``: the distance to the corner (0, 0), as published, blind to moves on a circle about
    it. ``centroid``: both coordinates. ``relative``: the places of the classes relative to each
    other, so that a product that lies elsewhere as a whole is at its place; says nothing of one
    class alone."""
    absent: Share = 0.2
    """What a class that only one of the two images shows counts, as a share of the diagonal."""


def score(comparisons: Sequence[Comparison], config: ClassLocationConfig) -> Reading:
    """Compare the place of each foreground class with that in the nearest reference."""
    ours = _places(comparisons[0].test)
    distances = []
    for comparison in comparisons:
        theirs = _places(comparison.reference)
        gap = _gap(ours, theirs, config.position)
        distances.append(combine(gap, shows(ours), shows(theirs), absent=config.absent))
    return Reading(min(distances))


SCORE = Score(
    name="class_location",
    question="Is each class where it usually is?",
    read=score,
    config=ClassLocationConfig,
    role="place",
    is_published=True,
    explains=("place",),
)


def _places(sample: Sample) -> Rows:
    """Mean (y, x) of each foreground class in units of the diagonal."""
    height, width = sample.is_valid.shape
    centroid_yx = sample.class_centroid_yx[~sample.aligned.is_background_class]
    places: np.ndarray = centroid_yx / np.hypot(height, width)
    return places


def _gap(ours: Rows, theirs: Rows, position: Position) -> Float[np.ndarray, " classes"]:
    if position == "corner":
        ours, theirs = (np.linalg.norm(rows, axis=1, keepdims=True) for rows in (ours, theirs))
    if position == "relative":
        # Taking off the common displacement compares all pairs of classes: the mean of
        # |δ_i − δ_j|² over all pairs is twice the mean of |δ_i − mean δ|²
        is_in_both = shows(ours) & shows(theirs)
        ours = ours - np.sum((ours - theirs)[is_in_both], axis=0) / max(is_in_both.sum(), 1)
    return euclidean(ours, theirs)
