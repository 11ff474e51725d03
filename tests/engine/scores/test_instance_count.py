from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from alignment.comparison import Comparison
from alignment.sample import Sample
from engine.scores.instance_count import InstanceCountConfig, score
from features.config_fields import problems_of

Beside = Callable[..., list[Comparison]]
Paint = Callable[..., Sample]
A, B, C, D = (0, 0, 8, 8), (0, 16, 8, 24), (16, 0, 24, 8), (16, 16, 24, 24)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(1, A), (1, B), (2, C)], 0),
        ([(2, D), (1, A), (1, C)], 0),  # neither order nor place matters
        ([(1, A), (2, C)], 1),
        ([(1, A), (1, B)], 1),
        ([(1, A), (1, B), (2, C), (3, D)], 1),
        ([(2, A), (2, B), (1, C)], 2),
        ([], 3),
    ],
)
def test_counts_what_is_too_many_or_too_few(
    paint: Paint, compare_all: Beside, parts: list, expected: int
) -> None:
    reference = paint([(1, A), (1, B), (2, C)], seed=1)
    assert score(compare_all(paint(parts), reference), InstanceCountConfig()).value == expected


def test_nearest_reading_does_not_mix_assortments(paint: Paint, compare_all: Beside) -> None:
    references = [paint([(1, A), (1, B)]), paint([(2, A), (2, B)])]
    config = InstanceCountConfig(counting="nearest")
    assert score(compare_all(paint([(2, C), (2, D)]), *references), config).value == 0
    assert score(compare_all(paint([(1, C), (2, D)]), *references), config).value == 2


def test_a_count_within_the_references_range_is_normal(paint: Paint, compare_all: Beside) -> None:
    references = [paint([(1, A)]), paint([(1, A), (1, B)])]
    config = InstanceCountConfig()
    assert score(compare_all(paint([(1, C)]), *references), config).value == 0
    assert score(compare_all(paint([(1, C), (1, D)]), *references), config).value == 0
    # one too many, where the references themselves differ by one: half the evidence
    assert score(compare_all(paint([(1, A), (1, C), (1, D)]), *references), config).value == 0.5


def test_a_class_that_the_references_disagree_on_is_not_counted(
    paint: Paint, compare_all: Beside
) -> None:
    references = [paint([(2, C)]), paint([(1, A), (1, B), (1, D), (2, C)])]
    assert (
        score(compare_all(paint([(1, A), (2, C)]), *references), InstanceCountConfig()).value == 0
    )
    assert score(compare_all(paint([(1, A)]), *references), InstanceCountConfig()).value == 1


def test_extra_parts_weigh_as_stated(paint: Paint, compare_all: Beside) -> None:
    pairs = compare_all(paint([(1, A), (-1, B), (-1, C)]), paint([(1, A)]))
    assert score(pairs, InstanceCountConfig(extra_weight=1.0)).value == 2
    assert score(pairs, InstanceCountConfig(extra_weight=0.25)).value == 0.5


def test_pieces_of_the_background_are_not_counted(paint: Paint, compare_all: Beside) -> None:
    sample = paint([(0, A), (-1, B), (1, C)])
    parts = replace(sample.aligned.parts, is_background=np.array([True, True, True, False]))
    test = replace(sample, aligned=replace(sample.aligned, parts=parts))
    assert score(compare_all(test, paint([(1, C)])), InstanceCountConfig()).value == 0


def test_config_names_its_problem() -> None:
    assert problems_of(InstanceCountConfig(), "scores.instance_count") == []
    assert problems_of(InstanceCountConfig(extra_weight=-1), "scores.instance_count") == [
        "scores.instance_count.extra_weight must lie in 0 … 100, got -1"
    ]
    assert problems_of(InstanceCountConfig(counting="all"), "scores.instance_count") == [
        'scores.instance_count.counting must be "range" or "nearest", got "all"'
    ]
