from __future__ import annotations

import numpy as np

from alignment.nearest_neighbours import CHUNK_ROWS, find_neighbours, order_cells

N_QUERIES = CHUNK_ROWS + 88  # more than are searched at once


def random_tokens(n_cells: int, seed: int, dim: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n_cells, dim)).astype(np.float32)


class TestOrder:
    def test_groups_lie_together_and_hold_their_cells(self) -> None:
        rng = np.random.default_rng(2)
        cell_class = rng.integers(-1, 4, size=(6, 7))
        is_valid = rng.random((6, 7)) < 0.8
        order = order_cells(is_valid, cell_class)
        assert sorted(order.cells) == np.flatnonzero(is_valid).tolist()
        assert order.classes.tolist() == np.unique(cell_class[is_valid]).tolist()
        for index, members in zip(order.classes, order.slices, strict=True):
            expected = np.flatnonzero(is_valid & (cell_class == index)).tolist()
            assert order.cells[members].tolist() == expected

    def test_no_valid_cell_makes_no_group(self) -> None:
        order = order_cells(np.zeros((2, 3), dtype=bool), np.zeros((2, 3), dtype=np.int64))
        assert len(order.cells) == len(order.slices) == 0


class TestSearch:
    def test_nearest_of_each_group_against_all_pairs(self) -> None:
        query, key = random_tokens(N_QUERIES, 0), random_tokens(70, 1)
        rng = np.random.default_rng(2)
        is_valid, cell_class = rng.random((7, 10)) < 0.8, rng.integers(-1, 3, size=(7, 10))
        order = order_cells(is_valid, cell_class)
        found = find_neighbours(query, key, order, np.empty((N_QUERIES, 0), dtype=np.int64))

        squared = ((query[:, None] - key[None]) ** 2).sum(axis=-1)
        for group, index in enumerate(order.classes):
            is_member = (is_valid & (cell_class == index)).ravel()
            expected = np.where(is_member, squared, np.inf).min(axis=1)
            np.testing.assert_allclose(found.nearest[:, group], expected, rtol=1e-4)

    def test_window_holds_the_asked_pairs(self) -> None:
        query, key = random_tokens(N_QUERIES, 3), random_tokens(12, 4)
        is_valid = np.ones((3, 4), dtype=bool)
        is_valid[1, 2] = False
        places = np.random.default_rng(5).integers(-1, 12, size=(N_QUERIES, 6))
        order = order_cells(is_valid, np.zeros((3, 4), dtype=np.int64))
        found = find_neighbours(query, key, order, places)
        is_there = (places >= 0) & (places != 6)
        assert np.isinf(found.window[~is_there]).all()
        squared = ((query[:, None] - key[places]) ** 2).sum(axis=-1)
        np.testing.assert_allclose(found.window[is_there], squared[is_there], rtol=1e-4)

    def test_equal_cells_are_at_zero_far_from_the_origin(self) -> None:
        query = 100 + random_tokens(48, 6, dim=64)
        order = order_cells(np.ones((6, 8), dtype=bool), np.zeros((6, 8), dtype=np.int64))
        found = find_neighbours(query, query[::-1].copy(), order, np.arange(48)[::-1, None])
        assert not found.nearest.any()
        assert not found.window.any()

    def test_a_reference_without_cells_offers_nothing(self) -> None:
        order = order_cells(np.zeros((2, 2), dtype=bool), np.zeros((2, 2), dtype=np.int64))
        found = find_neighbours(
            random_tokens(3, 0), random_tokens(4, 1), order, np.zeros((3, 2), dtype=np.int64)
        )
        assert found.nearest.shape == (3, 0)
        assert np.isinf(found.window).all()
