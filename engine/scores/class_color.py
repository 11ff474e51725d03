"""Distance of the mean colours of the classes to those of a reference.

Does each class have its colour?

Published reading, score 6: CIELAB without lightness, per pixel, averaged over each class, gives one
descriptor per image; the score is the distance to the nearest reference's,

    score = min over references of √(mean over c of ΔE_c²),

where ΔE_c is the difference of class c in the two images. All classes take part, the background
too. Only valid pixels count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float

from alignment.comparison import Comparison
from engine.scores.reading import Reading, Score, combine, euclidean, shows
from features.config_fields import Range

Color = Literal["ratio", "ab", "hue_chroma"]

# What a class that only one image shows counts. 20 units of CIELAB are two colours that nobody
# confuses; a ratio that changes by 1 has turned by 45° from b to a.
ABSENT: dict[Color, float] = {"ratio": 1.0, "ab": 20.0, "hue_chroma": 20.0}


@dataclass(frozen=True)
class ClassColorConfig:
    """What is called the colour of a class."""

    color: Color = "ab"
    """``ratio``: the mean of a/b, as published, |b| kept at 1 or more, for the ratio has a pole at
    b = 0 where all greys lie. ``ab``: the mean (a, b), in units of CIELAB. ``hue_chroma``: the
    hue of that mean, and the mean chroma of the pixels, which also tells a motley class from a grey
    one of the same mean."""
    absent_factor: Annotated[float, Range(0, 100)] = 1.0
    """What a class that only one of the two images shows counts, times 20 units of CIELAB, or
    times 1 for ``ratio``."""


def score(comparisons: Sequence[Comparison], config: ClassColorConfig) -> Reading:
    """Compare the colour of each class with that in the nearest reference."""
    absent = config.absent_factor * ABSENT[config.color]
    ours = comparisons[0].test.class_color
    distances = []
    for comparison in comparisons:
        theirs = comparison.reference.class_color
        gap = _gap(ours, theirs, config.color)
        distances.append(combine(gap, shows(ours), shows(theirs), absent=absent))
    return Reading(min(distances))


SCORE = Score(
    name="class_color",
    question="Does each class have its usual colour?",
    read=score,
    config=ClassColorConfig,
    role="appearance",
    is_published=True,
)


def _gap(
    ours: Float[np.ndarray, "classes 4"], theirs: Float[np.ndarray, "classes 4"], color: Color
) -> Float[np.ndarray, " classes"]:
    """Difference of each class; the columns are the means of a, b, chroma and a/b."""
    if color == "ratio":
        return euclidean(ours[:, 3:], theirs[:, 3:])
    if color == "ab":
        return euclidean(ours[:, :2], theirs[:, :2])

    # ΔH² = 4·C·C'·sin²(Δh/2), with the chroma of the means, where a hue without chroma weighs
    # nothing (CIE 15); 4·C·C'·sin²(Δh/2) = 2·(C·C' − m·m')
    product = np.linalg.norm(ours[:, :2], axis=1) * np.linalg.norm(theirs[:, :2], axis=1)
    hue_squared = 2 * (product - np.sum(ours[:, :2] * theirs[:, :2], axis=1))
    chroma = ours[:, 2] - theirs[:, 2]
    gap: np.ndarray = np.sqrt(chroma**2 + np.maximum(hue_squared, 0))
    return gap
