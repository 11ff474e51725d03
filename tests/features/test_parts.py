from __future__ import annotations

import numpy as np
import pytest

from features.parts import Parts

LABELS = np.random.default_rng(0).integers(-1, 4, size=(9, 13))
PARTS = Parts(LABELS, np.array([True, False, False, False, False]))  # part 4 is empty


@pytest.mark.parametrize("label", [2, -2])
def test_labels_must_be_parts(label: int) -> None:
    labels = np.zeros((3, 3), dtype=np.int64)
    labels[1, 1] = label
    with pytest.raises(ValueError, match=r"labels must lie in -1 … 1, .* one entry per part"):
        Parts(labels, np.zeros(2, dtype=bool))


def test_against_loops() -> None:
    assert len(PARTS) == 5
    for part in range(4):
        places = np.argwhere(part == LABELS)
        assert PARTS.area_px[part] == len(places)
        np.testing.assert_allclose(PARTS.centroid_yx[part], places.mean(axis=0))
        (top, left), (bottom, right) = places.min(axis=0), places.max(axis=0) + 1
        np.testing.assert_array_equal(PARTS.box_xyxy[part], [left, top, right, bottom])


def test_an_empty_part_has_no_place() -> None:
    assert PARTS.area_px[4] == 0
    assert np.isnan(PARTS.centroid_yx[4]).all()
    np.testing.assert_array_equal(PARTS.box_xyxy[4], np.zeros(4))


def test_an_image_may_have_no_part() -> None:
    parts = Parts(np.full((4, 5), -1), np.zeros(0, dtype=bool))
    assert len(parts) == 0
    assert parts.area_px.shape == (0,)
    assert parts.centroid_yx.shape == (0, 2)
    assert parts.box_xyxy.shape == (0, 4)


def test_resized_parts_lie_where_they_were() -> None:
    labels = np.zeros((8, 12), dtype=np.int64)
    labels[:4, 3:9], labels[6:, :6] = 1, -1
    parts = Parts(labels, np.array([True, False]))
    large = parts.resized((32, 48))
    np.testing.assert_array_equal(large.labels, np.kron(labels, np.ones((4, 4))))
    np.testing.assert_array_equal(large.resized((8, 12)).labels, labels)
    assert parts.resized((8, 12)) is parts


def test_parts_too_small_for_the_new_size_are_left_out() -> None:
    labels = np.zeros((64, 64), dtype=np.int64)
    labels[5, 5], labels[40:, 40:] = 1, 2
    small = Parts(labels, np.array([True, False, False])).resized((8, 8))
    assert len(small) == 2
    assert small.is_background.tolist() == [True, False]
    assert small.area_px.tolist() == [55, 9]
