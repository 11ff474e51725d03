"""Coordinate frames of an examined image, and the maps of its regions.

Three frames: the image file; the *picture*, the same photograph in the size in which regions are
outlined (the file's own unless that is very large); and the *registered* working image of the
scores.

The maps lie on the registered working image: which class the cells of each region say they are, and
how much the scales disagree about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from alignment.transforms import compose, invert, rescale
from engine.regions.report import FoundRegion
from engine.regions.token_classifier import agreed, disagreement
from engine.regions.tokens import RegionTokens
from engine.report import Examination
from features.images import AnyMask, Image, Mask, resize
from features.region import Box, Region

Affine = Float[np.ndarray, "2 3"]

# in a class map: nothing new, and new but of no class
NOTHING, NO_CLASS = -2, -1


@dataclass(frozen=True)
class Frames:
    """The frames of one examined image."""

    examination: Examination
    photo_area_px: int

    @cached_property
    def picture(self) -> Image:
        """The photograph in the size in which regions are outlined."""
        image = self.examination.image
        height, width = image.shape[:2]
        factor = min(1.0, (self.photo_area_px / (height * width)) ** 0.5)
        size = max(16, round(height * factor)), max(16, round(width * factor))
        return image if factor == 1.0 else resize(image, size)

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return self.picture.shape[0], self.picture.shape[1]

    @cached_property
    def registered_to_picture(self) -> Affine:
        """From registered working pixels (x, y) to pixels of the picture."""
        to_picture = rescale(self.examination.image_size, self.picture_size)
        return compose(to_picture, self.examination.to_image)

    @cached_property
    def image_to_cells(self) -> Affine:
        """From pixels of the image file (x, y) to (column, row) of the cells."""
        sample = self.examination.sample
        size, grid = sample.is_valid.shape, sample.dense.is_valid.shape
        to_cells = rescale((size[0], size[1]), (grid[0], grid[1]))
        return compose(to_cells, invert(self.examination.to_image))

    def cell_centers(
        self, cells: Int[np.ndarray, " cells"]
    ) -> tuple[Int[np.ndarray, " cells"], Int[np.ndarray, " cells"]]:
        """Return the pixels (x, y) of the picture at the centres of cells."""
        row, column = np.divmod(cells, self.examination.sample.dense.is_valid.shape[1])
        to_picture = rescale(self.examination.image_size, self.picture_size)
        x, y, one = compose(to_picture, invert(self.image_to_cells)).T
        centers = column[:, None] * x + row[:, None] * y + one
        rounded = np.rint(centers).astype(np.int64)
        return rounded[:, 0], rounded[:, 1]

    def on_picture(
        self, planes: Float32[np.ndarray, "height width"], box_xyxy: Box
    ) -> Float32[np.ndarray, "rows columns"]:
        """Return what a map of registered working pixels says over a box of the picture."""
        left, top, right, bottom = box_xyxy
        to_box = self.registered_to_picture - np.array([[0, 0, left], [0, 0, top]])
        moved: np.ndarray = cv2.warpAffine(planes, to_box, (right - left, bottom - top))
        return moved

    def region_on_picture(self, region: Region) -> Region | None:
        """Move a region of registered working pixels onto the picture; None if it misses that."""
        left, top, right, bottom = region.box_xyxy
        corners = np.array([[x, y, 1] for x in (left - 1, right) for y in (top - 1, bottom)])
        moved = corners @ self.registered_to_picture.T
        height, width = self.picture_size
        x0, y0 = np.clip(np.floor(moved.min(axis=0)), 0, (width, height)).astype(int).tolist()
        x1, y1 = np.clip(np.ceil(moved.max(axis=0)) + 1, 0, (width, height)).astype(int).tolist()
        if x0 >= x1 or y0 >= y1:
            return None
        of_region = np.array([[1.0, 0.0, left], [0.0, 1.0, top]])
        to_box = compose(self.registered_to_picture, of_region) - np.array([[0, 0, x0], [0, 0, y0]])
        share = _moved(region.mask, to_box, (y1 - y0, x1 - x0))
        return Region.of(_mostly(share), (x0, y0)) if share.any() else None

    def in_image(self, region: Region) -> Region:
        """Enlarge a region of the picture to the image file."""
        return scaled(region, self.picture_size, self.examination.image_size)

    def in_picture(self, region: Region) -> Region:
        """Reduce a region of the image file to the picture; a thin one keeps a pixel."""
        return scaled(region, self.examination.image_size, self.picture_size)

    def hidden(self, regions: list[Region], margin_px: int) -> Mask:
        """Mark regions of the image file, with a margin, on the registered working image."""
        height, width = self.examination.sample.is_valid.shape
        mask = np.zeros(self.picture_size, dtype=np.float32)
        for region in regions:
            small = self.in_picture(region)
            left, top, right, bottom = small.box_xyxy
            mask[top:bottom, left:right][small.mask] = 1
        # a registered pixel reaches over a box of picture pixels, any of which hides it
        to_registered = invert(self.registered_to_picture)
        reach = np.ceil(np.abs(self.registered_to_picture[:, :2]).sum(axis=1) / 2).astype(int)
        across, down = (2 * reach + 1).tolist()
        wide = cv2.dilate(mask, np.ones((down, across), np.uint8))
        moved = cv2.warpAffine(wide, to_registered, (width, height)) > 0
        size = 2 * margin_px + 1
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        return np.asarray(cv2.dilate(moved.astype(np.uint8), disc) > 0)


def scaled(region: Region, source: tuple[int, int], target: tuple[int, int]) -> Region:
    """Bring a region of an image of one (height, width) to another; it never gets empty."""
    if source == target:
        return region
    grown = max(source[0], target[0]), max(source[1], target[1])
    if grown not in (source, target):
        return scaled(scaled(region, source, grown), grown, target)
    left, top, right, bottom = region.box_xyxy
    y_scale, x_scale = target[0] / source[0], target[1] / source[1]
    x0, y0 = int(left * x_scale), int(top * y_scale)
    x1 = min(target[1], max(x0 + 1, int(np.ceil(right * x_scale))))
    y1 = min(target[0], max(y0 + 1, int(np.ceil(bottom * y_scale))))
    to_target = np.array(
        [
            [x_scale, 0, (left + 0.5) * x_scale - 0.5 - x0],
            [0, y_scale, (top + 0.5) * y_scale - 0.5 - y0],
        ]
    )
    if grown == target:
        share = cv2.warpAffine(region.mask.astype(np.float32), to_target, (x1 - x0, y1 - y0))
    else:
        share = _averaged(region, source, target, (x0, y0, x1, y1))
    return Region.of(_mostly(share), (x0, y0))


def _mostly(share: Float32[np.ndarray, "rows columns"]) -> Bool[np.ndarray, "rows columns"]:
    """Tell the pixels of a region: half of each belongs to it, or half of the most that any has."""
    return share >= min(0.5, 0.5 * float(share.max()))


def _moved(
    mask: AnyMask, transform: Affine, size: tuple[int, int]
) -> Float32[np.ndarray, "rows columns"]:
    """Return the share of each pixel of an image of this (height, width) that a mask covers."""
    # sample often enough to meet each pixel of the mask
    often = max(1, round(float(np.linalg.norm(np.linalg.inv(transform[:, :2]), 2))))
    fine = size[0] * often, size[1] * often
    dense = cv2.warpAffine(
        mask.astype(np.float32), compose(rescale(size, fine), transform), fine[::-1]
    )
    share: np.ndarray = cv2.resize(dense, size[::-1], interpolation=cv2.INTER_AREA)
    return share


def _averaged(
    region: Region, source: tuple[int, int], target: tuple[int, int], box_xyxy: Box
) -> Float32[np.ndarray, "rows columns"]:
    """Return the share of each target pixel of a box that a region covers."""
    left, top, _, _ = region.box_xyxy
    x0, y0, x1, y1 = box_xyxy
    rows, columns = np.nonzero(region.mask)
    x = ((columns + left + 0.5) * target[1] / source[1]).astype(np.int64) - x0
    y = ((rows + top + 0.5) * target[0] / source[0]).astype(np.int64) - y0
    x, y = np.clip(x, 0, x1 - x0 - 1), np.clip(y, 0, y1 - y0 - 1)
    counts = np.bincount(y * (x1 - x0) + x, minlength=(y1 - y0) * (x1 - x0))
    pixel = source[0] * source[1] / (target[0] * target[1])
    return (counts.reshape(y1 - y0, x1 - x0) / pixel).astype(np.float32)


def draw_maps(
    frames: Frames,
    found: Sequence[FoundRegion],
    tokens: Sequence[RegionTokens],
    votes: Float[np.ndarray, "scales cells labels"],
) -> tuple[Int[np.ndarray, "height width"], Float[np.ndarray, "height width"]]:
    """Return the class and the error of each pixel, on the registered working image.

    ``votes`` are those of the cells of all regions in their order.
    """
    sample = frames.examination.sample
    size, grid = sample.is_valid.shape, sample.dense.is_valid.shape
    labels, errors = agreed(votes).argmax(axis=1), disagreement(votes)
    labels = np.where(labels == votes.shape[2] - 1, NO_CLASS, labels)
    class_map = np.full(size, NOTHING, dtype=np.int64)
    error_map = np.zeros(size)
    row_of = (np.arange(size[0]) * grid[0]) // size[0]
    column_of = (np.arange(size[1]) * grid[1]) // size[1]
    first = 0
    for each, own in zip(found, tokens, strict=True):
        mask = frames.hidden([each.region], 0)
        of_cell = np.full(grid[0] * grid[1], -1)
        of_cell[own.cells] = np.arange(first, first + len(own.cells))
        first += len(own.cells)
        cell = of_cell.reshape(grid)[np.ix_(row_of, column_of)]
        # pixels of cells that hardly belong to the region go with the region itself
        class_map[mask] = np.where(cell >= 0, np.append(labels, -1)[cell], each.class_index)[mask]
        error_map[mask] = np.where(cell >= 0, np.append(errors, 0)[cell], 0)[mask]
    return class_map, error_map
