from __future__ import annotations

import numpy as np

from features.components import drop_small_parts, label_components, remove_specks


def test_regions_of_one_kind_are_parts_of_their_own() -> None:
    kinds = np.zeros((6, 8), dtype=np.int32)
    kinds[1:3, 1:3], kinds[1:3, 5:7], kinds[4, 4] = 2, 2, 1
    labels, kind_of = label_components(kinds, 3)
    assert kind_of.tolist() == [0, 1, 2, 2]
    np.testing.assert_array_equal(kind_of[labels], kinds)
    assert len(np.unique(labels)) == 4


def test_touching_corners_do_not_join() -> None:
    _, kind_of = label_components(np.eye(2, dtype=np.int32), 2)
    assert kind_of.tolist() == [0, 0, 1, 1]


def test_specks_and_seams_get_the_kind_beside_them() -> None:
    kinds = np.zeros((20, 20), dtype=np.int32)
    kinds[:, 10:] = 1
    noisy = kinds.copy()
    noisy[3, 3], noisy[:, 10] = 2, 2  # a speck, and a seam one pixel wide
    cleaned = remove_specks(noisy, 3, 3, 4)
    np.testing.assert_array_equal(np.delete(cleaned, 10, axis=1), np.delete(kinds, 10, axis=1))
    assert set(cleaned[:, 10].tolist()) <= {0, 1}


def test_there_may_be_more_kinds_than_a_byte_holds() -> None:
    kinds = np.kron(np.arange(400, dtype=np.int32).reshape(20, 20), np.ones((5, 5), dtype=np.int32))
    np.testing.assert_array_equal(remove_specks(kinds, 400, 3, 4), kinds)


def test_nothing_but_specks_is_of_the_first_kind() -> None:
    checks = np.indices((6, 6)).sum(axis=0) % 2
    assert not remove_specks(checks.astype(np.int32), 2, 3, 4).any()


def test_remains_are_left_out_and_the_rest_numbered_anew() -> None:
    labels = np.array([[0, 0, 0, 1], [2, 2, 2, -1]])
    parts = drop_small_parts(labels, np.array([True, True, False]), 2)
    np.testing.assert_array_equal(parts.labels, [[0, 0, 0, -1], [1, 1, 1, -1]])
    assert parts.is_background.tolist() == [True, False]
