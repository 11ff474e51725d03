from __future__ import annotations

import cv2
import numpy as np
import pytest

from alignment.aligned import AlignedParts
from alignment.painted_classes import (
    CLEAR_NCC,
    MIN_NCC,
    PaintedClass,
    detect,
    learn_min_ncc,
    refine_border,
    with_painted,
)
from alignment.template_matching import Template, local_descriptors, stride_for
from features.parts import Parts

SIZE = (96, 128)
ALL = np.ones(SIZE, dtype=bool)
PLACES = [(24, 30), (24, 90), (70, 60)]


def scene(
    places: list[tuple[int, int]], *, gain: float = 1.0, turn: float = 0.0, seed: int = 0
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Paint brackets of blue with a red corner on wood; return the image and each one's mask."""
    rng = np.random.default_rng(seed)
    image = np.full((*SIZE, 3), (150, 120, 80), dtype=float)
    image += cv2.GaussianBlur(rng.normal(0, 25, (*SIZE, 3)), (0, 0), 2)
    masks = []
    for y, x in places:
        layers = []
        for box in ((-9, -12, 9, -4), (1, -12, 9, 12), (-9, -12, -3, -4)):
            layer = np.zeros(SIZE, dtype=np.uint8)
            layer[y + box[0] : y + box[2], x + box[1] : x + box[3]] = 1
            matrix = cv2.getRotationMatrix2D((float(x), float(y)), turn, 1)
            layers.append(cv2.warpAffine(layer, matrix, SIZE[::-1]) > 0)
        image[layers[0] | layers[1]] = (50, 80, 170)
        image[layers[2]] = (190, 40, 50)
        masks.append(layers[0] | layers[1])
    return np.clip(image * gain, 0, 255).astype(np.uint8), masks


def painted(turns: tuple[float, ...] = (-12.0, 0.0, 12.0), threshold: float = 0.6) -> PaintedClass:
    image, masks = scene(PLACES[:1], seed=1)
    step = stride_for([int(masks[0].sum())])
    return PaintedClass(0, (Template.of(image, ALL, masks[0], step),), turns, threshold)


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


class TestDetect:
    def test_the_image_it_was_painted_on_correlates_fully(self) -> None:
        image, masks = scene(PLACES[:1], seed=1)
        found = detect(painted(), image, ALL)
        assert len(found) == 1
        assert found[0].ncc == pytest.approx(1, abs=0.02)
        assert iou(found[0].mask, masks[0]) > 0.8

    @pytest.mark.parametrize("gain", [0.6, 1.0, 1.3])
    def test_all_of_them_are_found_in_any_light(self, gain: float) -> None:
        image, masks = scene(PLACES, gain=gain, seed=2)
        found = detect(painted(), image, ALL)
        assert len(found) == len(PLACES)
        for mask in masks:
            assert max(iou(mask, each.mask) for each in found) > 0.7

    def test_a_turned_one_is_found_in_its_turn(self) -> None:
        image, masks = scene(PLACES[:1], turn=90, seed=3)
        free = painted(tuple(float(turn) for turn in range(0, 360, 30)))
        found, upright = detect(free, image, ALL), detect(painted(), image, ALL)
        assert len(found) == 1
        assert iou(found[0].mask, masks[0]) > 0.7
        assert found[0].ncc > max(each.ncc for each in upright)

    def test_nothing_is_found_where_there_is_none(self) -> None:
        assert detect(painted(), scene([], seed=4)[0], ALL) == []

    def test_nothing_is_found_on_a_plain_image(self) -> None:
        assert detect(painted(), np.full((*SIZE, 3), 90, dtype=np.uint8), ALL) == []

    def test_what_the_photograph_does_not_show_is_not_found(self) -> None:
        image, _ = scene(PLACES[:2], seed=5)
        is_valid = ALL.copy()
        is_valid[:, :60] = False
        found = detect(painted(), image, is_valid)
        assert len(found) == 1
        assert not found[0].mask[:, :60].any()

    def test_restored_classes_find_the_same(self) -> None:
        ours = painted()
        theirs = PaintedClass.restore(ours.state())
        image, _ = scene(PLACES, seed=6)
        for one, other in zip(detect(ours, image, ALL), detect(theirs, image, ALL), strict=True):
            assert one.ncc == other.ncc
            np.testing.assert_array_equal(one.mask, other.mask)


class TestLearnMinNcc:
    def test_it_lies_between_the_things_and_all_else(self) -> None:
        images = [scene(PLACES, seed=seed)[0] for seed in range(3)]
        learnt = learn_min_ncc(painted(), images, [ALL] * 3, frozenset())
        assert MIN_NCC < learnt.min_ncc < CLEAR_NCC
        for image in images:
            assert len(detect(learnt, image, ALL)) == len(PLACES)


def test_small_things_are_looked_for_finely() -> None:
    assert stride_for([30]) == 2
    assert stride_for([900]) == 4
    assert stride_for([900, 30]) == 2


def test_descriptors_do_not_depend_on_brightness() -> None:
    image, _ = scene(PLACES, seed=7)
    dim = np.round(image * 0.7).astype(np.uint8)
    bright, dark = (local_descriptors(each, ALL, 4).ravel() for each in (image, dim))
    assert np.corrcoef(bright, dark)[0, 1] > 0.95


class TestRefineBorder:
    def test_the_border_moves_to_where_the_colour_changes(self) -> None:
        image, masks = scene(PLACES[:1], seed=8)
        rough = np.roll(masks[0], (1, 1), axis=(0, 1))
        assert iou(refine_border(image, rough), masks[0]) > iou(rough, masks[0])

    def test_on_an_even_surface_the_border_stays(self) -> None:
        mask = np.zeros(SIZE, dtype=bool)
        mask[20:50, 20:60] = True
        even = np.full((*SIZE, 3), 100, dtype=np.uint8)
        np.testing.assert_array_equal(refine_border(even, mask), mask)


class TestWithPainted:
    def cut(self) -> tuple[AlignedParts, np.ndarray, list[np.ndarray]]:
        image, masks = scene(PLACES[:2], seed=9)
        labels = np.zeros(SIZE, dtype=np.int64)
        labels[masks[0]] = 1
        parts = Parts(labels, np.array([True, False]))
        is_background = np.array([True, False, False])
        aligned = AlignedParts(parts, np.array([0, 1]), np.zeros(2), is_background)
        return aligned, image, masks

    def test_painted_things_lie_on_top_and_replace_the_parts_they_cover(self) -> None:
        aligned, image, masks = self.cut()
        template = painted().templates
        over = with_painted(aligned, [PaintedClass(2, template)], image, ALL)
        np.testing.assert_array_equal(over.counts, [1, 0, 2])
        assert over.class_map[masks[0]].tolist().count(2) > 0.8 * masks[0].sum()
        assert (over.class_map >= 0).all()

    def test_what_was_painted_by_hand_is_taken_as_it_is_and_counted_once(self) -> None:
        aligned, image, masks = self.cut()
        own = PaintedClass(2, painted().templates)
        over = with_painted(aligned, [own], image, ALL, {2: [masks[0]]})
        assert over.counts[2] == 2
        assert (over.class_map[masks[0]] == 2).all()

    def test_touching_things_are_one_each_where_that_is_said(self) -> None:
        labels = np.full((4, 8), 0)
        labels[:, 4:] = 1
        parts = Parts(labels, np.zeros(2, dtype=bool))
        kind, cost, background = np.zeros(2, dtype=np.int64), np.zeros(2), np.array([False])
        assert AlignedParts(parts, kind, cost, background).counts.tolist() == [1]
        each = AlignedParts(parts, kind, cost, background, None, np.array([True]))
        assert each.counts.tolist() == [2]
