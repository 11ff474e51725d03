from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from alignment.comparison import Comparison
from alignment.sample import Sample
from engine.scores.composition import CompositionConfig, score
from features.config_fields import problems_of

Beside = Callable[..., list[Comparison]]
Paint = Callable[..., Sample]
A, B, C = (0, 0, 16, 16), (24, 0, 40, 16), (24, 40, 40, 56)


def with_shares(sample: Sample, shares: np.ndarray) -> Sample:
    return replace(sample, composition=shares)


@pytest.mark.parametrize("config", [CompositionConfig(), CompositionConfig(0.3, 0.02)])
@pytest.mark.parametrize("n_references", [1, 4])
def test_against_loops(
    random_sample: Callable[..., Sample],
    compare_all: Beside,
    n_references: int,
    config: CompositionConfig,
) -> None:
    rng = np.random.default_rng(n_references)
    test, *references = (
        with_shares(random_sample(i), rng.dirichlet(np.ones(5), size=3))
        for i in range(n_references + 1)
    )
    nearest = []
    for v in range(3):
        distances = []
        for reference in references:
            gaps = []
            for w in range(5):
                usual = [each.composition[v, w] for each in references]
                tolerance = config.tolerance * np.mean(usual) + np.std(usual) + config.floor
                gap = abs(test.composition[v, w] - reference.composition[v, w])
                gaps.append(gap / tolerance)
            distances.append(np.mean(gaps))
        nearest.append(min(distances))
    assert score(compare_all(test, *references), config).value == pytest.approx(np.mean(nearest))


def test_equal_amounts_are_at_zero_wherever_they_lie(paint: Paint, compare_all: Beside) -> None:
    here, there = paint([(1, A), (2, B)]), paint([(1, C), (2, A)])
    assert score(compare_all(here, there), CompositionConfig()).value == pytest.approx(0, abs=1e-9)


def test_grows_with_what_is_missing_or_too_much(paint: Paint, compare_all: Beside) -> None:
    reference = paint([(1, A), (1, B)])
    more, less, none = (
        score(compare_all(paint(parts), reference), CompositionConfig()).value
        for parts in ([(1, A), (1, B), (1, C)], [(1, A)], [])
    )
    assert 0 < less < none
    assert more == pytest.approx(less)


def test_amounts_that_the_references_disagree_on_are_tolerated(
    paint: Paint, compare_all: Beside
) -> None:
    test = paint([(1, A), (1, B), (2, C)])
    steady = compare_all(test, *[paint([(1, A)])] * 2)
    varied = compare_all(test, paint([(1, A)]), paint([(1, A), (1, B)]))
    config = CompositionConfig()
    assert score(varied, config).value < score(steady, config).value


def test_one_reference_that_agrees_is_enough(paint: Paint, compare_all: Beside) -> None:
    test = paint([(1, A)])
    pairs = compare_all(test, paint([(2, A), (2, B)]), paint([(1, B)]))
    assert score(pairs, CompositionConfig()).value == pytest.approx(0, abs=1e-9)


def test_config_names_its_problems() -> None:
    assert problems_of(CompositionConfig(), "scores.composition") == []
    assert problems_of(CompositionConfig(tolerance=-1, floor=0), "scores.composition") == [
        "scores.composition.tolerance must lie in 0 … 1, got -1",
        "scores.composition.floor must lie in 1e-06 … 1, got 0",
    ]
