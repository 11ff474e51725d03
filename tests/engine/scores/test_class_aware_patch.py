from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from alignment.comparison import Comparison
from alignment.sample import Sample
from engine.scores import class_agnostic_patch
from engine.scores.class_aware_patch import ClassAwarePatchConfig, score
from engine.scores.reading import worst_share
from features.config_fields import problems_of

Beside = Callable[..., list[Comparison]]
Paint = Callable[..., Sample]
SQUARE, OTHER = (8, 8, 32, 32), (8, 40, 24, 56)


def naive_score(test: Sample, references: list[Sample], share: float) -> float:
    worst = []
    for class_id in range(test.aligned.n_classes):
        bank = np.concatenate(
            [r.dense.tokens[r.dense.is_valid & (r.cell_class == class_id)] for r in references]
        )
        tokens = test.dense.tokens[test.dense.is_valid & (test.cell_class == class_id)]
        nearest = [np.linalg.norm(bank - token, axis=1).min() for token in tokens]
        worst.append(worst_share(np.array(nearest, dtype=np.float32), share))
    return max(worst)


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_against_one_bank_per_class(paint: Paint, compare_all: Beside, share: float) -> None:
    parts = [(1, SQUARE), (2, OTHER), (3, (32, 32, 48, 64))]
    test, *references = (paint(parts, seed=seed) for seed in range(4))
    reading = score(compare_all(test, *references), ClassAwarePatchConfig(share))
    assert reading.value == pytest.approx(naive_score(test, references, share), rel=1e-4)


def test_sees_a_look_that_belongs_to_another_class(paint: Paint, compare_all: Beside) -> None:
    reference = paint([(1, SQUARE), (2, OTHER)], seed=1)
    pairs = compare_all(paint([(1, SQUARE), (2, OTHER)], looks={1: 2, 2: 1}), reference)
    agnostic = class_agnostic_patch.score(pairs, class_agnostic_patch.ClassAgnosticPatchConfig())
    assert score(pairs, ClassAwarePatchConfig()).value > 10 * agnostic.value


def test_a_class_without_a_bank_is_compared_anywhere_and_multiplied(
    paint: Paint, compare_all: Beside
) -> None:
    pairs = compare_all(paint([(1, SQUARE)]), paint([], seed=1), paint([], seed=2))
    anywhere = np.minimum(pairs[0].anywhere, pairs[1].anywhere)
    is_new = pairs[0].test.cell_class == 1
    for factor in (1.0, 3.0):
        reading = score(pairs, ClassAwarePatchConfig(share=1.0, absent_factor=factor))
        assert reading.value == pytest.approx(factor * anywhere[is_new].mean(), rel=1e-6)


def test_a_class_that_some_reference_shows_has_a_bank(paint: Paint, compare_all: Beside) -> None:
    pairs = compare_all(paint([(1, SQUARE)]), paint([], seed=1), paint([(1, SQUARE)], seed=2))
    assert score(pairs, ClassAwarePatchConfig()).value < 1.0


def test_parts_of_no_class_are_compared_anywhere(paint: Paint, compare_all: Beside) -> None:
    pairs = compare_all(paint([(-1, SQUARE)]), paint([(-1, SQUARE)], seed=1), paint([], seed=2))
    assert score(pairs, ClassAwarePatchConfig()).value < 1.0
    pairs = compare_all(paint([(-1, SQUARE)]), paint([], seed=2))
    is_extra = pairs[0].test.cell_class == -1
    reading = score(pairs, ClassAwarePatchConfig(share=1.0))
    assert reading.value == pytest.approx(pairs[0].anywhere[is_extra].mean(), rel=1e-6)


def test_tiny_classes_are_skipped(paint: Paint, compare_all: Beside) -> None:
    pairs = compare_all(paint([(1, (8, 8, 16, 24))]), paint([], seed=1))  # two cells
    assert score(pairs, ClassAwarePatchConfig(min_cells=2)).value > 1.0
    reading = score(pairs, ClassAwarePatchConfig(min_cells=3))
    assert reading.value < 1.0
    assert reading.cells is not None
    assert not reading.cells[1, 1:3].any()


def test_config_names_all_problems() -> None:
    assert problems_of(ClassAwarePatchConfig(), "scores.class_aware_patch") == []
    assert problems_of(ClassAwarePatchConfig(-1, 0, 0.5), "scores.class_aware_patch") == [
        "scores.class_aware_patch.share must lie in 0 … 1, got -1",
        "scores.class_aware_patch.min_cells must be at least 1, got 0",
        "scores.class_aware_patch.absent_factor must lie in 1 … 100, got 0.5",
    ]
