"""Things of every size and shape are taught once and found again, in the file's own pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest

from engine.inspector import Inspector
from engine.regions import Region, RegionReport

SIZE = (512, 512)
Mask = np.ndarray
Paint = tuple[Mask, tuple[int, int, int]]


@dataclass(frozen=True)
class Photo:
    """A photograph and the true pixels of each thing on it."""

    image: np.ndarray
    regions: tuple[Region, ...]


def canvas(seed: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Photograph felt: fine grain, and light that varies a little."""
    rng = np.random.default_rng(seed)
    grain = cv2.GaussianBlur(rng.normal(0, 1, size), (0, 0), 1.2)
    light = cv2.resize(rng.normal(0, 2, (5, 5)), size[::-1])
    grey = 120 + light + 12 * grain / grain.std()
    return grey[..., None] + np.array([8.0, 4.0, -10.0])


def photograph(seed: int, *things: Paint, size: tuple[int, int] = SIZE) -> Photo:
    image, rng = canvas(seed, size), np.random.default_rng([seed, 1])
    for mask, color in things:
        image[mask] = color + rng.normal(0, 6, (np.count_nonzero(mask), 3))
    regions = tuple(Region.of(mask) for mask, _ in things)
    return Photo(image.clip(0, 255).astype(np.uint8), regions)


def polygon(points: np.ndarray, size: tuple[int, int] = SIZE) -> Mask:
    mask = np.zeros(size, dtype=np.uint8)
    cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], 1)
    return mask.astype(bool)


def rectangle(left: int, top: int, width: int, height: int) -> Mask:
    mask = np.zeros(SIZE, dtype=bool)
    mask[top : top + height, left : left + width] = True
    return mask


