import math

import numpy as np
import pytest

from engine.regions.embedding import classify, demand, demands_of
from engine.regions.similarity import Curve, with_half_norm


class Points:
    """Regions are numbers; two are the same with even odds at distance 1."""

    def describe(self, image: np.ndarray, regions: list) -> np.ndarray:
        raise AssertionError("numbers are described already")

    def same(self, query: np.ndarray, taught: np.ndarray) -> np.ndarray:
        return Curve(bias=3.0, slope=3.0).same(query, taught)

    def identity(self) -> dict[str, str]:
        return {"regions": "points"}


def rows(*numbers: float) -> np.ndarray:
    return with_half_norm(np.array(numbers, np.float32).reshape(-1, 1, 1))


def named(asked: tuple, taught: tuple, classes: list[int], *, is_demanding: bool = True) -> list:
    """The class of each asked number, -1 if unknown."""
    class_of_example, n_classes = np.array(classes), max(classes) + 1
    demands = demands_of(Points(), rows(*taught), class_of_example, n_classes)
    same = Points().same(rows(*asked), rows(*taught))
    p = classify(same, class_of_example, n_classes, demands if is_demanding else None)
    assert (p >= 0).all()
    assert (p <= 1).all()
    return np.where(p.max(axis=1) >= 0.5, p.argmax(axis=1), -1).tolist()


def test_the_nearest_class_wins_and_far_regions_are_unknown() -> None:
    assert named((0.1, 4.8, 2.5, 90.0), (0.0, 5.0), [0, 1]) == [0, 1, -1, -1]


def test_one_example_has_the_probability_of_its_pair() -> None:
    same = np.array([[0.7], [0.2]], np.float32)
    np.testing.assert_allclose(classify(same, np.array([0]), 1), same, atol=1e-5)


def test_the_order_of_examples_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    same, classes = rng.random((4, 9)).astype(np.float32), rng.integers(0, 3, 9)
    order = rng.permutation(9)
    shuffled = classify(same[:, order], classes[order], 3)
    np.testing.assert_allclose(classify(same, classes, 3), shuffled, rtol=1e-5)


def test_one_look_of_a_class_of_many_is_enough() -> None:
    assert named((9.0,), (0.0, 3.0, 9.1), [0, 0, 0]) == [0]


def test_a_class_without_examples_has_no_probability() -> None:
    p = classify(np.array([[0.9]], np.float32), np.array([2]), 4)
    np.testing.assert_array_equal(p[0] > 0, [False, False, True, False])


def test_nothing_taught_or_asked_is_answered() -> None:
    nobody = np.zeros(0, np.int64)
    assert not classify(np.zeros((2, 0), np.float32), nobody, 3).any()
    assert classify(np.zeros((0, 1), np.float32), np.array([0]), 1).shape == (0, 1)


def test_examples_that_are_all_alike_make_a_class_demanding() -> None:
    alike, asked = (0.0, 0.01, -0.01, 0.02, 0.015), (0.9,)
    assert named(asked, alike, [0] * 5, is_demanding=False) == [0]
    assert named(asked, alike, [0] * 5) == [-1]


def test_demands_rise_with_likeness_and_never_choose_the_class() -> None:
    spread = [demand(Points().same(*2 * [rows(*np.arange(4) * s)]), 1) for s in (0.1, 0.5, 1.0)]
    assert spread == sorted(spread, reverse=True)
    same = np.array([[0.9, 0.8]], np.float32)
    p = classify(same, np.array([0, 1]), 2, np.array([2.0, -2.0], np.float32))
    assert p.argmax() == 0


def test_a_single_example_demands_even_odds() -> None:
    assert demands_of(Points(), rows(0.0), np.array([1]), 3) == pytest.approx([0, 0, 0])


def test_more_classes_demand_more_but_never_all() -> None:
    one = np.array([[0.95]], np.float32)
    rising = [demand(one, n_classes) for n_classes in (1, 2, 10, 10**6)]
    assert rising == sorted(rising)
    assert rising[-1] == pytest.approx(math.log(0.95 / 0.05) / 2, rel=1e-3)
