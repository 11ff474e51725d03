"""Distance of the mean descriptors of the classes to those of a reference.

Does each class look, on the whole, as it should?

Published reading, score 4: the mean of the tokens over the pixels of each class, e_c, gives one
descriptor per image; the score is the distance to the nearest reference's,

    score = min over references of √(mean over c of |e_c − e'_c|²).

All classes take part, the background too: its look must not change either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float

from alignment.comparison import Comparison
from alignment.sample import Sample
from engine.scores.reading import Reading, Score, combine, euclidean, shows
from features.config_fields import Range

Embedding = Literal["scalar", "euclidean", "cosine"]


@dataclass(frozen=True)
class ClassEmbeddingConfig:
    """What of a class's mean token is compared."""

    embedding: Embedding = "euclidean"
    """``scalar``: the mean over the channels as well, one number per class, as published; most
    changes of look cancel in it. ``euclidean``: the whole mean token. ``cosine``: its direction
    alone, 1 − cos per class."""
    absent_factor: Annotated[float, Range(0, 100)] = 1.0
    """What a class that only one of the two images shows counts: for ``cosine`` this value itself
    (1: unrelated directions), else times the root mean square distance of a cell from the mean of
    its image, the larger of the two images' (1: as far as a cell is from an average cell)."""


def score(comparisons: Sequence[Comparison], config: ClassEmbeddingConfig) -> Reading:
    """Compare the mean token of each class with that of the nearest reference."""
    pairs = [(comparison.test, comparison.reference) for comparison in comparisons]
    return Reading(min(_distance(test, reference, config) for test, reference in pairs))


SCORE = Score(
    name="class_embedding",
    question="Does each class look as usual on average?",
    read=score,
    config=ClassEmbeddingConfig,
    role="appearance",
    is_published=True,
)


def _distance(test: Sample, reference: Sample, config: ClassEmbeddingConfig) -> float:
    is_scalar = config.embedding == "scalar"
    ours, theirs = (_rows(sample, is_scalar) for sample in (test, reference))
    is_in_ours, is_in_theirs = shows(ours), shows(theirs)
    if config.embedding == "cosine":
        gap = 1 - np.sum(_unit(ours) * _unit(theirs), axis=1)
        return combine(gap, is_in_ours, is_in_theirs, absent=config.absent_factor)
    absent = 0.0
    if (is_in_ours != is_in_theirs).any():
        absent = config.absent_factor * max(_spread(test, is_scalar), _spread(reference, is_scalar))
    return combine(euclidean(ours, theirs), is_in_ours, is_in_theirs, absent=absent)


def _rows(sample: Sample, is_scalar: bool) -> Float[np.ndarray, "classes channels"]:
    rows = sample.class_token
    return rows.mean(axis=1, keepdims=True) if is_scalar else rows


def _unit(rows: Float[np.ndarray, "classes dim"]) -> Float[np.ndarray, "classes dim"]:
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: np.ndarray = rows / np.maximum(norm, 1e-6)
    return unit


def _spread(sample: Sample, is_scalar: bool) -> float:
    """Root mean square distance of a valid cell from the mean of all; 0 where there is none."""
    tokens = sample.dense.tokens[sample.dense.is_valid]
    if not len(tokens):
        return 0.0
    if is_scalar:
        tokens = tokens.mean(axis=1, keepdims=True)
    return float(np.sqrt(tokens.var(axis=0).sum()))
