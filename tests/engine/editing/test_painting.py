from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from engine.editing import ClassEditError, grow
from engine.inspector import Inspector
from features.region import Region


@pytest.fixture(scope="module")
def pins(fitted: Callable[..., Inspector]) -> Inspector:
    return fitted("pins")


def pin_masks(inspector: Inspector) -> list[np.ndarray]:
    aligned = inspector.fitted.samples[0].aligned
    instance_of = np.append(aligned.instance_of_part, -1)[aligned.parts.labels]
    pins = np.unique(instance_of[aligned.class_map == np.argmax(aligned.counts)])
    return [instance_of == pin for pin in pins[:6]]


def test_a_click_finds_the_thing(pins: Inspector) -> None:
    found = []
    for mask in pin_masks(pins):
        rows, columns = np.nonzero(mask)
        middle = len(rows) // 2
        region = grow(pins, 0, (float(columns[middle]), float(rows[middle])))
        found.append(region.iou(Region.of(mask)))
    assert np.median(found) > 0.5


def test_a_rough_painting_becomes_the_thing(pins: Inspector) -> None:
    ious = []
    for mask in pin_masks(pins):
        left, top, right, bottom = Region.of(mask).box_xyxy
        box = Region((left, top, right, bottom), np.ones((bottom - top, right - left), dtype=bool))
        truth = Region.of(mask)
        ious.append((grow(pins, 0, box).iou(truth), box.iou(truth)))
    grown, boxes = np.array(ious).T
    assert grown.mean() > boxes.mean()


def test_a_click_on_an_even_surface_is_some_region_around_it(pins: Inspector) -> None:
    region = grow(pins, 0, (3.0, 3.0))
    left, top, right, bottom = region.box_xyxy
    assert left <= 3 < right
    assert top <= 3 < bottom


class FakePrompter:
    """Answers clicks with the left half of the image, and masks with what they do not mark."""

    def __init__(self, image: np.ndarray) -> None:
        self.left = np.arange(image.shape[1]) < image.shape[1] // 2
        self.left = np.broadcast_to(self.left, image.shape[:2])

    def at_point(self, point_xy: tuple[float, float]) -> np.ndarray:
        assert len(point_xy) == 2
        return self.left

    def from_mask(self, rough: np.ndarray) -> np.ndarray:
        return ~rough


def test_sam_is_asked_where_the_profile_has_it(pins: Inspector) -> None:
    with_sam = copy.copy(pins)
    with_sam.segmenter = SimpleNamespace(prompter=FakePrompter)  # type: ignore[assignment]
    assert grow(with_sam, 0, (9.0, 9.0)).box_xyxy == (0, 0, 156, 208)
    painted = Region.of(pin_masks(pins)[0])
    assert grow(with_sam, 0, painted).iou(painted) == 0


def test_clicks_and_references_must_be_there(pins: Inspector) -> None:
    with pytest.raises(ClassEditError, match="a click must lie in the reference's 312×208 px"):
        grow(pins, 0, (312.0, 5.0))
    with pytest.raises(ClassEditError, match="reference must lie in 0 … 3, got 4"):
        grow(pins, 4, (5.0, 5.0))
