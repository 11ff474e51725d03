from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from alignment.comparison import Comparison
from alignment.sample import Sample
from engine.scores.foreground_patch import ForegroundPatchConfig, score
from features.config_fields import problems_of

Beside = Callable[..., list[Comparison]]
Paint = Callable[..., Sample]
SQUARE = (8, 8, 32, 32)


@pytest.mark.parametrize("share", [0.02, 0.4])
def test_against_one_bank_of_foreground(
    random_sample: Callable[..., Sample], compare_all: Beside, share: float
) -> None:
    samples = [random_sample(seed) for seed in range(4)]
    tokens, *banks = (s.dense.tokens[s.dense.is_valid & (s.cell_class != 0)] for s in samples)
    bank = np.concatenate(banks)
    nearest = sorted((np.linalg.norm(bank - token, axis=1).min() for token in tokens), reverse=True)
    expected = np.mean(nearest[: max(1, round(share * len(nearest)))])
    reading = score(compare_all(*samples), ForegroundPatchConfig(share))
    assert reading.value == pytest.approx(expected, rel=1e-4)


def test_the_background_is_not_judged(paint: Paint, compare_all: Beside) -> None:
    test = paint([(1, SQUARE)])
    test.dense.tokens[5, 7] += 50  # a corner, background
    reading = score(compare_all(test, paint([(1, SQUARE)], seed=1)), ForegroundPatchConfig())
    assert reading.value < 1.0
    assert reading.cells is not None
    assert not reading.cells[test.cell_class == 0].any()


def test_extra_parts_are_foreground(paint: Paint, compare_all: Beside) -> None:
    test = paint([(1, SQUARE), (-1, (32, 40, 48, 64))])
    assert (
        score(compare_all(test, paint([(1, SQUARE)], seed=1)), ForegroundPatchConfig()).value > 3.0
    )


def test_a_foreground_that_no_reference_has_is_news(paint: Paint, compare_all: Beside) -> None:
    pairs = compare_all(paint([(1, SQUARE)]), paint([], seed=1))
    is_asked = pairs[0].test.is_foreground
    reading = score(pairs, ForegroundPatchConfig(share=1.0, absent_factor=2.0))
    assert reading.value == pytest.approx(2 * pairs[0].anywhere[is_asked].mean(), rel=1e-6)
    assert reading.cells is not None
    np.testing.assert_array_equal(reading.cells > 0, is_asked)


def test_without_foreground_there_is_nothing_to_judge(paint: Paint, compare_all: Beside) -> None:
    reading = score(compare_all(paint([]), paint([(1, SQUARE)], seed=1)), ForegroundPatchConfig())
    assert reading.value == 0.0


def test_config_names_all_problems() -> None:
    assert problems_of(ForegroundPatchConfig(), "scores.foreground_patch") == []
    assert problems_of(ForegroundPatchConfig(3, 0), "scores.foreground_patch") == [
        "scores.foreground_patch.share must lie in 0 … 1, got 3",
        "scores.foreground_patch.absent_factor must lie in 1 … 100, got 0",
    ]
