"""Judgement of the boxes of a photograph by what has been taught so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from engine.benchmark.regions.labels import BoxedPhoto, LabelledBox
from engine.regions.frames import Frames
from engine.regions.recogniser import Recogniser
from engine.regions.report import RegionReport
from engine.regions.teaching import Outlined, exact, teach
from engine.regions.token_classifier import agreed, token_shares
from engine.regions.tokens import RegionTokens, describe_regions
from engine.report import Examination
from features.image_files import read_image
from features.region import Box, Region

# a proposed region is about a box if their boxes overlap by this IoU, or if most of its pixels lie
# within, where they reach over a fair part of the box
LEAST_OVERLAP, MOSTLY, FAIR_PART = 0.25, 0.5, 0.1
# what was found in a box is its thing if it reaches over this share of the box
LEAST_REACH = 0.5

Shares = Float[np.ndarray, "boxes classes"]


@dataclass(frozen=True)
class DescribedPhoto:
    """A photograph to be judged, examined and described once."""

    photo: BoxedPhoto
    examination: Examination
    boxes: tuple[Region, ...]
    tokens: tuple[RegionTokens, ...]
    views: Float32[np.ndarray, "boxes views dim"]


@dataclass(frozen=True)
class BoxVerdict:
    """What is said of each box of a photograph.

    ``shares`` are probabilities of the classes given the box, ``plain_shares`` those of step 1
    alone; ``named`` are names of found regions, None for a box that was not found.
    """

    shares: Shares
    plain_shares: Shares
    same_above: float
    named: tuple[str | None, ...]
    n_false: int


class Teacher:
    """Teaches what is in boxes, and judges others by what has been taught."""

    def __init__(self, recogniser: Recogniser, class_names: Sequence[str]) -> None:
        self.recogniser, self.class_names = recogniser, tuple(class_names)

    def teach(self, photo: BoxedPhoto, box: LabelledBox) -> None:
        """Teach what is in a box as an example of its class."""
        examination = self.recogniser.inspector.examine(read_image(photo.path))
        region = self.region_in_box(examination, box.region(examination.image_size))
        outlined = Outlined(region, photo.path.name)
        name = self.class_names[box.class_index]
        teach(self.recogniser, examination, outlined, name, "defect", is_forced=True)

    def subject(self, photo: BoxedPhoto) -> DescribedPhoto:
        """Examine a photograph, and describe what is in its boxes."""
        examination = self.recogniser.inspector.examine(read_image(photo.path))
        frames = Frames(examination, self.recogniser.config.photo_area_px)
        boxes = tuple(box.region(examination.image_size) for box in photo.boxes)
        regions = [self.region_in_box(examination, box) for box in boxes]
        dense = examination.sample.dense
        tokens = tuple(describe_regions(dense, regions, frames.image_to_cells))
        views = self.recogniser.embedder.describe(examination.image, regions)
        return DescribedPhoto(photo, examination, boxes, tokens, views)

    def region_in_box(self, examination: Examination, box: Region) -> Region:
        """Find the pixels of the thing in a box; all of the box where that is not plausible."""
        frames = Frames(examination, self.recogniser.config.photo_area_px)
        found = exact(self.recogniser, frames, Outlined(box, is_rough=True))
        inside = found.over(examination.image_size) & box.over(examination.image_size)
        if not inside.any():
            return box
        found = Region.of(inside)
        return found if box_iou(found.box_xyxy, box.box_xyxy) >= LEAST_REACH else box

    def judge(self, subject: DescribedPhoto) -> BoxVerdict:
        """Name what is in the boxes, and find it without them."""
        report = self.recogniser.judge(subject.examination)
        named = tuple(_name_of(report, box) for box in subject.boxes)
        n_false = sum(
            not any(is_about(found.region, box) for box in subject.boxes)
            for found in report.regions
        )
        full, plain = self._shares(subject)
        return BoxVerdict(full, plain, self.recogniser.config.same_above, named, n_false)

    def _shares(self, subject: DescribedPhoto) -> tuple[Shares, Shares]:
        """Return what all steps say of each box, and what the first one says."""
        evidence = self.recogniser.evidence(subject.tokens, subject.views, self.recogniser.bank)
        finest = agreed(evidence.votes[:1])
        plain = token_shares(finest, evidence.region_of_cell, len(subject.tokens))
        order = self._columns
        return evidence.probabilities[:, order], plain[:, order]

    @property
    def _columns(self) -> list[int]:
        """Place of each class of the set among those of the library."""
        known = [each.name for each in self.recogniser.bank.classes]
        return [known.index(name) for name in self.class_names]


def _name_of(report: RegionReport, box: Region) -> str | None:
    """Return the class of the region that covers most of a box; None if none is about it."""
    about = [each for each in report.regions if is_about(each.region, box)]
    if not about:
        return None
    return max(about, key=lambda each: _pixels_within(each.region, box)).class_name


def is_about(region: Region, box: Region) -> bool:
    """Tell whether a proposed region is what a box was drawn around, or a fair part of it."""
    if box_iou(region.box_xyxy, box.box_xyxy) >= LEAST_OVERLAP:
        return True
    is_mostly_in = _pixels_within(region, box) >= MOSTLY * region.area_px
    return is_mostly_in and _both_px(region.box_xyxy, box.box_xyxy) >= FAIR_PART * box.area_px


def box_iou(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes, 0 … 1."""
    both = _both_px(one, other)
    return both / (_area_px(one) + _area_px(other) - both)


def _pixels_within(region: Region, box: Region) -> int:
    left, top, right, bottom = box.box_xyxy
    x, y = region.box_xyxy[:2]
    rows, columns = slice(max(0, top - y), max(0, bottom - y)), slice(max(0, left - x), None)
    return int(np.count_nonzero(region.mask[rows, columns][:, : max(0, right - max(left, x))]))


def _both_px(one: Box, other: Box) -> int:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0, width) * max(0, height)


def _area_px(box_xyxy: Box) -> int:
    return (box_xyxy[2] - box_xyxy[0]) * (box_xyxy[3] - box_xyxy[1])
