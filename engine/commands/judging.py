"""What does an inspector say of each image that some paths stand for?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from engine.inspector import Inspector
from engine.regions.report import RegionReport
from engine.report import Report
from features.image_files import list_images, read_image
from features.images import ImageError

if TYPE_CHECKING:
    from engine.regions.recogniser import Recogniser

BY_HAND = "set by hand"


@dataclass(frozen=True)
class Judged:
    """One image and its report, and what was said of its regions if that was asked."""

    path: Path
    image: UInt8[np.ndarray, "height width 3"]
    report: Report
    regions: RegionReport | None = None


@dataclass(frozen=True)
class Unjudged:
    """One path without a report, and why."""

    path: Path
    error: str


def find_images(paths: Iterable[Path]) -> list[Path | Unjudged]:
    """Give all image files that files and folders stand for, in order, and what stands for none."""
    found: list[Path | Unjudged] = []
    for path in paths:
        try:
            found += list_images(path)
        except ImageError as error:
            found.append(Unjudged(path, str(error)))
    return found


def sound(found: Iterable[Path | Unjudged]) -> list[Path]:
    """Give the image files among what was found."""
    return [each for each in found if isinstance(each, Path)]


def judge(
    inspector: Inspector,
    images: Sequence[Path | Unjudged],
    *,
    max_pixels: int,
    threshold: float | None = None,
    recogniser: Recogniser | None = None,
) -> Iterator[Judged | Unjudged]:
    """Judge each image when it is asked for; one that cannot be judged stops no other.

    ``threshold`` replaces the one that the inspector has learnt. With a recogniser, what was taught
    counts, too; ``report`` then leaves accepted regions out.
    """
    for each in images:
        if isinstance(each, Unjudged):
            yield each
            continue
        try:
            image = read_image(each, max_pixels=max_pixels)
            judged = _judged(each, image, inspector, recogniser)
        except ImageError as error:
            yield Unjudged(each, str(error))
            continue
        yield judged if threshold is None else _bounded(judged, threshold)


def _judged(
    path: Path,
    image: UInt8[np.ndarray, "height width 3"],
    inspector: Inspector,
    recogniser: Recogniser | None,
) -> Judged:
    if recogniser is None:
        return Judged(path, image, inspector.inspect(image))
    regions = recogniser.inspect(image)
    return Judged(path, image, replace(regions.report, seconds=regions.seconds), regions)


def _bounded(judged: Judged, threshold: float) -> Judged:
    """Replace the threshold."""

    def bounded(report: Report) -> Report:
        return replace(report, threshold=threshold, threshold_source=BY_HAND)

    regions = judged.regions
    if regions is not None:
        regions = replace(regions, report=bounded(regions.report), plain=bounded(regions.plain))
    return replace(judged, report=bounded(judged.report), regions=regions)
