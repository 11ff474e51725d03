from __future__ import annotations

import numpy as np
import pytest

from features.region import Region

SIZE = (30, 40)


def scattered(seed: int) -> np.ndarray:
    """Pixels anywhere, not connected, in a part of the image."""
    rng = np.random.default_rng(seed)
    mask = np.zeros(SIZE, dtype=bool)
    top, left = rng.integers(0, 15, 2)
    mask[top : top + 14, left : left + 20] = rng.random((14, 20)) < 0.3
    return mask


@pytest.mark.parametrize("seed", range(5))
def test_a_mask_survives_being_cut_and_laid_out(seed: int) -> None:
    mask = scattered(seed)
    region = Region.of(mask)
    np.testing.assert_array_equal(region.over(SIZE), mask)
    assert region.area_px == mask.sum()
    for side in (region.mask[0], region.mask[-1], region.mask[:, 0], region.mask[:, -1]):
        assert side.any()


def test_an_offset_moves_the_box_alone() -> None:
    mask = scattered(0)
    near, far = Region.of(mask), Region.of(mask, (100, 7))
    assert np.subtract(far.box_xyxy, near.box_xyxy).tolist() == [100, 7, 100, 7]
    np.testing.assert_array_equal(near.mask, far.mask)


def test_a_region_does_not_keep_the_whole_mask_alive() -> None:
    whole = np.zeros((2000, 2000), dtype=bool)
    whole[5:9, 7:10] = True
    mask = Region.of(whole).mask
    assert mask.shape == (4, 3)
    assert mask.base is None or mask.base.size == mask.size


def test_no_pixel_is_no_region() -> None:
    with pytest.raises(ValueError, match="at least one pixel, got an empty mask"):
        Region.of(np.zeros((3, 4), dtype=bool))
    with pytest.raises(ValueError, match="at least one pixel, got an empty mask"):
        Region((2, 2, 6, 5), np.zeros((3, 4), dtype=bool))


@pytest.mark.parametrize("box", [(0, 0, 3, 4), (0, 0, 4, 2), (5, 5, 4, 3)])
def test_the_mask_must_fill_the_box(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"mask must fill the box .*; use Region.of"):
        Region(box, np.ones((3, 4), dtype=bool))


@pytest.mark.parametrize("seed", range(8))
def test_iou_is_that_of_the_masks_laid_out(seed: int) -> None:
    one, other = scattered(seed), scattered(seed + 100)
    expected = np.sum(one & other) / np.sum(one | other)
    regions = Region.of(one), Region.of(other)
    assert regions[0].iou(regions[1]) == pytest.approx(expected)
    assert regions[1].iou(regions[0]) == pytest.approx(expected)


def test_iou_at_its_fixed_points() -> None:
    square = Region((2, 2, 6, 6), np.ones((4, 4), dtype=bool))
    touching = Region((6, 2, 10, 6), np.ones((4, 4), dtype=bool))
    assert square.iou(square) == 1
    assert square.iou(touching) == 0
    # one in the hole of the other
    ring = np.ones((4, 4), dtype=bool)
    ring[1:3, 1:3] = False
    hole = Region((3, 3, 5, 5), np.ones((2, 2), dtype=bool))
    assert Region((2, 2, 6, 6), ring).iou(hole) == 0
