from __future__ import annotations

import numpy as np

from features.sam.parts_from_masks import surrounding, touching_two_edges

SIZE = (80, 120)
GREY, RED, SAND = (120, 120, 120), (200, 40, 40), (215, 190, 140)
Thing = tuple[tuple[int, int, int], tuple[int, int, int, int]]


def scene(*things: Thing, ground: tuple[int, int, int] = GREY) -> tuple[np.ndarray, np.ndarray]:
    """Paint (colour, (top, left, bottom, right)) things; return image and label map."""
    image = np.full((*SIZE, 3), ground, dtype=np.uint8)
    labels = np.zeros(SIZE, dtype=np.int32)
    for number, (color, (top, left, bottom, right)) in enumerate(things, 1):
        image[top:bottom, left:right] = color
        labels[top:bottom, left:right] = number
    return image, labels


class TestSurrounding:
    def test_the_ground_is_background(self) -> None:
        image, labels = scene((RED, (20, 20, 60, 60)))
        np.testing.assert_array_equal(surrounding(image, labels, 2), [True, False])

    def test_a_thing_from_edge_to_edge_is_not(self) -> None:
        """Though it is larger than either side of the ground that it divides."""
        image, labels = scene((RED, (0, 35, 80, 85)))
        labels[:, 85:] = 2
        np.testing.assert_array_equal(surrounding(image, labels, 3), [True, False, True])

    def test_ground_between_two_things_is(self) -> None:
        image, labels = scene((RED, (0, 20, 80, 40)), (RED, (0, 70, 80, 90)))
        labels[:, 40:70] = 3
        labels[:, 90:] = 4
        np.testing.assert_array_equal(
            surrounding(image, labels, 5), [True, False, False, True, True]
        )

    def test_a_thing_in_a_corner_is_not(self) -> None:
        image, labels = scene((RED, (0, 0, 40, 40)))
        np.testing.assert_array_equal(surrounding(image, labels, 2), [True, False])

    def test_shading_does_not_divide_the_ground(self) -> None:
        image, labels = scene((RED, (0, 50, 80, 70)))
        labels[:, 70:] = 2
        image[:, 70:] = 110
        np.testing.assert_array_equal(surrounding(image, labels, 3), [True, False, True])

    def test_ground_inside_a_thing_is_not(self) -> None:
        image, labels = scene((RED, (10, 10, 70, 70)), (GREY, (30, 30, 50, 50)))
        np.testing.assert_array_equal(surrounding(image, labels, 3), [True, False, False])

    def test_without_corners_the_largest_from_edge_to_edge_is(self) -> None:
        labels = np.full(SIZE, -1, dtype=np.int32)
        labels[:, 30:50] = 0
        labels[:, 60:100] = 1
        image = np.full((*SIZE, 3), GREY, dtype=np.uint8)
        image[:, 30:50] = SAND
        np.testing.assert_array_equal(surrounding(image, labels, 2), [False, True])

    def test_nothing_that_touches_two_edges_nothing_is(self) -> None:
        image, labels = scene((RED, (20, 20, 60, 60)))
        labels[labels == 0] = -1
        np.testing.assert_array_equal(surrounding(image, labels, 2), [False, False])


class TestTwoEdges:
    def test_all_that_touches_two_edges_is(self) -> None:
        image, labels = scene(
            (RED, (0, 50, 80, 70)), (RED, (0, 5, 20, 25)), (SAND, (60, 0, 80, 20))
        )
        np.testing.assert_array_equal(
            touching_two_edges(image, labels, 4), [True, True, False, True]
        )
