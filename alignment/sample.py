"""Sample: one image, registered, described, cut into parts and aligned.

Averages of a class run over its valid pixels, all its instances together. A class without any such
pixel has no average: its row is NaN, and each score says what that is worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int

from alignment.aligned import AlignedParts
from alignment.nearest_neighbours import CellOrder, order_cells
from alignment.network_view import NetworkView
from alignment.registration import Spectrum, project_tokens
from features.dense import DenseMap
from features.images import Image, Mask, to_lab

# one unit of CIELAB: below it a/b divides by noise
RATIO_GUARD = 1.0


def pixel_mean(
    planes: Float[np.ndarray, "channels height width"] | Int[np.ndarray, "channels height width"],
    class_map: Int[np.ndarray, "height width"],
    n_classes: int,
) -> Float[np.ndarray, "classes channels"]:
    """Mean of each channel over the pixels of each class; pixels of class -1 are left out."""
    shifted = class_map.ravel() + 1
    sums = [
        np.bincount(shifted, weights=plane.ravel(), minlength=n_classes + 1)[1:] for plane in planes
    ]
    area_px = np.bincount(shifted, minlength=n_classes + 1)[1:]
    with np.errstate(invalid="ignore"):
        return np.stack(sums, axis=1) / area_px[:, None]


def token_mean(
    tokens: Float32[np.ndarray, "rows columns dim"],
    is_valid: Bool[np.ndarray, "rows columns"],
    class_map: Int[np.ndarray, "height width"],
    n_classes: int,
) -> Float[np.ndarray, "classes dim"]:
    """Mean over the pixels of each class of the token of the pixel's cell.

    Pixels, not cells, are counted: a part smaller than a cell must not come and go with its place
    on the grid.
    """
    (rows, columns), (height, width) = is_valid.shape, class_map.shape
    cell_y, cell_x = np.arange(height) * rows // height, np.arange(width) * columns // width
    n_cells = rows * columns
    flat = (class_map + 1) * n_cells + (cell_y[:, None] * columns + cell_x)
    coverage = np.bincount(flat.ravel(), minlength=(n_classes + 1) * n_cells)
    weights = coverage.reshape(-1, n_cells)[1:, is_valid.ravel()].astype(np.float32)
    with np.errstate(invalid="ignore"):
        means: np.ndarray = (weights @ tokens[is_valid]) / weights.sum(axis=1, keepdims=True)
    return means


def color_planes(
    image: Image,
) -> Float32[np.ndarray, "4 height width"]:
    """CIELAB without lightness, per pixel: a, b, chroma √(a² + b²), and the ratio a/b.

    The ratio keeps |b| at ``RATIO_GUARD`` or more, b = 0 counting as positive.
    """
    lab = to_lab(image)
    _, a, b = cv2.split(lab)
    divisor = np.where(b < 0, np.minimum(b, -RATIO_GUARD), np.maximum(b, RATIO_GUARD))
    return np.stack([a, b, cv2.magnitude(a, b), a / divisor])


@dataclass(frozen=True)
class Sample:
    """One registered image as the scores see it: pixels, descriptors, parts with their classes."""

    image: Image
    is_valid: Mask
    dense: DenseMap
    aligned: AlignedParts
    composition: Float64[np.ndarray, "vocabularies words"]
    view: NetworkView | None = None
    """What a network sees of the photograph, in profiles that have one beside the descriptors."""

    @cached_property
    def spectrum(self) -> Spectrum:
        """The descriptors, ready for registration."""
        return Spectrum(project_tokens(self.dense))

    @cached_property
    def cell_class(self) -> Int[np.ndarray, "rows columns"]:
        """Class of each cell: that of the pixel at its centre; -1 where none is known."""
        rows, columns = self.dense.is_valid.shape
        class_map = self.aligned.class_map
        y = (np.arange(rows) + 0.5) * class_map.shape[0] / rows
        x = (np.arange(columns) + 0.5) * class_map.shape[1] / columns
        return class_map[np.ix_(y.astype(int), x.astype(int))]

    @cached_property
    def is_foreground(self) -> Bool[np.ndarray, "rows columns"]:
        """Whether a cell belongs to anything but the background; unknown parts are foreground."""
        is_background = np.append(self.aligned.is_background_class, False)
        is_foreground: np.ndarray = ~is_background[self.cell_class]
        return is_foreground

    @cached_property
    def cell_order(self) -> CellOrder:
        """The valid cells, sorted by class."""
        return order_cells(self.dense.is_valid, self.cell_class)

    @cached_property
    def valid_class_map(self) -> Int[np.ndarray, "height width"]:
        """Class of every working pixel, -1 where none is known or the pixel is not valid."""
        return np.where(self.is_valid, self.aligned.class_map, -1)

    @cached_property
    def class_area_px(self) -> Int[np.ndarray, " classes"]:
        """Number of valid pixels of each class."""
        shifted = self.valid_class_map.ravel() + 1
        return np.bincount(shifted, minlength=self.aligned.n_classes + 1)[1:]

    @cached_property
    def class_token(self) -> Float[np.ndarray, "classes dim"]:
        """Mean token of each class; NaN where the image shows none of it."""
        dense, n_classes = self.dense, self.aligned.n_classes
        return token_mean(dense.tokens, dense.is_valid, self.valid_class_map, n_classes)

    @cached_property
    def class_color(self) -> Float[np.ndarray, "classes 4"]:
        """Mean CIELAB a, b, chroma and a/b of each class; NaN where the image shows none of it."""
        return pixel_mean(color_planes(self.image), self.valid_class_map, self.aligned.n_classes)

    @cached_property
    def class_centroid_yx(self) -> Float[np.ndarray, "classes 2"]:
        """Mean position of each class in working pixels; NaN where the image shows none of it."""
        indices = np.indices(self.is_valid.shape)
        return pixel_mean(indices, self.valid_class_map, self.aligned.n_classes)
