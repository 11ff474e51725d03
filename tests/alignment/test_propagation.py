from __future__ import annotations

import numpy as np

from alignment.nearest_neighbours import find_neighbours, order_cells
from alignment.propagation import PropagationConfig, class_distance, propagate
from features.config_fields import problems_of

IS_BACKGROUND = np.array([True, False, False])
CONFIG = PropagationConfig()
CELL_PX = 8


def distance_of(cell_class: np.ndarray, n_classes: int = 3) -> np.ndarray:
    """Each cell at 0 from its own class and at 1 from all others."""
    return (cell_class.ravel()[None] != np.arange(n_classes)[:, None]).astype(np.float32)


def pixels(cells: np.ndarray) -> np.ndarray:
    return np.kron(cells, np.ones((CELL_PX, CELL_PX), dtype=cells.dtype))


def two_squares() -> np.ndarray:
    cell_class = np.zeros((12, 16), dtype=np.int64)
    cell_class[2:6, 2:6], cell_class[2:6, 9:13], cell_class[8:11, 4:12] = 1, 1, 2
    return cell_class


class TestClassDistance:
    def test_against_all_pairs_over_all_references(self) -> None:
        rng = np.random.default_rng(0)
        query = rng.normal(size=(20, 4)).astype(np.float32)
        keys = rng.normal(size=(3, 30, 4)).astype(np.float32)
        classes = rng.integers(-1, 3, size=(3, 5, 6))
        classes[:, 0, 0] = 3  # a class that two references show nowhere else
        is_valid = rng.random((3, 5, 6)) < 0.7
        is_valid[1:, 0, 0], is_valid[0, 0, 0] = False, True
        orders = [order_cells(v, c) for v, c in zip(is_valid, classes, strict=True)]
        no_places = np.empty((20, 0), dtype=np.int64)
        found = [
            (find_neighbours(query, key, order, no_places), order)
            for key, order in zip(keys, orders, strict=True)
        ]
        distance = class_distance(found, 5)

        pairs = np.linalg.norm(query[:, None] - keys.reshape(1, -1, 4), axis=-1)
        for index in range(5):
            is_member = (is_valid & (classes == index)).ravel()
            expected = np.where(is_member, pairs, np.inf).min(axis=1)
            np.testing.assert_allclose(distance[index], expected, rtol=1e-3, atol=1e-3)
        assert np.isinf(distance[4]).all()


class TestPropagate:
    def test_each_region_of_a_class_is_a_part_of_it(self) -> None:
        cell_class = two_squares()
        is_valid = np.ones((96, 128), dtype=bool)
        aligned = propagate(
            distance_of(cell_class), np.ones((12, 16), dtype=bool), is_valid, IS_BACKGROUND, CONFIG
        )
        assert sorted(aligned.class_of_part) == [0, 1, 1, 2]
        assert aligned.counts.tolist() == [1, 2, 1]
        np.testing.assert_array_equal(
            aligned.parts.is_background, IS_BACKGROUND[aligned.class_of_part]
        )
        # borders may differ by the rounding of corners only
        assert (aligned.class_map == pixels(cell_class)).mean() > 0.99
        assert ((aligned.cost >= 0) & (aligned.cost < 0.3)).all()

    def test_borders_lie_between_cells_where_distances_say_so(self) -> None:
        """A border that crosses its cells a quarter of the way is found to the pixel."""
        distance = np.zeros((2, 4, 8), dtype=np.float32)
        columns = np.arange(8)
        distance[0], distance[1] = columns, 6.5 - columns
        aligned = propagate(
            distance.reshape(2, -1),
            np.ones((4, 8), dtype=bool),
            np.ones((32, 64), dtype=bool),
            IS_BACKGROUND[:2],
            CONFIG,
        )
        # the two are equal at 3.25 cells, whose centres lie at pixel 3.25 * 8 + 3.5
        border = int(np.flatnonzero(aligned.class_map[16] == 1)[0])
        assert border == 30

    def test_specks_go_to_what_surrounds_them(self) -> None:
        cell_class = np.zeros((64, 64), dtype=np.int64)
        cell_class[30, 30] = 1
        is_valid = np.ones((256, 256), dtype=bool)
        aligned = propagate(
            distance_of(cell_class), np.ones((64, 64), dtype=bool), is_valid, IS_BACKGROUND, CONFIG
        )
        assert aligned.class_of_part.tolist() == [0]

    def test_nothing_lies_outside_the_photograph(self) -> None:
        cell_class = two_squares()
        is_cell_valid = np.ones((12, 16), dtype=bool)
        is_cell_valid[:, :7] = False
        is_valid = pixels(is_cell_valid)
        aligned = propagate(
            distance_of(cell_class)[:, is_cell_valid.ravel()],
            is_cell_valid,
            is_valid,
            IS_BACKGROUND,
            CONFIG,
        )
        assert (aligned.parts.labels[~is_valid] == -1).all()
        assert aligned.counts.tolist() == [1, 1, 1]

    def test_a_class_that_no_reference_shows_is_nowhere(self) -> None:
        distance = distance_of(two_squares())
        distance[1] = np.inf
        aligned = propagate(
            distance,
            np.ones((12, 16), dtype=bool),
            np.ones((96, 128), dtype=bool),
            IS_BACKGROUND,
            CONFIG,
        )
        assert 1 not in aligned.class_of_part

    def test_an_image_without_a_valid_cell_has_no_part(self) -> None:
        nothing = np.zeros((4, 4), dtype=bool)
        aligned = propagate(
            np.zeros((3, 0), dtype=np.float32), nothing, pixels(nothing), IS_BACKGROUND, CONFIG
        )
        assert len(aligned.parts) == len(aligned.class_of_part) == 0


def test_config_names_all_problems_at_once() -> None:
    assert problems_of(CONFIG, "propagation") == []
    assert problems_of(PropagationConfig(min_part=-1.0, opening_px=99), "propagation") == [
        "propagation.min_part must lie in 0 … 0.1, got -1.0",
        "propagation.opening_px must lie in 1 … 31, got 99",
    ]
