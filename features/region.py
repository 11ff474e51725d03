"""Region of an image file: a mask within its box, small whatever the image's size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from jaxtyping import Bool

from features.errors import UserError
from features.images import Mask

Box = tuple[int, int, int, int]

_EMPTY = "a region must have at least one pixel, got an empty mask"


class RegionError(UserError, ValueError):
    """An outline that is no example; the message is one line and names the cure."""


@dataclass(frozen=True)
class Region:
    """Some pixels of one image file, kept as their box and what of it they fill.

    ``box_xyxy`` is in pixels of the image file, right and bottom exclusive. The pixels need not be
    connected, may enclose holes, and touch all four sides of the box.
    """

    box_xyxy: Box
    mask: Bool[np.ndarray, "rows columns"]

    def __post_init__(self) -> None:
        left, top, right, bottom = self.box_xyxy
        if self.mask.shape != (bottom - top, right - left):
            raise ValueError(
                f"mask must fill the box {self.box_xyxy}, {bottom - top} rows of {right - left}, "
                f"got {self.mask.shape}; use Region.of on a mask of the whole image"
            )
        if not self.mask.any():
            raise ValueError(_EMPTY)

    @classmethod
    def of(cls, mask: Mask, offset_xy: tuple[int, int] = (0, 0)) -> Self:
        """Cut a mask to its bounding box; ``offset_xy`` is where its first pixel lies.

        Raises:
            ValueError: The mask is empty.
        """
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            raise ValueError(_EMPTY)
        top, bottom = int(rows[0]), int(rows[-1]) + 1
        left, right = int(columns[0]), int(columns[-1]) + 1
        x, y = offset_xy
        box = left + x, top + y, right + x, bottom + y
        return cls(box, np.ascontiguousarray(mask[top:bottom, left:right]))

    @cached_property
    def area_px(self) -> int:
        """Number of pixels of the image file."""
        return int(np.count_nonzero(self.mask))

    def over(self, size: tuple[int, int]) -> Mask:
        """Lay the region out over an image of this (height, width)."""
        left, top, right, bottom = self.box_xyxy
        whole = np.zeros(size, dtype=bool)
        whole[top:bottom, left:right] = self.mask
        return whole

    def iou(self, other: Region) -> float:
        """Return the share of the pixels of either that both have, 0 … 1."""
        left, top = (max(self.box_xyxy[i], other.box_xyxy[i]) for i in (0, 1))
        right, bottom = (min(self.box_xyxy[i], other.box_xyxy[i]) for i in (2, 3))
        if left >= right or top >= bottom:
            return 0.0
        mine, theirs = (
            each.mask[
                top - each.box_xyxy[1] : bottom - each.box_xyxy[1],
                left - each.box_xyxy[0] : right - each.box_xyxy[0],
            ]
            for each in (self, other)
        )
        n_both = int(np.count_nonzero(mine & theirs))
        return n_both / (self.area_px + other.area_px - n_both)
