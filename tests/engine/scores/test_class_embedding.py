from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from alignment.comparison import Comparison
from alignment.sample import Sample
from engine.scores.class_embedding import ClassEmbeddingConfig, Embedding, score
from features.config_fields import problems_of

Beside = Callable[..., list[Comparison]]
Paint = Callable[..., Sample]
EMBEDDINGS: tuple[Embedding, ...] = ("scalar", "euclidean", "cosine")
PARTS = [(1, (8, 8, 32, 32)), (2, (8, 40, 24, 56))]


def mean_token(sample: Sample, class_id: int) -> np.ndarray:
    pixels = np.argwhere(sample.aligned.class_map == class_id)
    return np.mean([sample.dense.tokens[y // 8, x // 8] for y, x in pixels], axis=0)


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_against_loops(paint: Paint, compare_all: Beside, embedding: Embedding) -> None:
    test, *references = (paint(PARTS, seed=seed, noise=2.0, n_classes=3) for seed in range(4))
    distances = []
    for reference in references:
        gaps = []
        for class_id in range(3):
            ours, theirs = mean_token(test, class_id), mean_token(reference, class_id)
            if embedding == "scalar":
                gaps.append(ours.mean() - theirs.mean())
            elif embedding == "euclidean":
                gaps.append(np.linalg.norm(ours - theirs))
            else:
                gaps.append(1 - ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs))
        distances.append(np.sqrt(np.mean(np.square(gaps))))
    reading = score(compare_all(test, *references), ClassEmbeddingConfig(embedding))
    assert reading.value == pytest.approx(min(distances), rel=1e-3)


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_a_changed_look_raises_it(paint: Paint, compare_all: Beside, embedding: Embedding) -> None:
    reference, changed = paint(PARTS, seed=1), paint(PARTS, looks={1: 3})
    config = ClassEmbeddingConfig(embedding)
    normal = score(compare_all(paint(PARTS), reference), config).value
    assert score(compare_all(changed, reference), config).value > 5 * normal


def test_the_published_reading_is_blind_to_what_cancels(paint: Paint, compare_all: Beside) -> None:
    reference, test = paint(PARTS, seed=1), paint(PARTS, seed=1)
    test.dense.tokens[test.cell_class == 1] += np.array([5, -5, 5, -5, 5, -5], dtype=np.float32)
    pairs = compare_all(test, reference)
    assert score(pairs, ClassEmbeddingConfig("scalar")).value < 1e-5
    assert score(pairs, ClassEmbeddingConfig("euclidean")).value > 3.0


@pytest.mark.parametrize("embedding", EMBEDDINGS)
@pytest.mark.parametrize("is_missing", [True, False])
def test_a_class_in_one_image_only_is_evidence(
    paint: Paint, compare_all: Beside, embedding: Embedding, is_missing: bool
) -> None:
    fewer, all_parts = paint(PARTS[:1], noise=0.0), paint(PARTS, noise=0.0)
    pair = (fewer, all_parts) if is_missing else (all_parts, fewer)
    spreads = []
    for sample in pair:
        cells = sample.dense.tokens.reshape(-1, 6)
        if embedding == "scalar":
            cells = cells.mean(axis=1, keepdims=True)
        spreads.append(np.sqrt(np.mean(np.sum((cells - cells.mean(axis=0)) ** 2, axis=1))))
    absent = 1.0 if embedding == "cosine" else max(spreads)
    for factor in (1.0, 2.5):
        reading = score(compare_all(*pair), ClassEmbeddingConfig(embedding, factor))
        assert reading.value == pytest.approx(factor * absent / np.sqrt(4), rel=1e-4, abs=1e-6)


def test_config_names_all_problems() -> None:
    assert problems_of(ClassEmbeddingConfig(), "scores.class_embedding") == []
    assert problems_of(ClassEmbeddingConfig("vector", -1), "scores.class_embedding") == [  # type: ignore[arg-type]
        'scores.class_embedding.embedding must be "scalar" or "euclidean" or "cosine", '
        'got "vector"',
        "scores.class_embedding.absent_factor must lie in 0 … 100, got -1",
    ]
