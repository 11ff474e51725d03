from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from features.parts import Parts
from features.sam.refine import refine_parts

SIZE = (128, 192)
CELL_PX = 16
GREY, RED, BLUE = (120, 120, 120), (200, 40, 40), (40, 60, 200)


def disc(y: float, x: float, radius: float) -> np.ndarray:
    rows, columns = np.indices(SIZE)
    return np.hypot(rows - y, columns - x) < radius


def coarse(mask: np.ndarray) -> np.ndarray:
    """Cells of which the mask covers half."""
    rows, columns = SIZE[0] // CELL_PX, SIZE[1] // CELL_PX
    is_cell = mask.reshape(rows, CELL_PX, columns, CELL_PX).mean(axis=(1, 3)) > 0.5
    return np.kron(is_cell, np.ones((CELL_PX, CELL_PX), dtype=bool))


LEFT, RIGHT = disc(64, 50, 36), disc(64, 140, 36)
IMAGE = np.full((*SIZE, 3), GREY, dtype=np.uint8)
IMAGE[LEFT], IMAGE[RIGHT] = RED, BLUE


def parts_of(*masks: np.ndarray) -> Parts:
    labels = np.zeros(SIZE, dtype=np.int32)
    for number, mask in enumerate(masks, 1):
        labels[mask] = number
    return Parts(labels, np.arange(len(masks) + 1) == 0)


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.count_nonzero(one & other) / np.count_nonzero(one | other))


def test_borders_get_sharper(painted: ModuleType) -> None:
    before = parts_of(coarse(LEFT), coarse(RIGHT))
    after = refine_parts(painted.PaintedNetwork(), IMAGE, before)
    for part, truth in ((1, LEFT), (2, RIGHT)):
        assert iou(before.labels == part, truth) < 0.92
        assert iou(after.labels == part, truth) > 0.95
    assert (after.labels >= 0).all()
    np.testing.assert_array_equal(after.is_background, before.is_background)


def test_the_image_is_embedded_once(painted: ModuleType) -> None:
    network = painted.PaintedNetwork()
    refine_parts(network, IMAGE, parts_of(coarse(LEFT), coarse(RIGHT)))
    assert network.n_embedded == 1


def test_each_region_of_a_part_is_prompted_by_itself(painted: ModuleType) -> None:
    before = parts_of(coarse(LEFT) | coarse(RIGHT))
    network = painted.PaintedNetwork()
    after = refine_parts(network, IMAGE, before)
    assert len(network.asked_xy) == 2
    assert iou(after.labels == 1, LEFT | RIGHT) > 0.95


def test_the_prompt_lies_deep_inside(painted: ModuleType) -> None:
    network = painted.PaintedNetwork()
    refine_parts(network, IMAGE, parts_of(LEFT))
    ((x, y),) = network.asked_xy
    assert np.hypot(x - 50, y - 64) <= 2


def test_what_does_not_agree_keeps_its_shape(painted: ModuleType) -> None:
    """A region that covers half of a disc is not what the network finds there."""
    half = LEFT & (np.indices(SIZE)[1] < 50)
    before = parts_of(half, coarse(RIGHT))
    after = refine_parts(painted.PaintedNetwork(), IMAGE, before)
    np.testing.assert_array_equal(after.labels == 1, half)
    assert iou(after.labels == 2, RIGHT) > 0.95


def test_how_far_they_must_agree_can_be_set(painted: ModuleType) -> None:
    half = LEFT & (np.indices(SIZE)[1] < 50)
    after = refine_parts(painted.PaintedNetwork(), IMAGE, parts_of(half), min_agreement=0.4)
    assert iou(after.labels == 1, LEFT) > 0.95


def test_pixels_of_no_part_stay_so(painted: ModuleType) -> None:
    before = parts_of(coarse(LEFT), coarse(RIGHT))
    labels = before.labels.copy()
    labels[:, :40] = -1
    after = refine_parts(painted.PaintedNetwork(), IMAGE, Parts(labels, before.is_background))
    np.testing.assert_array_equal(after.labels < 0, labels < 0)


def test_pixels_given_up_go_to_the_nearest_part(painted: ModuleType) -> None:
    """Where two discs touch, coarse cells of one reach into the other."""
    left, right = disc(64, 60, 40), disc(64, 132, 40)
    image = np.full((*SIZE, 3), GREY, dtype=np.uint8)
    image[right], image[left] = BLUE, RED
    before = parts_of(coarse(right), coarse(left))
    after = refine_parts(painted.PaintedNetwork(), image, before)
    assert (after.labels >= 0).all()
    assert iou(after.labels == 1, right & ~left) > 0.93
    assert iou(after.labels == 2, left) > 0.93


@pytest.mark.parametrize("labels", [np.zeros(SIZE), np.full(SIZE, -1)])
def test_without_things_nothing_is_asked(painted: ModuleType, labels: np.ndarray) -> None:
    network = painted.PaintedNetwork()
    before = Parts(labels.astype(np.int32), np.array([True]))
    assert refine_parts(network, IMAGE, before) is before
    assert network.n_embedded == 0


def test_no_part_vanishes(painted: ModuleType) -> None:
    """A ring around a disc of its own colour is answered with all of it."""
    ring = LEFT & ~disc(64, 50, 20)
    before = parts_of(ring, disc(64, 50, 20))
    after = refine_parts(painted.PaintedNetwork(), IMAGE, before, min_agreement=0.2)
    assert (after.area_px > 0).all()
