from __future__ import annotations

import subprocess
import sys
from typing import Literal

import cv2
import numpy as np
import pytest

from engine.regions.lines import averaged_along, band_direction
from engine.regions.segmentation import context_box, refine, split
from engine.regions_config import SegmentationConfig
from features.config_fields import problems_of
from features.region import Region

SIZE = (200, 400)
CLOTH, RED, BLUE = (150, 120, 90), (160, 40, 40), (40, 60, 150)

Method = Literal["threshold", "grabcut", "random_walker", "rough"]


def cloth(seed: int = 0) -> np.ndarray:
    """Bright and dark yarns, 4 px wide, and noise."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(SIZE)
    weave = 18 * (((x // 4) + (y // 4)) % 2) - 9
    noise = rng.normal(0, 3, (*SIZE, 3))
    return np.clip(np.array(CLOTH) + weave[..., None] + noise, 0, 255).astype(np.uint8)


def painted(image: np.ndarray, mask: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    image = image.copy()
    noise = np.random.default_rng(1).normal(0, 4, (int(mask.sum()), 3))
    image[mask] = np.clip(np.array(color) + noise, 0, 255).astype(np.uint8)
    return image


def disc(x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.indices(SIZE)
    return np.asarray(np.hypot(columns - x, rows - y) <= radius)


def grown(mask: np.ndarray, radius: int) -> Region:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
    return Region.of(cv2.dilate(mask.astype(np.uint8), kernel).astype(bool))


def thread() -> np.ndarray:
    """A curve 3 px wide and 300 px long."""
    x = np.linspace(50, 340, 60)
    path = np.stack([x, 100 + 40 * np.sin(x / 60)], axis=1).round().astype(np.int32)
    return cv2.polylines(np.zeros(SIZE, np.uint8), [path], False, 1, 3).astype(bool)


def shape(name: str) -> np.ndarray:
    rows, columns = np.indices(SIZE)
    return {
        "disc": disc(200, 100, 30),
        "button": disc(200, 100, 35) & ~disc(188, 100, 6) & ~disc(212, 100, 6),
        "speck": (abs(rows - 99.5) < 3) & (abs(columns - 199.5) < 3),
        "thread": thread(),
        "pieces": disc(180, 100, 12) | disc(220, 90, 15) | disc(205, 120, 5),
        "corner": disc(0, 0, 40),
        "half": columns < 200,
    }[name]


# Refining


@pytest.mark.parametrize(
    ("name", "least_iou"),
    [
        ("disc", 0.95),
        ("button", 0.95),
        ("speck", 0.75),
        ("thread", 0.85),
        ("pieces", 0.9),
        ("corner", 0.95),
        ("half", 0.95),
    ],
)
@pytest.mark.parametrize("radius", [4, 8])
def test_things_of_all_sizes_are_found(name: str, least_iou: float, radius: int) -> None:
    truth = shape(name)
    rough = grown(truth, radius)
    refined = refine(painted(cloth(), truth, BLUE), rough)
    assert refined.iou(Region.of(truth)) >= max(least_iou, rough.iou(Region.of(truth)))


def test_what_the_rough_region_misses_is_found_too() -> None:
    truth = shape("disc")
    rough = truth.copy()
    rough[:, 212:] = False
    assert refine(painted(cloth(), truth, BLUE), Region.of(rough)).iou(Region.of(truth)) >= 0.95


def test_holes_stay_holes() -> None:
    truth = shape("button")
    refined = refine(painted(cloth(), truth, BLUE), grown(disc(200, 100, 35), 5)).over(SIZE)
    assert refined[disc(188, 100, 4)].mean() < 0.1
    assert refined[disc(212, 100, 4)].mean() < 0.1


def test_a_shadow_is_no_part_of_the_thing() -> None:
    truth, shadow = disc(200, 100, 25), disc(203, 103, 25)
    image = cloth()
    image[shadow] = (image[shadow] * 0.8).astype(np.uint8)
    refined = refine(painted(image, truth, BLUE), grown(truth | shadow, 3))
    assert refined.iou(Region.of(truth)) >= 0.9


@pytest.mark.parametrize("method", ["grabcut", "random_walker"])
def test_other_methods_find_a_plain_thing(method: Method) -> None:
    truth = shape("disc")
    config = SegmentationConfig(method=method)
    refined = refine(painted(cloth(), truth, BLUE), grown(truth, 6), config=config)
    assert refined.iou(Region.of(truth)) >= 0.85


def test_where_nothing_stands_out_the_rough_region_stays() -> None:
    rough = grown(shape("disc"), 5)
    assert refine(np.full((*SIZE, 3), 128, np.uint8), rough) is rough
    truth = shape("disc")
    kept = refine(painted(cloth(), truth, BLUE), rough, config=SegmentationConfig(method="rough"))
    assert kept is rough


def test_without_surroundings_the_rough_region_stays() -> None:
    whole = Region.of(np.ones(SIZE, dtype=bool))
    assert refine(painted(cloth(), shape("disc"), BLUE), whole) is whole


def test_only_the_context_matters_and_the_image_stays_as_it_is() -> None:
    truth = disc(100, 100, 20)
    rough = grown(truth, 6)
    image = painted(cloth(), truth, BLUE)
    left, top, right, bottom = context_box(rough, SIZE, SegmentationConfig())
    elsewhere = np.random.default_rng(2).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    elsewhere[top:bottom, left:right] = image[top:bottom, left:right]
    before = image.copy()
    first, second = refine(image, rough), refine(elsewhere, rough)
    assert first.box_xyxy == second.box_xyxy
    assert np.array_equal(first.mask, second.mask)
    assert np.array_equal(image, before)


def test_another_thing_nearby_is_not_taken_for_it() -> None:
    truth, other = disc(180, 100, 15), disc(224, 100, 15)
    image = painted(painted(cloth(), truth, BLUE), other, RED)
    refined = refine(image, grown(truth, 6)).over(SIZE)
    assert not refined[other].any()
    assert (refined & truth).sum() >= 0.9 * (refined | truth).sum()


def test_novelty_tells_which_pixels_are_no_surroundings() -> None:
    # another thing of this very colour all around would make it look common
    truth = disc(200, 100, 12)
    ring = disc(200, 100, 60) & ~disc(200, 100, 30)
    image, rough = painted(cloth(), truth | ring, BLUE), grown(truth, 4)
    left, top, right, bottom = context_box(rough, SIZE, SegmentationConfig())
    novelty = np.where(truth | ring, 3, 0.5).astype(np.float32)[top:bottom, left:right]
    assert refine(image, rough, novelty).iou(Region.of(truth)) >= 0.9
    assert refine(image, rough).iou(Region.of(truth)) < 0.9


def test_novelty_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"over context_box, \(109, 109\) rows .* got \(61, 61\)"):
        refine(cloth(), Region.of(shape("disc")), np.zeros((61, 61), dtype=np.float32))


def test_a_part_of_the_thing_is_not_taken_for_all_of_it() -> None:
    # the lower half is of the colour of the cloth
    truth = disc(200, 100, 45)
    visible = truth & (np.indices(SIZE)[0] < 90)
    rough = Region.of(truth)
    assert refine(painted(cloth(), visible, BLUE), rough) is rough


def test_a_prompt_is_asked_with_the_painted_mask() -> None:
    truth, rough = shape("button"), grown(shape("button"), 6)
    asked = []

    def answer(mask: np.ndarray) -> np.ndarray:
        asked.append(mask)
        return truth

    refined = refine(cloth(), rough, prompt=answer)
    assert np.array_equal(refined.over(SIZE), truth)
    assert np.array_equal(asked[0], rough.over(SIZE))


@pytest.mark.parametrize(
    "answer", [np.zeros(SIZE, bool), np.ones(SIZE, bool), disc(20, 20, 10), disc(200, 100, 1)]
)
def test_an_answer_that_cannot_be_the_thing_is_not_taken(answer: np.ndarray) -> None:
    rough = grown(shape("button"), 6)
    assert refine(cloth(), rough, prompt=lambda _: answer) is rough


def test_the_context_is_the_box_and_a_margin_within_the_image() -> None:
    config = SegmentationConfig(margin_px=20)
    middle = Region((100, 90, 110, 95), np.ones((5, 10), bool))
    assert context_box(middle, SIZE, config) == (80, 70, 130, 115)
    corner = Region((5, 190, 400, 200), np.ones((10, 395), bool))
    assert context_box(corner, SIZE, config) == (0, 170, 400, 200)


def test_values_out_of_range_are_named() -> None:
    assert problems_of(SegmentationConfig(), "regions.segmentation") == []
    assert problems_of(SegmentationConfig(margin_px=9, reach_px=99), "regions.segmentation") == [
        "regions.segmentation.reach_px must lie in 2 … 64, got 99",
        "regions.segmentation.reach_px must be less than margin_px (9), got 99",
    ]


# Bands


@pytest.mark.parametrize("degrees", [0, 7, 45, 80, 90, 135])
def test_the_direction_of_a_straight_band_is_found(degrees: float) -> None:
    along = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    ends = [tuple((np.array([200, 100]) + s * 90 * along).round().astype(int)) for s in (-1, 1)]
    mask = np.zeros(SIZE, np.uint8)
    cv2.line(mask, ends[0], ends[1], 1, 9)
    found = band_direction(mask.astype(bool))
    assert found is not None
    assert abs(found @ along) > 0.999


def test_discs_and_curled_threads_are_no_bands() -> None:
    assert band_direction(shape("disc")) is None
    assert band_direction(grown(thread(), 5).over(SIZE)) is None


@pytest.mark.parametrize("is_upright", [False, True])
def test_averaging_keeps_what_is_across(is_upright: bool) -> None:
    profile = np.random.default_rng(0).normal(0, 5, (60, 1, 3)).astype(np.float32)
    across = np.repeat(profile, 90, axis=1)
    noisy = across + np.random.default_rng(1).normal(0, 5, across.shape).astype(np.float32)
    if is_upright:
        across, noisy = across.transpose(1, 0, 2), noisy.transpose(1, 0, 2)
    direction = np.array([0.0, 1.0]) if is_upright else np.array([1.0, 0.0])
    averaged = averaged_along(np.ascontiguousarray(noisy), direction)
    assert np.abs(averaged - across).mean() < 0.4 * np.abs(noisy - across).mean()


def test_a_fault_along_a_yarn_is_found_where_it_looks_like_cloth_too() -> None:
    # where other yarns cross, every second 5 px, nothing is to be seen
    truth = np.zeros(SIZE, dtype=bool)
    truth[96:103] = True
    visible = truth & (np.indices(SIZE)[1] // 5 % 2 == 0)
    refined = refine(painted(cloth(), visible, (110, 90, 70)), grown(truth, 6))
    assert refined.iou(Region.of(truth)) >= 0.75


# Splitting


def test_touching_things_come_apart_where_they_touch() -> None:
    left, right = disc(180, 100, 22), disc(220, 100, 22)
    left &= ~right
    image = painted(painted(cloth(), left, RED), right, BLUE)
    region = Region.of(left | right)
    seeds = np.zeros(SIZE, dtype=np.int64)
    seeds[98:102, 170:174], seeds[98:102, 226:230] = 1, 2
    x0, y0, x1, y1 = region.box_xyxy
    one, other = split(image, region, seeds[y0:y1, x0:x1])
    assert one is not None
    assert other is not None
    assert one.iou(Region.of(left)) > 0.95
    assert other.iou(Region.of(right)) > 0.95


def test_each_pixel_of_the_region_goes_to_one_label() -> None:
    mask = (disc(190, 100, 30) | disc(240, 100, 25)) & ~disc(190, 100, 8)
    region = Region.of(mask)
    seeds = np.random.default_rng(0).integers(0, 40, region.mask.shape)
    seeds = np.where(seeds > 3, 0, seeds)
    pieces = [each for each in split(cloth(), region, seeds) if each is not None]
    assert len(pieces) == 3
    assert np.array_equal(np.sum([each.over(SIZE) for each in pieces], axis=0), mask)


def test_a_piece_without_a_seed_goes_to_the_nearest_one() -> None:
    mask = disc(50, 100, 10) | disc(150, 100, 10) | disc(175, 100, 8)
    region = Region.of(mask)
    seeds = np.zeros(region.mask.shape, dtype=np.int64)
    seeds[10, 10], seeds[10, 110] = 1, 3
    one, none, three = split(cloth(), region, seeds)
    assert none is None
    assert one is not None
    assert one.box_xyxy == Region.of(disc(50, 100, 10)).box_xyxy
    assert three is not None
    assert three.area_px == (disc(150, 100, 10) | disc(175, 100, 8)).sum()


def test_seeds_beside_the_region_do_not_count() -> None:
    region = Region.of(shape("button"))
    seeds = np.zeros(region.mask.shape, dtype=np.int64)
    assert split(cloth(), region, seeds) == []
    seeds[0, 0] = 2
    assert split(cloth(), region, seeds) == [None, None]
    seeds[35, 2] = 1
    one, two = split(cloth(), region, seeds)
    assert one is not None
    assert one.iou(region) == 1
    assert two is None


def test_seeds_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the region's box, \(61, 61\) rows .* got \(200, 400\)"):
        split(cloth(), Region.of(shape("disc")), np.zeros(SIZE, dtype=np.int64))


def test_no_network_is_loaded() -> None:
    code = "import sys, engine.regions.segmentation; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
