"""What is known of one image once it is upright, described, cut into parts and aligned?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, UInt8

from alignment.aligned import AlignedParts
from alignment.neighbours import CellOrder, order_cells
from alignment.registration import Spectrum, condensed
from engine.class_means import color_planes, pixel_mean, token_mean
from features.dense import DenseMap


@dataclass(frozen=True)
class Sample:
    """One upright image as the scores see it: pixels, descriptors, parts with their classes."""

    image: UInt8[np.ndarray, "height width 3"]
    is_valid: Bool[np.ndarray, "height width"]
    dense: DenseMap
    aligned: AlignedParts
    composition: Float64[np.ndarray, "vocabularies words"]

    @cached_property
    def spectrum(self) -> Spectrum:
        """The descriptors, ready for registration."""
        return Spectrum(condensed(self.dense))

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
