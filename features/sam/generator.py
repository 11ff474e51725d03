"""Automatic mask generator: the masks of an image, without any prompt.

Parameters, records and their order are those of ``SamAutomaticMaskGenerator`` of segment-anything;
``SamConfig.mode`` says whether the masks are exactly its masks, too.

The fast mode takes points coarse to fine, and leaves out those that the masks found so far explain.
Nearly equal masks are one thing, and a thing is established once several points were answered with
it. A point is explained if it lies in a thing, if all points asked around it were answered with
established things and nothing else, and if the image looks there as it mostly does in the smallest
thing that holds it: a little thing between the points asked so far looks different. So wherever
something new turns up, the points around it are asked, too. Of what they are answered, only masks
that may stay are drawn in the image's own pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int

from features.images import Image, check_image
from features.sam import SamConfig
from features.sam.candidates import Draft, Shape, View, ask, best_drawn, cropped, draft, exact_masks
from features.sam.masks import (
    OutputMode,
    PackedMask,
    as_output,
    without_duplicates,
    without_small_regions,
)
from features.sam.network import MaskNetwork
from features.sam.point_grid import Crop, Points, crops, lattices

# answers that establish a thing
N_ANSWERS = 3
# points asked nearest by that must have brought nothing else: those around a point of a lattice
N_AROUND = 4
# how far from a thing's median colour a place may look: in its spreads (medians of the absolute
# deviation), and what counts as spread at least, in units of CIELAB
MAX_ODDNESS = 4.0
MIN_SPREAD = 1.5


class Explained:
    """What was asked in one view so far, and which things were the answers."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._things: list[Shape] = []
        self._n_answers: list[int] = []
        self._looks: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        # of the points asked: where they are, and with which things each was answered
        self._asked_xy = np.zeros((0, 2))
        self._answers: list[set[int]] = []

    def learn(self, points_xy: Points, answers: Sequence[Sequence[Draft]]) -> None:
        """Note what was asked and found, a list of drafts for each point."""
        for drafts in answers:
            numbers = {self._number(draft.shape) for draft in drafts}
            for number in numbers:
                self._n_answers[number] += 1
            self._answers.append(numbers)
        self._asked_xy = np.concatenate([self._asked_xy, points_xy])

    def has(self, x: float, y: float) -> bool:
        """Say whether there is no need to ask at a point of the view, in pixels."""
        if not self._things:
            return False
        cell = self._cell(x, y)
        holding = [n for n, thing in enumerate(self._things) if thing.is_inside[cell]]
        if not holding or not self._is_settled(x, y):
            return False
        smallest = min(holding, key=lambda n: self._things[n].area)
        median, spread = self._look(smallest)
        return bool((np.abs(self._lab[cell] - median) <= MAX_ODDNESS * spread).all())

    def _is_settled(self, x: float, y: float) -> bool:
        """Say whether the points around were answered with established things alone."""
        distance = np.hypot(*(self._asked_xy - (x, y)).T)
        around = [self._answers[n] for n in np.argsort(distance, kind="stable")[:N_AROUND]]
        return all(
            numbers and all(self._n_answers[number] >= N_ANSWERS for number in numbers)
            for numbers in around
        )

    def _look(self, number: int) -> tuple[Float32[np.ndarray, "3"], Float32[np.ndarray, "3"]]:
        """Return the median colour of a thing, and its spread."""
        if number not in self._looks:
            inside = self._lab[self._things[number].is_inside]
            median = np.median(inside, axis=0)
            spread = np.median(np.abs(inside - median), axis=0)
            self._looks[number] = median, np.maximum(spread, np.float32(MIN_SPREAD))
        return self._looks[number]

    def _number(self, shape: Shape) -> int:
        """Find the thing that has a shape, or make it a new one."""
        for number, thing in enumerate(self._things):
            if shape.is_same(thing):
                return number
        self._things.append(shape)
        self._n_answers.append(0)
        return len(self._things) - 1

    @cached_property
    def _lab(self) -> Float32[np.ndarray, "rows columns 3"]:
        """The view at low resolution, in CIELAB."""
        rows, columns = self._things[0].is_inside.shape
        small = cv2.resize(self._view.pixels, (columns, rows), interpolation=cv2.INTER_AREA)
        lab: np.ndarray = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        return lab

    def _cell(self, x: float, y: float) -> tuple[int, int]:
        """Row and column at low resolution."""
        rows, columns = self._things[0].is_inside.shape
        height, width = self._view.embedding.image_size
        return min(int(y * rows / height), rows - 1), min(int(x * columns / width), columns - 1)


# points along a side of the first wave, at least; each further one doubles their number
N_FIRST_PER_SIDE = 16


