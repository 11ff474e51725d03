from __future__ import annotations

import numpy as np

from engine.nearest import nearest_squared, order_cells


def whole(query: np.ndarray, key: np.ndarray) -> np.ndarray:
    return nearest_squared(query, key, [(slice(0, len(query)), slice(0, len(key)))])[0]


def test_is_exact_far_from_the_origin() -> None:
    query = 100 + np.random.default_rng(0).normal(size=(300, 64)).astype(np.float32)
    assert not whole(query, query[::-1].copy()).any()


def test_against_all_pairs() -> None:
    rng = np.random.default_rng(1)
    query, key = (rng.normal(size=(n, 5)).astype(np.float32) for n in (600, 70))
    expected = ((query[:, None] - key[None]) ** 2).sum(axis=-1)
    np.testing.assert_allclose(whole(query, key), expected.min(axis=1), rtol=1e-5)
    # blocks that start and end inside the chunks that are held at once
    blocks = [(slice(100, 530), slice(3, 60)), (slice(0, 1), slice(69, 70))]
    first, second = nearest_squared(query, key, blocks)
    np.testing.assert_allclose(first, expected[100:530, 3:60].min(axis=1), rtol=1e-5)
    np.testing.assert_allclose(second, expected[:1, 69], rtol=1e-5)


def test_without_keys_everything_is_infinitely_far() -> None:
    query = np.ones((3, 2), dtype=np.float32)
    assert np.isinf(whole(query, np.empty((0, 2), dtype=np.float32))).all()
    [found] = nearest_squared(query, query, [(slice(0, 3), slice(2, 2))])
    assert np.isinf(found).all()


def test_groups_lie_together_and_hold_their_cells() -> None:
    rng = np.random.default_rng(2)
    cell_class = rng.integers(-1, 4, size=(6, 7))
    is_valid = rng.random((6, 7)) < 0.8
    is_foreground = ~np.isin(cell_class, (0, 2))
    order = order_cells(is_valid, is_foreground, cell_class)
    assert sorted(order.cells) == np.flatnonzero(is_valid).tolist()
    foreground = np.flatnonzero(is_valid & is_foreground).tolist()
    assert sorted(order.cells[order.foreground]) == foreground
    assert set(order.classes) == set(cell_class[is_valid & (cell_class >= 0)].tolist())
    for index, members in order.classes.items():
        expected = np.flatnonzero(is_valid & (cell_class == index)).tolist()
        assert sorted(order.cells[members]) == expected
