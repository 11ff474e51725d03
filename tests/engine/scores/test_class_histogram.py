from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial import distance

from alignment.comparison import Comparison
from alignment.sample import Sample
from engine.scores.class_histogram import (
    ClassHistogramConfig,
    HistogramDistance,
    Measure,
    histogram,
    mahalanobis,
    score,
)
from features.config_fields import problems_of

Beside = Callable[..., list[Comparison]]
Paint = Callable[..., Sample]
DISTANCES: tuple[HistogramDistance, ...] = ("l1", "l2", "cosine", "mahalanobis")
MEASURES: tuple[Measure, ...] = ("share", "count")
PARTS = [(1, (8, 8, 32, 32)), (2, (8, 40, 24, 56)), (2, (32, 40, 48, 56))]


def test_share_is_of_valid_pixels(paint: Paint, hide: Callable[..., Sample]) -> None:
    sample = hide(paint(PARTS), (24, 0, 48, 64))
    np.testing.assert_allclose(
        histogram(sample, "share"), [1 - 640 / 1536, 384 / 1536, 256 / 1536, 0]
    )


def test_count_is_of_instances(paint: Paint) -> None:
    np.testing.assert_array_equal(histogram(paint(PARTS), "count"), [1, 1, 2, 0])


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("name", "metric"), [("l1", "cityblock"), ("l2", "euclidean"), ("cosine", "cosine")]
)
def test_nearest_against_scipy(
    random_sample: Callable[..., Sample],
    compare_all: Beside,
    measure: Measure,
    name: HistogramDistance,
    metric: str,
) -> None:
    samples = [random_sample(seed, n_parts=8) for seed in range(5)]
    test, *references = (histogram(sample, measure) for sample in samples)
    expected = min(distance.cdist([test], references, metric)[0])
    reading = score(compare_all(*samples), ClassHistogramConfig(measure, name))
    assert reading.value == pytest.approx(expected, abs=1e-9)


class TestMahalanobis:
    def test_many_references_speak_for_themselves(self) -> None:
        rng = np.random.default_rng(0)
        references = rng.normal(size=(5000, 3)) @ rng.normal(size=(3, 3))
        test, mean = np.array([1.0, 2.0, 3.0]), references.mean(axis=0)
        expected = distance.mahalanobis(test, mean, np.linalg.inv(np.cov(references.T)))
        assert mahalanobis(test, references, np.ones(3), 4.0) == pytest.approx(expected, rel=0.01)

    def test_one_reference_leaves_the_prior(self) -> None:
        spread = np.array([0.5, 2.0])
        found = mahalanobis(np.array([1.0, 4.0]), np.zeros((1, 2)), spread, 4.0)
        assert found == pytest.approx(np.sqrt((2**2 + 2**2) / 2))

    def test_against_the_equation(self) -> None:
        rng = np.random.default_rng(1)
        references, test, spread = rng.random((3, 4)), rng.random(4), rng.random(4) + 0.1
        scatter = sum(np.outer(r, r) for r in references - references.mean(axis=0))
        covariance = (4 / 3) * (scatter + 7 * np.diag(spread**2)) / (2 + 7)
        expected = distance.mahalanobis(test, references.mean(axis=0), np.linalg.inv(covariance))
        assert mahalanobis(test, references, spread, 7.0) == pytest.approx(expected)

    def test_a_small_class_is_not_drowned_by_a_large_one(
        self, paint: Paint, compare_all: Beside
    ) -> None:
        """A missing part of 4 % outweighs a background that varies by as much."""
        small = (1, (0, 0, 11, 11))
        references = [paint([small, (2, (24, 0, 48, 40 + 4 * i))]) for i in range(4)]
        missing = paint([(2, (24, 0, 48, 46))])
        breathing = paint([small, (2, (24, 0, 48, 56))])
        values = [
            score(compare_all(test, *references), ClassHistogramConfig()).value
            for test in (breathing, missing)
        ]
        assert values[1] > 2 * values[0]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("name", DISTANCES)
def test_missing_and_extra_classes_are_evidence(
    paint: Paint, compare_all: Beside, measure: Measure, name: HistogramDistance
) -> None:
    config = ClassHistogramConfig(measure, name)
    references = [paint(PARTS, seed=seed) for seed in range(3)]
    normal = score(compare_all(paint(PARTS), *references), config).value
    assert normal == pytest.approx(0.0, abs=1e-6)
    for test in (paint(PARTS[1:]), paint([*PARTS, (3, (40, 0, 48, 16))])):
        assert score(compare_all(test, *references), config).value > 0.001


@pytest.mark.parametrize("name", DISTANCES)
def test_an_image_without_parts(
    random_sample: Callable[..., Sample], compare_all: Beside, name: HistogramDistance
) -> None:
    empty, full = random_sample(1, n_parts=0), random_sample(2)
    config = ClassHistogramConfig("share", name)
    assert score(compare_all(empty, empty), config).value == 0.0
    assert score(compare_all(empty, full), config).value > 0.1
    assert score(compare_all(full, empty), config).value > 0.1


def test_config_names_all_problems() -> None:
    assert problems_of(ClassHistogramConfig(), "scores.class_histogram") == []
    assert problems_of(ClassHistogramConfig("area", "l3", -1, 0), "scores.class_histogram") == [  # type: ignore[arg-type]
        'scores.class_histogram.measure must be "share" or "count", got "area"',
        'scores.class_histogram.distance must be "l1" or "l2" or "cosine" or "mahalanobis", '
        'got "l3"',
        "scores.class_histogram.relative_spread must lie in 0 … 10, got -1",
        "scores.class_histogram.prior_references must lie in 0.01 … 1000, got 0",
    ]
