from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from alignment.classes import match_nearest, match_slots


def brute_force(distance: np.ndarray, slots: np.ndarray, unmatched_cost: float) -> float:
    """Least summed cost over all ways to give each part a slot of its own, or none."""
    n_parts = len(distance)
    places = [*np.repeat(np.arange(len(slots)), slots), *[-1] * n_parts]
    return min(
        sum(
            unmatched_cost if place < 0 else distance[part, place]
            for part, place in enumerate(chosen)
        )
        for chosen in set(permutations(places, n_parts))
    )


class TestSlots:
    @pytest.mark.parametrize("seed", range(12))
    def test_against_brute_force(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        n_parts, n_classes = rng.integers(1, 5), rng.integers(1, 4)
        looks, classes = rng.normal(size=(n_parts, 2)), rng.normal(size=(n_classes, 2))
        slots = rng.integers(0, 3, n_classes)
        class_of_part, cost = match_slots(looks, classes, slots, 1.2)

        distance = np.linalg.norm(looks[:, None] - classes[None], axis=-1)
        assert cost.sum() == pytest.approx(brute_force(distance, slots, 1.2))
        for part, class_id in enumerate(class_of_part):
            expected = 1.2 if class_id < 0 else distance[part, class_id]
            assert cost[part] == pytest.approx(expected)
        taken = np.bincount(class_of_part[class_of_part >= 0], minlength=n_classes)
        assert (taken <= slots).all()

    def test_surplus_parts_are_extra(self) -> None:
        looks, classes = np.array([[0.0], [0.1], [0.2]]), np.array([[0.0]])
        class_of_part, cost = match_slots(looks, classes, np.array([2]), 5.0)
        np.testing.assert_array_equal(class_of_part, [0, 0, -1])
        np.testing.assert_allclose(cost, [0, 0.1, 5])

    def test_a_part_that_resembles_nothing_leaves_its_slot_empty(self) -> None:
        looks, classes = np.array([[0.0], [9.0]]), np.array([[0.0], [1.0]])
        class_of_part, cost = match_slots(looks, classes, np.array([1, 1]), 2.0)
        np.testing.assert_array_equal(class_of_part, [0, -1])
        np.testing.assert_allclose(cost, [0, 2])

    def test_one_to_one_may_cost_a_part_its_nearest_class(self) -> None:
        looks, classes = np.array([[0.0], [0.2]]), np.array([[0.1], [1.0]])
        nearest, _ = match_nearest(looks, classes, 9.0)
        one_to_one, _ = match_slots(looks, classes, np.array([1, 1]), 9.0)
        np.testing.assert_array_equal(nearest, [0, 0])
        np.testing.assert_array_equal(one_to_one, [0, 1])


class TestNearest:
    def test_against_loops(self) -> None:
        rng = np.random.default_rng(3)
        looks, classes = rng.normal(size=(30, 4)), rng.normal(size=(5, 4))
        class_of_part, cost = match_nearest(looks, classes, 1.5)
        assert 0 < (class_of_part < 0).sum() < 30
        for part, look in enumerate(looks):
            distances = [float(np.linalg.norm(look - each)) for each in classes]
            is_near = min(distances) <= 1.5
            assert class_of_part[part] == (np.argmin(distances) if is_near else -1)
            assert cost[part] == pytest.approx(min(*distances, 1.5))

    def test_one_class_takes_any_number(self) -> None:
        class_of_part, _ = match_nearest(np.zeros((7, 2)), np.array([[0.0, 0.0], [3, 3]]), 1.0)
        np.testing.assert_array_equal(class_of_part, np.zeros(7))


@pytest.mark.parametrize(("n_parts", "n_classes"), [(0, 0), (0, 2), (3, 0)])
def test_without_parts_or_classes(n_parts: int, n_classes: int) -> None:
    looks, classes = np.zeros((n_parts, 2)), np.zeros((n_classes, 2))
    slots = np.ones(n_classes, dtype=np.int64)
    matched = match_nearest(looks, classes, 1.5), match_slots(looks, classes, slots, 1.5)
    for class_of_part, cost in matched:
        np.testing.assert_array_equal(class_of_part, np.full(n_parts, -1))
        np.testing.assert_array_equal(cost, np.full(n_parts, 1.5))


def test_all_slots_taken_away_leaves_every_part_extra() -> None:
    class_of_part, _ = match_slots(np.zeros((2, 1)), np.zeros((1, 1)), np.array([0]), 1.5)
    np.testing.assert_array_equal(class_of_part, [-1, -1])
