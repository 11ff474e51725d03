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
