from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from segment_anything.utils.amg import (
    batched_mask_to_box,
    calculate_stability_score,
    is_box_near_crop_edge,
    remove_small_regions,
)
from torchvision.ops import nms

from features.sam.masks import (
    PackedMask,
    measure,
    uncropped,
    without_duplicates,
    without_holes,
    without_islands,
    without_small_regions,
)
from features.sam.point_grid import Crop

SIZE = (60, 90)


def blobs(seed: int, size: tuple[int, int] = SIZE, level: float = 0.0) -> np.ndarray:
    """Smooth random logits."""
    noise = np.random.default_rng(seed).normal(size=size).astype(np.float32)
    return 20 * cv2.GaussianBlur(noise, (0, 0), 5) + np.float32(level)


def measured(
    logits: np.ndarray, min_stability: float = 0.0, offset: float = 1.0
) -> PackedMask | None:
    return measure(
        logits,
        offset=offset,
        min_stability=min_stability,
        predicted_iou=0.9,
        point_xy=(3.0, 4.0),
    )


def packed(pixels: np.ndarray, **changes: object) -> PackedMask:
    mask = measured(np.where(pixels, np.float32(9), np.float32(-9)))
    assert mask is not None
    return replace(mask, **changes)


class TestMeasure:
    @pytest.mark.parametrize("seed", range(6))
    @pytest.mark.parametrize("level", [-3.0, 0.0, 3.0])
    def test_measures_are_those_of_the_reference(self, seed: int, level: float) -> None:
        logits = blobs(seed, level=level)
        inside = torch.from_numpy(logits)[None] > 0
        mask = measured(logits)
        assert mask is not None
        np.testing.assert_array_equal(mask.pixels(), inside[0].numpy())
        assert mask.area_px == int(inside.sum())
        assert list(mask.box_xyxy) == batched_mask_to_box(inside)[0].tolist()
        stability = calculate_stability_score(torch.from_numpy(logits)[None], 0.0, 1.0)
        assert mask.stability == float(stability)

    def test_a_mask_at_the_border_of_stability_passes(self) -> None:
        logits = blobs(0)
        mask = measured(logits)
        assert mask is not None
        assert measured(logits, mask.stability) is not None
        assert measured(logits, float(np.nextafter(np.float32(mask.stability), 2))) is None

    def test_thresholds_are_in_fp32_as_in_the_reference(self) -> None:
        """19 of 20 pixels are 0.95, though not in fp64: the nearest fp32 is a little below."""
        logits = np.full((4, 10), -5, dtype=np.float32)
        logits[:2] = 5
        logits[0, 0] = 0.5
        assert calculate_stability_score(torch.from_numpy(logits)[None], 0.0, 1.0) >= 0.95
        assert measured(logits, 0.95) is not None

    def test_an_empty_mask_is_not_stable(self) -> None:
        nothing = np.full(SIZE, -5, dtype=np.float32)
        assert measured(nothing, 0.1) is None
        mask = measured(nothing)
        assert mask is not None
        assert math.isnan(mask.stability)
        assert (mask.area_px, mask.box_xyxy) == (0, (0, 0, 0, 0))
        assert not mask.pixels().any()

    def test_a_mask_takes_the_memory_of_its_box(self) -> None:
        pixels = np.zeros((1000, 1000), dtype=bool)
        pixels[100:140, 200:280] = True
        assert packed(pixels).bits.nbytes == 40 * 80 / 8


class TestCrops:
    IMAGE = (300, 400)

    @pytest.mark.parametrize("seed", range(40))
    def test_masks_cut_off_are_those_of_the_reference(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        left, top = rng.choice([0, 100], 2).tolist()
        crop = Crop((left, top, left + int(rng.choice([200, 300])), top + 200), 1)
        pixels = np.zeros((200, crop.box_xyxy[2] - left), dtype=bool)
        x0, y0 = rng.choice([0, 19, 20, 21, 60], 2)
        x1, y1 = rng.choice([0, 18, 19, 20, 21, 60], 2)
        pixels[y0 : 200 - y1, x0 : pixels.shape[1] - x1] = True
        mask = packed(pixels)
        is_cut = is_box_near_crop_edge(
            torch.tensor([mask.box_xyxy]), list(crop.box_xyxy), [0, 0, 400, 300]
        )
        moved = uncropped(mask, self.IMAGE, crop)
        assert (moved is None) == bool(is_cut)

    def test_a_mask_moves_to_its_place(self) -> None:
        pixels = np.zeros((100, 150), dtype=bool)
        pixels[40:60, 50:90] = True
        moved = uncropped(packed(pixels), self.IMAGE, Crop((100, 200, 250, 300), 1))
        assert moved is not None
        whole = np.zeros(self.IMAGE, dtype=bool)
        whole[240:260, 150:190] = True
        np.testing.assert_array_equal(moved.pixels(), whole)
        assert moved.point_xy == (103.0, 204.0)
        assert moved.crop_xyxy == (100, 200, 250, 300)


class TestDuplicates:
    def test_the_best_of_overlapping_boxes_stays(self) -> None:
        rng = np.random.default_rng(0)
        masks = []
        for _ in range(60):
            pixels = np.zeros(SIZE, dtype=bool)
            y, x, height, width = rng.integers((0, 0, 10, 10), (40, 60, 20, 30))
            pixels[y : y + height, x : x + width] = True
            masks.append(packed(pixels))
        scores = rng.random(60).tolist()
        boxes = torch.tensor([mask.box_xyxy for mask in masks]).float()
        expected = nms(boxes, torch.tensor(scores), 0.3).tolist()
        kept = without_duplicates(masks, scores, 0.3)
        assert [id(mask) for mask in kept] == [id(masks[index]) for index in expected]

    def test_of_nothing_nothing_stays(self) -> None:
        assert without_duplicates([], [], 0.5) == []


class TestSmallRegions:
    @pytest.mark.parametrize("seed", range(8))
    @pytest.mark.parametrize("min_area_px", [1, 30, 300, 10_000])
    def test_regions_are_those_of_the_reference(self, seed: int, min_area_px: int) -> None:
        mask = blobs(seed) > 0
        for ours, mode in ((without_holes, "holes"), (without_islands, "islands")):
            theirs, is_changed = remove_small_regions(mask, min_area_px, mode)
            found, had_small = ours(mask, min_area_px)
            np.testing.assert_array_equal(found, theirs)
            assert had_small == is_changed

    def test_nothing_has_no_regions(self) -> None:
        nothing = np.zeros(SIZE, dtype=bool)
        found, had_small = without_islands(nothing, 10)
        assert not found.any()
        assert not had_small

    def test_of_duplicates_the_one_that_was_clean_stays(self) -> None:
        clean = np.zeros(SIZE, dtype=bool)
        clean[10:50, 10:60] = True
        holed, split = clean.copy(), clean.copy()
        holed[20:22, 20:22] = False
        split[55, 80] = True
        masks = [packed(each) for each in (holed, split, clean)]
        (kept,) = without_small_regions(masks, 20, 0.7)
        np.testing.assert_array_equal(kept.pixels(), clean)
        assert kept.area_px == 40 * 50
        assert kept.box_xyxy == (10, 10, 59, 49)
