"""Parts of an image: a label map, and the interfaces of what cuts it.

A part is one region of the image. Every working pixel belongs to at most one part; the background
may consist of several parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, Self, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

from features.dense import DenseMap
from features.images import Image, Mask


@dataclass(frozen=True)
class Parts:
    """A label map and what is known of each part; pixel value -1 belongs to no part."""

    labels: Int[np.ndarray, "height width"]
    is_background: Bool[np.ndarray, " parts"]

    def __post_init__(self) -> None:
        top = int(self.labels.max(initial=-1))
        if top >= len(self.is_background) or self.labels.min(initial=-1) < -1:
            raise ValueError(
                f"labels must lie in -1 … {len(self.is_background) - 1}, got up to {top}; "
                "is_background needs one entry per part"
            )

    def __len__(self) -> int:
        return len(self.is_background)

    def resized(self, size: tuple[int, int]) -> Parts:
        """Return the same parts of the image in another (height, width).

        Parts that get lost because they are too small for it are left out.
        """
        if self.labels.shape == size:
            return self
        labels = cv2.resize(
            self.labels.astype(np.float32), size[::-1], interpolation=cv2.INTER_NEAREST
        ).astype(np.int32)
        is_kept = np.bincount(labels[labels >= 0], minlength=len(self)) > 0
        number = np.append(np.where(is_kept, np.cumsum(is_kept) - 1, -1), -1)
        return Parts(number[labels], self.is_background[is_kept])

    @cached_property
    def area_px(self) -> Int[np.ndarray, " parts"]:
        """Number of working pixels of each part."""
        area_px: np.ndarray = np.bincount(self.labels.ravel() + 1, minlength=len(self) + 1)[1:]
        return area_px

    @cached_property
    def centroid_yx(self) -> Float[np.ndarray, "parts 2"]:
        """Mean pixel position of each part, in working pixels; NaN for an empty part."""
        rows, columns = np.indices(self.labels.shape)
        flat = self.labels.ravel() + 1
        sums = [
            np.bincount(flat, weights=axis.ravel(), minlength=len(self) + 1)[1:]
            for axis in (rows, columns)
        ]
        with np.errstate(invalid="ignore", divide="ignore"):
            centroid_yx: np.ndarray = np.stack(sums, axis=1) / self.area_px[:, None]
        return centroid_yx

    @cached_property
    def box_xyxy(self) -> Int[np.ndarray, "parts 4"]:
        """Bounding box of each part in working pixels, right and bottom exclusive."""
        boxes = np.zeros((len(self), 4), dtype=np.int64)
        for part in range(len(self)):
            rows, columns = np.nonzero(self.labels == part)
            if len(rows):
                boxes[part] = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        return boxes


@runtime_checkable
class ImagePrompter(Protocol):
    """Answers which region of one image is meant; the image is encoded when it is first asked."""

    def at_point(self, point_xy: tuple[float, float]) -> Mask:
        """Return the pixels of what lies at a place; none where nothing is found."""

    def from_mask(self, rough: Mask) -> Mask:
        """Return the pixels of what was roughly painted over; none where nothing is found."""


@runtime_checkable
class PromptableSegmenter(Protocol):
    """A segmenter that can also be asked for one region of an image."""

    def prompter(self, image: Image) -> ImagePrompter:
        """Return what answers about this image."""


@runtime_checkable
class Segmenter(Protocol):
    """Cuts a working image into parts. ``fit`` may agree on clusters over all references."""

    def fit(
        self,
        images: Sequence[Image],
        is_valid: Sequence[Mask],
    ) -> Self:
        """Learn what must be learnt from the references; returns itself."""

    def __call__(self, image: Image, dense: DenseMap) -> Parts:
        """Cut one RGB image into parts."""

    def refine(self, image: Image, parts: Parts) -> Parts:
        """Sharpen the borders of parts that were found by other means; their numbers stay."""

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays that ``fit`` learnt, to be stored in a model file."""

    def restore(self, state: dict[str, np.ndarray]) -> Self:
        """Take what ``state`` returned instead of fitting; returns itself."""

    def identity(self) -> dict[str, str]:
        """Name what must be the same for fitting and judging: weights, their hash, sizes."""
