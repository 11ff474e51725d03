from __future__ import annotations

import cv2
import numpy as np
import pytest

from features.sam import SamConfig
from features.sam.masks import PackedMask, measure
from features.sam.parts_from_masks import layered, nearest_label

SIZE = (100, 150)
Box = tuple[int, int, int, int]  # top, left, bottom, right


def box(top: int, left: int, bottom: int, right: int) -> np.ndarray:
    pixels = np.zeros(SIZE, dtype=bool)
    pixels[top:bottom, left:right] = True
    return pixels


def mask_of(pixels: np.ndarray, iou: float = 0.95) -> PackedMask:
    mask = measure(
        np.where(pixels, np.float32(9), np.float32(-9)),
        offset=1.0,
        min_stability=0.0,
        predicted_iou=iou,
        point_xy=(0.0, 0.0),
    )
    assert mask is not None
    return mask


def lay(*pixels: np.ndarray, **settings: float) -> tuple[np.ndarray, int]:
    return layered([mask_of(each) for each in pixels], SIZE, SamConfig(**settings))


def names(labels: np.ndarray, *at: tuple[int, int]) -> list[int]:
    return [int(labels[place]) for place in at]


WALL, BOTTLE, LABEL, LETTER = (
    box(0, 0, 100, 150),
    box(10, 50, 90, 100),
    box(40, 55, 70, 95),
    box(50, 70, 60, 80),
)


class TestLayers:
    def test_every_pixel_belongs_to_the_smallest_thing_that_holds_it(self) -> None:
        labels, n_parts = lay(LABEL, WALL, LETTER, BOTTLE)
        assert n_parts == 4
        expected = np.sum([WALL, BOTTLE, LABEL, LETTER], axis=0)
        for depth in range(1, 5):
            assert len(np.unique(labels[expected == depth])) == 1
        assert len(np.unique(labels)) == 4

    def test_order_does_not_matter(self) -> None:
        one, _ = lay(WALL, BOTTLE, LABEL, LETTER)
        other, _ = lay(LETTER, LABEL, BOTTLE, WALL)
        np.testing.assert_array_equal(one, other)

    def test_of_two_that_overlap_the_smaller_lies_on_top(self) -> None:
        small, large = box(20, 20, 60, 60), box(30, 40, 90, 120)
        labels, _ = lay(WALL, large, small)
        (top,) = np.unique(labels[small])
        assert not (labels[large & ~small] == top).any()

    def test_a_much_better_mask_lies_on_top_of_a_little_smaller_one(self) -> None:
        small, large = box(20, 20, 60, 60), box(30, 40, 80, 90)
        masks = [mask_of(small, iou=0.8), mask_of(large, iou=1.0)]
        labels, _ = layered(masks, SIZE, SamConfig())
        (top,) = np.unique(labels[large])
        assert not (labels[small & ~large] == top).any()

    def test_of_two_that_are_nearly_the_same_the_better_stays(self) -> None:
        rough, good = box(20, 20, 60, 62), box(20, 20, 60, 60)
        masks = [mask_of(WALL), mask_of(rough, iou=0.9), mask_of(good, iou=0.99)]
        labels, n_parts = layered(masks, SIZE, SamConfig())
        assert n_parts == 2
        np.testing.assert_array_equal(labels == labels[40, 40], good)

    def test_a_group_is_no_part_where_its_members_are(self) -> None:
        pins = [box(20, left, 80, left + 18) for left in (30, 50, 70, 90)]
        labels, n_parts = lay(WALL, np.any(pins, axis=0), *pins)
        assert n_parts == 5
        assert len(set(names(labels, (50, 39), (50, 59), (50, 79), (50, 99), (5, 5)))) == 5

    def test_a_rim_is_no_part(self) -> None:
        screw, inner = box(40, 40, 70, 70), box(42, 42, 68, 68)
        labels, n_parts = lay(WALL, screw, inner, max_shared=0.99)
        assert n_parts == 2
        assert np.count_nonzero(labels == labels[55, 55]) >= np.count_nonzero(inner)

    def test_a_divided_part_stays_one(self) -> None:
        bar, strap = box(40, 10, 60, 140), box(20, 70, 80, 80)
        labels, n_parts = lay(WALL, bar, strap)
        assert n_parts == 3
        left, middle, right = names(labels, (50, 30), (50, 75), (50, 120))
        assert left == right != middle

    def test_a_thin_thing_stays_though_another_crosses_it(self) -> None:
        wire, block = box(50, 5, 53, 145), box(35, 76, 70, 84)
        labels, n_parts = lay(WALL, wire, block)
        assert n_parts == 3
        assert names(labels, (51, 20)) == names(labels, (51, 130)) != names(labels, (51, 80))


