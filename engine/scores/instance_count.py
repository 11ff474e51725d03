"""Instances of each class outside the counts that the references show.

Are there as many instances of each class as there should be?

Beside the seven. With n_c instances of foreground class c, and the least and most that the
references show, l_c and h_c,

    score = Σ_c max(l_c − n_c, n_c − h_c, 0) / (1 + h_c − l_c) + ``extra_weight`` · u

over the classes whose counts the references agree on, and u foreground parts that resemble no
class. Reading ``nearest`` compares with one reference at a time instead, whatever they agree on:
min over references of Σ_c |n_c − n'_c|. An absent class has count 0. Background parts are not
counted: in how many pieces the background falls depends on what lies on it.

A class whose tolerance t was set by hand is judged by that rule alone: counts of l_c − t … h_c + t
are fine, and the instances beyond are told apart from the value (``Reading.n_over_tolerance``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Int

from alignment.aligned import AlignedParts
from alignment.comparison import Comparison
from engine.scores.reading import Reading, Score
from features.config_fields import Range

# counts that differ by more than one, and by more than this share of their mean, are no agreement
MAX_DISAGREEMENT = 0.15


@dataclass(frozen=True)
class InstanceCountConfig:
    """What is counted, and what an extra part is worth."""

    counting: Literal["range", "nearest"] = "range"
    """Whether a count must lie in the range of the references, or equal the nearest one's."""
    extra_weight: Annotated[float, Range(0, 100)] = 0.0
    """Worth of a part that resembles no class, against one instance too many or too few; stray
    parts come and go with light and shadow."""
    weight: Annotated[float, Range(0, 100)] = 0.3
    """Weight in the total for a product laid out freely; most other scores have 1."""


def score(comparisons: Sequence[Comparison], config: InstanceCountConfig) -> Reading:
    """Compare the counts of the foreground classes with those of the references."""
    aligned = comparisons[0].test.aligned
    is_counted = ~aligned.is_background_class & ~aligned.is_ruled
    counts = aligned.counts[is_counted]
    usual = np.stack([each.reference.aligned.counts[is_counted] for each in comparisons])
    if config.counting == "nearest":
        n_different = float(np.abs(usual - counts).sum(axis=1).min())
    else:
        low, high = usual.min(axis=0), usual.max(axis=0)
        spread = high - low
        is_agreed = spread <= np.maximum(1, MAX_DISAGREEMENT * usual.mean(axis=0))
        surplus = np.maximum(low - counts, 0) + np.maximum(counts - high, 0)
        n_different = float((surplus * is_agreed / (1 + spread)).sum())
    n_extra = np.count_nonzero((aligned.class_of_part < 0) & ~aligned.parts.is_background)
    beyond = beyond_tolerance(aligned, [each.reference.aligned for each in comparisons])
    return Reading(n_different + config.extra_weight * n_extra, n_over_tolerance=int(beyond.sum()))


SCORE = Score(
    name="instance_count",
    question="Are there as many of each class as usual?",
    read=score,
    config=InstanceCountConfig,
    role="amount",
    explains=("missing", "extra"),
)


def beyond_tolerance(
    aligned: AlignedParts, references: Sequence[AlignedParts]
) -> Int[np.ndarray, " classes"]:
    """Count the instances of each class beyond its tolerance; 0 for classes without one."""
    if aligned.count_tolerance is None or not aligned.is_ruled.any():
        return np.zeros(aligned.n_classes, dtype=np.int64)
    usual = np.stack([reference.counts for reference in references])
    low = usual.min(axis=0) - aligned.count_tolerance
    high = usual.max(axis=0) + aligned.count_tolerance
    surplus = np.maximum(low - aligned.counts, 0) + np.maximum(aligned.counts - high, 0)
    return np.asarray(surplus * aligned.is_ruled)
