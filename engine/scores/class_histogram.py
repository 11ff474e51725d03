"""Distance of the areas of the classes to those of the references.

Is there as much of each class as there should be?

Published reading, score 5: the share of the pixels that each class covers, h = (h_1 … h_C), gives
one descriptor per image; the score is the distance to the nearest reference's,

    score = min over references of |h − h'|.

The Mahalanobis reading compares with all references at once. With their mean m, their scatter S
and k of them,

    score² = (h − m)ᵀ [(1 + 1/k) · (S + ν·D²) / (k − 1 + ν)]⁻¹ (h − m),

where D is diagonal, ``relative_spread`` · m + a floor: a belief about how much each class varies
that weighs as much as ν = ``prior_references`` references. So one reference suffices (k = 1 leaves
D alone, a Euclidean distance in units of each class's size), and the more there are, the more they
say themselves; no k switches to another distance, so leave-one-out scales stay comparable.

All classes take part, the background too; no class is missing here, an absent one has share 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float

from alignment.comparison import Comparison
from alignment.sample import Sample
from engine.scores.reading import Reading, Score
from features.config_fields import Range

Measure = Literal["share", "count"]
HistogramDistance = Literal["l1", "l2", "cosine", "mahalanobis"]

# the floor of D: half a percent of the image, half an instance
FLOOR: dict[Measure, float] = {"share": 0.005, "count": 0.5}


@dataclass(frozen=True)
class ClassHistogramConfig:
    """What of each class is measured, and how two histograms are compared."""

    measure: Measure = "share"
    """``share``: of the valid pixels, as published. ``count``: number of instances."""
    distance: HistogramDistance = "mahalanobis"
    """``l1``, ``l2``, ``cosine``: to the nearest reference; published is l2. ``mahalanobis``: to
    all references at once, each class in units of its own variation, so that a missing screw is not
    drowned by a background that breathes."""
    relative_spread: Annotated[float, Range(0, 10)] = 0.1
    """Mahalanobis only: how much a class is believed to vary, relative to its size."""
    prior_references: Annotated[float, Range(0.01, 1000)] = 4.0
    """Mahalanobis only: how many references that belief is worth."""


def score(comparisons: Sequence[Comparison], config: ClassHistogramConfig) -> Reading:
    """Compare the histogram of classes with those of the references."""
    test = histogram(comparisons[0].test, config.measure)
    references = np.stack([histogram(c.reference, config.measure) for c in comparisons])
    if config.distance == "mahalanobis":
        prior = config.relative_spread * references.mean(axis=0) + FLOOR[config.measure]
        return Reading(mahalanobis(test, references, prior, config.prior_references))
    if config.distance == "cosine":
        return Reading(float(_cosine(test, references).min()))
    order = 1 if config.distance == "l1" else 2
    return Reading(float(np.linalg.norm(references - test, ord=order, axis=1).min()))


SCORE = Score(
    name="class_histogram",
    question="Does each class cover its usual share of the image?",
    read=score,
    config=ClassHistogramConfig,
    role="amount",
    is_published=True,
)


def histogram(sample: Sample, measure: Measure) -> Float[np.ndarray, " classes"]:
    """Share of the valid pixels, or number of instances, of each class."""
    if measure == "count":
        return sample.aligned.counts.astype(np.float64)
    share: np.ndarray = sample.class_area_px / max(np.count_nonzero(sample.is_valid), 1)
    return share


def mahalanobis(
    test: Float[np.ndarray, " classes"],
    references: Float[np.ndarray, "references classes"],
    prior_spread: Float[np.ndarray, " classes"],
    n_prior: float,
) -> float:
    """Distance from the references' mean under their covariance, shrunk to a diagonal prior."""
    k = len(references)
    mean = references.mean(axis=0)
    scatter = (references - mean).T @ (references - mean)
    covariance = (scatter + n_prior * np.diag(prior_spread**2)) / (k - 1 + n_prior)
    difference = test - mean
    squared = difference @ np.linalg.solve(covariance * (1 + 1 / k), difference)
    return float(np.sqrt(max(squared, 0.0)))


def _cosine(
    test: Float[np.ndarray, " classes"], references: Float[np.ndarray, "references classes"]
) -> Float[np.ndarray, " references"]:
    """1 − cos; an empty histogram is at distance 1 from any other, and at 0 from an empty one."""
    norms = np.linalg.norm(references, axis=1), np.linalg.norm(test)
    is_empty = (norms[0] == 0) & (norms[1] == 0)
    cosine = references @ test / np.maximum(norms[0] * norms[1], np.finfo(np.float64).tiny)
    return np.where(is_empty, 0.0, np.maximum(1 - cosine, 0.0))
