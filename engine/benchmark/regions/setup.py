"""Teaching session of the benchmark: an inspector and an empty library."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import UInt8

from engine.inspector import Inspector
from engine.library import Library
from engine.library.records import Kind
from engine.regions.recogniser import Recogniser
from engine.regions.report import RegionReport
from engine.regions.teaching import Outlined, teach
from engine.report import Examination
from engine.synthetic.cloth import ClothPhoto
from features.temporary_files import temporary_folder


@dataclass(frozen=True)
class ExaminedPhoto:
    """A photograph with what is on it, examined once."""

    photo: ClothPhoto
    examination: Examination


class TeachingSession:
    """Judges photographs; starts with nothing taught, and forgets when left."""

    def __init__(self, inspector: Inspector) -> None:
        self.inspector = inspector
        self._resources = ExitStack()
        folder = self._resources.enter_context(temporary_folder())
        self.library = Library(folder / "regions.db", author="bench")
        self.recogniser = Recogniser(inspector, self.library)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.library.close()
        self._resources.close()

    def teach(self, shot: ExaminedPhoto, item: str, class_name: str, kind: Kind) -> None:
        """Outline the first thing of a name exactly, and say what it is."""
        region = next(each.region for each in shot.photo.items if each.name == item)
        outlined = Outlined(region, item)
        teach(self.recogniser, shot.examination, outlined, class_name, kind, is_forced=True)

    def judge(self, shots: Iterable[ExaminedPhoto]) -> list[RegionReport]:
        """Judge photographs by what has been taught so far."""
        return [self.recogniser.judge(shot.examination) for shot in shots]


def examine_all(inspector: Inspector, photos: Sequence[ClothPhoto]) -> list[ExaminedPhoto]:
    """Examine photographs."""
    return [ExaminedPhoto(photo, inspector.examine(photo.image)) for photo in photos]


def mask_of(report: RegionReport, class_names: Sequence[str]) -> UInt8[np.ndarray, "height width"]:
    """Number the class of each pixel of the image file from 1 on; 0 where it is none of these."""
    mask = np.zeros(report.report.image_size, dtype=np.uint8)
    for each in sorted(report.regions, key=lambda each: -each.region.area_px):
        if each.class_name in class_names:
            left, top, right, bottom = each.region.box_xyxy
            number = class_names.index(each.class_name) + 1
            mask[top:bottom, left:right][each.region.mask] = number
    return mask
