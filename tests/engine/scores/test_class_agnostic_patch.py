from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from alignment.comparison import Comparison
from alignment.sample import Sample
from engine.scores.class_agnostic_patch import ClassAgnosticPatchConfig, score
from features.config_fields import problems_of

Beside = Callable[..., list[Comparison]]


def naive_score(test: Sample, references: list[Sample], share: float) -> float:
    bank = np.concatenate([each.dense.tokens[each.dense.is_valid] for each in references])
    tokens = test.dense.tokens[test.dense.is_valid]
    nearest = sorted((np.linalg.norm(bank - token, axis=1).min() for token in tokens), reverse=True)
    return float(np.mean(nearest[: max(1, round(share * test.dense.is_valid.size))]))


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3])
def test_against_one_bank_of_all_references(
    random_sample: Callable[..., Sample], compare_all: Beside, share: float
) -> None:
    test, *references = (random_sample(seed) for seed in range(4))
    reading = score(compare_all(test, *references), ClassAgnosticPatchConfig(share))
    assert reading.value == pytest.approx(naive_score(test, references, share), rel=1e-4)


def test_a_reference_is_at_zero_from_itself(
    paint: Callable[..., Sample], compare_all: Beside
) -> None:
    first, second = (paint([(1, (8, 8, 24, 24))], seed=seed) for seed in (0, 1))
    assert score(compare_all(first, second, first), ClassAgnosticPatchConfig()).value == 0.0


def test_the_map_shows_what_is_new(paint: Callable[..., Sample], compare_all: Beside) -> None:
    test = paint([(1, (8, 8, 24, 24)), (3, (32, 40, 40, 48))])
    reading = score(
        compare_all(test, paint([(1, (8, 8, 24, 24))], seed=1)), ClassAgnosticPatchConfig()
    )
    assert reading.cells is not None
    assert np.unravel_index(reading.cells.argmax(), reading.cells.shape) == (4, 5)
    assert reading.value == reading.cells.max()


def test_cells_that_are_not_valid_are_silent(
    paint: Callable[..., Sample], compare_all: Beside, hide: Callable[..., Sample]
) -> None:
    test = hide(paint([(3, (32, 40, 40, 48))]), (32, 40, 40, 48))
    reading = score(compare_all(test, paint([], seed=1)), ClassAgnosticPatchConfig())
    assert reading.cells is not None
    assert reading.cells[4, 5] == 0.0
    assert reading.value < 1.0


def test_config_names_its_problem() -> None:
    assert problems_of(ClassAgnosticPatchConfig(), "scores.class_agnostic_patch") == []
    assert problems_of(ClassAgnosticPatchConfig(2), "scores.class_agnostic_patch") == [
        "scores.class_agnostic_patch.share must lie in 0 … 1, got 2"
    ]