def disc(x: float, y: float, radius: float) -> Mask:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    mask: Mask = (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
    return mask


def thread(x: int, y: int, bend_px: int) -> Mask:
    """Lay a thread 3 px wide and 300 px long, bent a little."""
    along = np.linspace(0, 300, 60)
    points = np.stack([x + along, y + bend_px * np.sin(along / 95)], axis=1)
    mask = np.zeros(SIZE, dtype=np.uint8)
    cv2.polylines(mask, [np.rint(points).astype(np.int32)], False, 1, 3)
    return mask.astype(bool)


RED, BLUE, GREEN, BLACK = (190, 40, 40), (40, 60, 200), (40, 150, 70), (30, 28, 30)

# what was taught, and the same kind of thing elsewhere, and the least IoU
ONE_THING: dict[str, tuple[Mask, Mask, tuple[int, int, int], float]] = {
    "speck of 6 × 6 px": (rectangle(150, 160, 6, 6), rectangle(333, 271, 6, 6), BLACK, 0.5),
    "thread of 3 × 300 px": (thread(100, 150, 14), thread(90, 350, -14), BLUE, 0.5),
    "half the image": (rectangle(0, 0, 512, 256), rectangle(0, 0, 512, 250), RED, 0.6),
    "a large corner": (rectangle(0, 0, 350, 350), rectangle(152, 152, 360, 360), RED, 0.6),
    "ring": (
        disc(170, 170, 50) & ~disc(170, 170, 28),
        disc(330, 300, 50) & ~disc(330, 300, 28),
        GREEN,
        0.6,
    ),
    "at the border": (rectangle(0, 200, 40, 60), rectangle(0, 330, 40, 60), RED, 0.6),
    "in a corner": (disc(0, 0, 50), disc(511, 511, 50), BLUE, 0.6),
}


@cache
def felt() -> Inspector:
    return Inspector().fit([photograph(seed).image for seed in range(8)])


@pytest.mark.parametrize("kind", ONE_THING)
def test_taught_once_and_found_again(open_station: Callable[..., Any], kind: str) -> None:
    taught, asked, color, least_iou = ONE_THING[kind]
    station = open_station(felt())
    station.teach(photograph(200, (taught, color)), "thing", "defect")
    photo = photograph(201, (asked, color))
    named = [each for each in station.judge(photo).regions if each.class_name == "thing"]
    assert len(named) == 1
    assert named[0].region.iou(photo.regions[0]) >= least_iou


def test_the_hole_of_a_ring_is_not_of_the_ring(open_station: Callable[..., Any]) -> None:
    _, asked, color, _ = ONE_THING["ring"]
    found = open_station(felt()).judge(photograph(202, (asked, color)))
    hole = disc(330, 300, 24)
    assert len(found.regions) == 1
    assert np.mean(found.regions[0].region.over(SIZE)[hole]) < 0.1


def named_ious(report: RegionReport, photo: Photo, names: tuple[str, ...]) -> dict[str, float]:
    """Give for each name the IoU of its only region with what is there."""
    found = [each.class_name for each in report.regions]
    assert sorted(found) == sorted(names)
    by_name = {each.class_name: each.region for each in report.regions}
    return {name: by_name[name].iou(true) for name, true in zip(names, photo.regions, strict=True)}


def test_three_things_in_one_image(open_station: Callable[..., Any]) -> None:
    names = ("square", "disc", "thread")
    station = open_station(felt())
    lessons = (
        (rectangle(100, 100, 40, 40), RED),
        (disc(200, 300, 24), GREEN),
        (thread(100, 150, 14), BLUE),
    )
    for seed, (name, thing) in enumerate(zip(names, lessons, strict=True), 210):
        station.teach(photograph(seed, thing), name, "accepted")
    photo = photograph(
        215,
        (rectangle(330, 90, 40, 40), RED),
        (disc(120, 390, 24), GREEN),
        (thread(110, 250, -14), BLUE),
    )
    report = station.judge(photo)
    assert min(named_ious(report, photo, names).values()) > 0.5
    assert set(report.reason.split(", ")) == {f"{name} (accepted)" for name in names}


def test_two_touching_things_of_two_classes(open_station: Callable[..., Any]) -> None:
    station = open_station(felt())
    station.teach(photograph(220, (rectangle(100, 100, 60, 60), RED)), "square", "accepted")
    station.teach(photograph(221, (disc(300, 200, 35), BLUE)), "disc", "defect")
    photo = photograph(222, (rectangle(200, 220, 60, 60), RED), (disc(295, 250, 35), BLUE))
    report = station.judge(photo)
    assert min(named_ious(report, photo, ("square", "disc")).values()) > 0.6
    assert report.is_anomaly


class TestLargePhotographs:
    """Twelve million pixels; regions are outlined on a smaller picture of the same photograph."""

    SIZE = (3000, 4000)

    def photo(self, seed: int, *points: np.ndarray) -> Photo:
        """Photograph polygons, given in pixels of the large photograph, with a sharp border."""
        small = canvas(seed, (750, 1000)).clip(0, 255).astype(np.uint8)
        large = cv2.resize(small, self.SIZE[::-1], interpolation=cv2.INTER_CUBIC)
        masks = [polygon(each, self.SIZE) for each in points]
        for mask in masks:
            large[mask] = RED
        return Photo(large, tuple(Region.of(mask) for mask in masks))

    STAR = np.array(
        [
            (r * np.cos(a), r * np.sin(a))
            for a, r in zip(np.arange(10) * np.pi / 5, [230, 120] * 5, strict=True)
        ]
    )

    def test_a_region_is_outlined_in_its_own_pixels(self, open_station: Callable[..., Any]) -> None:
        references = [canvas(seed, (750, 1000)).clip(0, 255).astype(np.uint8) for seed in range(6)]
        station = open_station(Inspector().fit(references))
        station.teach(self.photo(230, np.add(self.STAR, (900, 800))), "star", "accepted")
        photo = self.photo(231, np.add(self.STAR, (2900, 1900)))
        report = station.judge(photo)
        (star,) = [each for each in report.regions if each.class_name == "star"]
        assert report.report.image_size == self.SIZE
        assert star.region.iou(photo.regions[0]) > 0.9
