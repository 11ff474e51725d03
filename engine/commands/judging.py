"""What does an inspector say of each image that some paths stand for?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from engine.inspector import Inspector
from engine.report import Report
from features.files import list_images, read_image
from features.pixels import ImageError

BY_HAND = "set by hand"


@dataclass(frozen=True)
class Judged:
    """One image and its report."""

    path: Path
    image: UInt8[np.ndarray, "height width 3"]
    report: Report


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
) -> Iterator[Judged | Unjudged]:
    """Judge each image when it is asked for; one that cannot be judged stops no other.

    ``threshold`` replaces the one that the inspector has learnt.
    """
    for each in images:
        if isinstance(each, Unjudged):
            yield each
            continue
        try:
            image = read_image(each, max_pixels=max_pixels)
            report = inspector.inspect(image)
        except ImageError as error:
            yield Unjudged(each, str(error))
            continue
        if threshold is not None:
            report = replace(report, threshold=threshold, threshold_source=BY_HAND)
        yield Judged(each, image, report)