def _fast_masks(
    network: MaskNetwork, view: View, points_xy: Points, config: SamConfig
) -> list[PackedMask]:
    """Ask where something new is to be expected; good masks without duplicates, best first."""
    explained = Explained(view)
    drafts: list[Draft] = []
    for wave in waves(points_xy, view.embedding.image_size):
        is_new = [not explained.has(*xy) for xy in points_xy[wave].tolist()]
        asked_xy = points_xy[wave][np.array(is_new, dtype=bool)]
        answers = ask(network, view, asked_xy, config, lambda each: draft(each, view, config))
        explained.learn(asked_xy, answers)
        drafts += chain.from_iterable(answers)
    return best_drawn(drafts, view, config)


def waves(points_xy: Points, size: tuple[int, int]) -> list[Int[np.ndarray, "_"]]:
    """Sort points of a view of (height, width) into waves, each in the gaps of those before it.

    Of a lattice of 64 × 64, say, those are 16 × 16, the middles between them, the rest of 32 × 32,
    and so on. Points of another grid go where they would be in a lattice of as many.
    """
    n_per_side = max(1, math.ceil(math.sqrt(len(points_xy))))
    height, width = size
    place = np.floor(points_xy / (width, height) * n_per_side).astype(np.int64)
    step = max(1, 2 ** math.floor(math.log2(n_per_side / N_FIRST_PER_SIDE)))
    place -= step // 2
    kinds = [(step, 0)]
    while step > 1:
        half = step // 2
        kinds += [(step, half), (half, 0)]
        step = half
    found = []
    is_left = np.ones(len(points_xy), dtype=bool)
    for step, rest in kinds:
        is_in = is_left & (place % step == rest).all(axis=1)
        is_left &= ~is_in
        found.append(np.flatnonzero(is_in))
    return found


Grid = Float[np.ndarray, "_ 2"]

_MASKS = {"exact": exact_masks, "fast": _fast_masks}


class MaskGenerator:
    """Asks the network all over the image, and drops masks that are poor or found twice.

    ``point_grids`` replaces the lattices of ``config.points_per_side``: one array of (x, y) in
    0 … 1 for each layer of crops.

    Raises:
        ValueError: There are fewer grids than layers.
    """

    def __init__(
        self,
        network: MaskNetwork,
        config: SamConfig | None = None,
        *,
        point_grids: Sequence[Grid] | None = None,
    ) -> None:
        self.network = network
        self.config = config or SamConfig()
        self.point_grids = lattices(self.config) if point_grids is None else list(point_grids)
        n_layers = self.config.crop_n_layers + 1
        if len(self.point_grids) < n_layers:
            raise ValueError(
                f"point_grids must have one grid for the image and each layer of crops, "
                f"{n_layers} in all, got {len(self.point_grids)}"
            )

    def __call__(self, image: Image) -> list[PackedMask]:
        """Find the masks of one RGB image, best first (masks of small crops before others).

        Raises:
            ImageError: The array is no image.
        """
        config = self.config
        height, width, _ = check_image(image).shape
        pieces = crops((height, width), config.crop_n_layers, config.crop_overlap_ratio)
        found = [(mask, crop) for crop in pieces for mask in self._in_crop(image, crop)]
        masks = [mask for mask, _ in found]
        if len(pieces) > 1:
            scores = [1 / crop.area_px for _, crop in found]
            masks = without_duplicates(masks, scores, config.crop_nms_thresh)
        if config.min_mask_region_area > 0:
            overlap = max(config.box_nms_thresh, config.crop_nms_thresh)
            masks = without_small_regions(masks, config.min_mask_region_area, overlap)
        return masks

    def records(
        self,
        image: Image,
        output_mode: OutputMode = "binary_mask",
    ) -> list[dict[str, Any]]:
        """Find masks and describe each as the reference does; boxes are x, y, width, height.

        Raises:
            ImageError: The array is no image.
        """
        return [_as_record(mask, output_mode) for mask in self(image)]

    def _in_crop(self, image: Image, crop: Crop) -> list[PackedMask]:
        view = View(image, crop, self.network.embed(cropped(image, crop)))
        height, width = view.embedding.image_size
        points_xy = self.point_grids[crop.layer] * (width, height)
        return _MASKS[self.config.mode](self.network, view, points_xy, self.config)


def _as_record(mask: PackedMask, output_mode: OutputMode = "binary_mask") -> dict[str, Any]:
    """Describe a mask under the names of the reference."""
    return {
        "segmentation": as_output(mask.pixels(), output_mode),
        "area": mask.area_px,
        "bbox": _xywh(mask.box_xyxy),
        "predicted_iou": mask.predicted_iou,
        "point_coords": [list(mask.point_xy)],
        "stability_score": mask.stability,
        "crop_box": _xywh(mask.crop_xyxy),
    }


def _xywh(box_xyxy: tuple[int, int, int, int]) -> list[int]:
    left, top, right, bottom = box_xyxy
    return [left, top, right - left, bottom - top]
