"""Photographs of a striped cloth with things on it, and a station that can be taught about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.inspector import Inspector
from engine.regions import Library, Outlined, Recogniser, Region, RegionReport, teach
from engine.report import Examination

SIZE = (256, 256)
# radius, colour and light spots (x, y, radius) of round things
LOOKS: Mapping[str, tuple[int, tuple[int, int, int], tuple[tuple[int, int, int], ...]]] = {
    "button": (14, (200, 40, 40), ((0, 0, 5),)),
    "badge": (18, (30, 120, 60), ((-8, 0, 3), (8, 0, 3), (0, 8, 3))),
    "blot": (20, (40, 60, 210), ((-6, 0, 4), (6, 0, 4))),
}
Thing = tuple[str, int, int]


@dataclass(frozen=True)
class Photo:
    """A photograph and the true pixels of each thing, in the order they were named."""

    image: np.ndarray
    regions: tuple[Region, ...]


def weave(seed: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Weave stripes both ways, nowhere quite straight, with noise of the camera."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]]
    # no two places of the roll can be laid over each other: the cloth has no pose
    drift = [cv2.resize(rng.normal(0, 1.5, (17, 17)), size[::-1]) for _ in range(2)]
    light = 130 + 22 * np.sin(x / 2.2 + drift[0]) + 16 * np.sin(y / 3.1 + drift[1])
    light += rng.normal(0, 4, size)
    return light[..., None] + np.array([12, 0, -14])


def round_mask(x: float, y: float, radius: float, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Return a disc as a mask of the whole photograph."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    mask: np.ndarray = (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
    return mask


@cache
def take_photo(seed: int, *things: Thing) -> Photo:
    """Photograph cloth with a thing of each (look, x, y) on it, the last one on top."""
    image, rng, masks = weave(seed), np.random.default_rng([seed, 1]), []
    for look, x, y in things:
        radius, color, spots = LOOKS[look]
        mask = round_mask(x, y, radius)
        image[mask] = color + rng.normal(0, 5, (np.count_nonzero(mask), 3))
        for dx, dy, spot in spots:
            image[round_mask(x + dx, y + dy, spot)] = 235
        masks = [each & ~mask for each in masks] + [mask]
    return Photo(image.clip(0, 255).astype(np.uint8), tuple(Region.of(each) for each in masks))


@cache
def fit_cloth(first_seed: int = 0, n_references: int = 10) -> Inspector:
    seeds = range(first_seed, first_seed + n_references)
    return Inspector().fit([take_photo(seed).image for seed in seeds])


@dataclass(frozen=True)
class Station:
    """An inspector with a library of its own."""

    inspector: Inspector
    library: Library
    recogniser: Recogniser

    def examine(self, photo: Photo) -> Examination:
        return self.inspector.examine(photo.image)

    def judge(self, photo: Photo) -> RegionReport:
        return self.recogniser.inspect(photo.image)

    def teach(self, photo: Photo, name: str, kind: str | None = None, **options: bool) -> int:
        """Teach the first thing of a photograph, outlined exactly; return the lesson's number."""
        outlined = Outlined(photo.regions[0], f"{name}.png")
        examination = self.examine(photo)
        return teach(self.recogniser, examination, outlined, name, kind, **options).id  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def photo() -> Callable[..., Photo]:
    """Photograph cloth: a seed, then (look, x, y) of each thing on it."""
    return take_photo


@pytest.fixture(scope="session")
def cloth() -> Callable[..., Inspector]:
    """Give an inspector that has seen clean cloth only; they are shared, so only ask."""
    return fit_cloth


@pytest.fixture
def open_station(tmp_path: Path) -> Iterator[Callable[..., Station]]:
    """Open stations, at the same library unless ``name`` says another."""
    opened: list[Library] = []

    def make(inspector: Inspector | None = None, name: str = "regions.db") -> Station:
        library = Library(tmp_path / name, author="tester")
        opened.append(library)
        own = inspector or fit_cloth()
        return Station(own, library, Recogniser(own, library))

    yield make
    for library in opened:
        library.close()


@pytest.fixture
def station(open_station: Callable[..., Station]) -> Station:
    """A station that has seen clean cloth and has been taught nothing."""
    return open_station()


@pytest.fixture(scope="session")
def told() -> Callable[[RegionReport], object]:
    """Say all that a report says but how long it took, so that two can be compared."""

    def everything(report: RegionReport) -> object:
        maps = (report.novelty, report.class_map, report.error_map)
        words = report.as_dict() | {"seconds": 0}
        masks = [(each.region.box_xyxy, each.region.mask.tolist()) for each in report.regions]
        return words, masks, [each.tolist() for each in maps], report.alarm_above

    return everything


@pytest.fixture(scope="session")
def names() -> Callable[[RegionReport], list[str]]:
    """Name the classes of the regions that a report lists, sorted."""
    return lambda report: sorted(each.class_name for each in report.regions)