class TestHoles:
    def test_small_holes_are_filled_and_large_ones_are_seen_through(self) -> None:
        plate = box(20, 20, 80, 120)
        plate[30:32, 30:32] = False
        plate[40:70, 60:100] = False
        labels, n_parts = lay(WALL, plate)
        assert n_parts == 2
        assert names(labels, (31, 31)) == names(labels, (25, 25))
        assert names(labels, (55, 80)) == names(labels, (5, 5))

    def test_specks_of_a_mask_are_not_its_part(self) -> None:
        plate = box(20, 20, 80, 100)
        plate[5, 140] = True
        labels, _ = lay(WALL, plate)
        assert names(labels, (5, 140)) == names(labels, (5, 5))

    def test_specks_are_no_parts(self) -> None:
        labels, n_parts = lay(WALL, box(50, 50, 52, 53))
        assert n_parts == 1
        assert not labels.any()


class TestRemainder:
    def test_what_no_mask_holds_is_a_part_for_each_region(self) -> None:
        """The bottle stands from edge to edge, and nobody saw the wall behind it."""
        labels, n_parts = lay(box(0, 60, 100, 90))
        assert n_parts == 3
        assert len(set(names(labels, (50, 30), (50, 75), (50, 120)))) == 3

    def test_seams_and_specks_go_to_the_nearest_part(self) -> None:
        left, right = box(0, 0, 100, 74), box(0, 76, 100, 150)
        right[60:62, 110:112] = False
        labels, n_parts = lay(left, right)
        assert n_parts == 2
        assert names(labels, (50, 74)) == names(labels, (50, 10))
        assert names(labels, (50, 75)) == names(labels, (50, 140))

    def test_nothing_found_is_one_part(self) -> None:
        labels, n_parts = lay()
        assert n_parts == 1
        np.testing.assert_array_equal(labels, np.zeros(SIZE))

    @pytest.mark.parametrize("seed", range(5))
    def test_every_pixel_has_a_part_and_every_part_is_large(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        masks = []
        for _ in range(25):
            canvas = np.zeros(SIZE, dtype=np.uint8)
            x, y, a, b = rng.integers((0, 0, 2, 2), (150, 100, 50, 40)).tolist()
            cv2.ellipse(canvas, (x, y), (a, b), rng.uniform(0, 180), 0, 360, 1, -1)
            masks.append(mask_of(canvas > 0, iou=rng.uniform(0.88, 1)))
        masks = [mask for mask in masks if mask.area_px]
        config = SamConfig(min_part=2e-3)
        labels, n_parts = layered(masks, SIZE, config)
        area_px = np.bincount(labels.ravel(), minlength=n_parts)
        assert labels.min() >= 0
        assert len(area_px) == n_parts
        assert (area_px >= config.min_part * labels.size).all()


def test_the_nearest_label_is_that_of_the_nearest_pixel() -> None:
    rng = np.random.default_rng(0)
    labels = np.where(rng.random((20, 30)) < 0.03, rng.integers(0, 5, (20, 30)), -1)
    filled = nearest_label(labels.astype(np.int32))
    rows, columns = np.nonzero(labels >= 0)
    for y, x in np.argwhere(labels < 0):
        distance = np.hypot(rows - y, columns - x)
        # the chamfer distance of OpenCV is right to within a twentieth
        near = distance <= 1.06 * distance.min()
        assert filled[y, x] in labels[rows[near], columns[near]]


def test_without_any_label_nothing_is_filled() -> None:
    nothing = np.full((4, 5), -1, dtype=np.int32)
    np.testing.assert_array_equal(nearest_label(nothing), nothing)
