"""Propagation of part classes from the references to an image that is not cut.

Every cell takes the class of its nearest reference cell, the training-free stand-in for a video
object tracker (DeAOT, Yang and Yang, 2022). Distances to the classes are interpolated between cells
before the nearest is chosen, so that borders are finer than the grid; connected regions of a class
are the parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int

from alignment.aligned import AlignedParts
from alignment.nearest_neighbours import CellOrder, Neighbours
from features.components import drop_small_parts, label_components, remove_specks
from features.config_fields import Range
from features.images import Mask


@dataclass(frozen=True)
class PropagationConfig:
    """How classes spread from the references to an image."""

    min_part: Annotated[float, Range(0, 0.1)] = 5e-4
    """Smallest part, as a share of the image; as ``segmenter.min_part``."""
    opening_px: Annotated[int, Range(1, 31)] = 3
    """Structures thinner than this are seams, not parts."""
    is_refined: bool = False
    """Whether the segmenter then sharpens the borders: SAM is prompted at every part, which costs
    its encoder for every image and is worth it on a GPU."""


def class_distance(
    found: Sequence[tuple[Neighbours, CellOrder]], n_classes: int
) -> Float32[np.ndarray, "classes queries"]:
    """Distance of each query to each class over all references; infinite for a class none shows.

    ``found`` is what each reference offers, and how its own cells are sorted by class.
    """
    n_queries = len(found[0][0].nearest)
    squared = np.full((n_classes, n_queries), np.inf, dtype=np.float32)
    for neighbours, order in found:
        for nearest, index in zip(neighbours.nearest.T, order.classes.tolist(), strict=True):
            if index >= 0:
                np.minimum(squared[index], nearest, out=squared[index])
    return np.sqrt(squared)


def propagate(
    distance: Float32[np.ndarray, "classes queries"],
    is_cell_valid: Bool[np.ndarray, "rows columns"],
    is_valid: Mask,
    is_background_class: Bool[np.ndarray, " classes"],
    config: PropagationConfig,
) -> AlignedParts:
    """Cut an image into parts along the classes its cells resemble most.

    ``distance`` is that of the valid cells, in raster order. The cost of a part is the mean
    distance of its pixels.
    """
    classes, cost = _nearest_class(distance, is_cell_valid, is_valid.shape)
    min_area_px = config.min_part * classes.size
    kept = remove_specks(classes, len(distance), config.opening_px, min_area_px)
    labels, kinds = label_components(kept, len(distance))
    labels[~is_valid] = -1
    parts = drop_small_parts(labels, is_background_class[kinds], min_area_px)
    is_shown = np.bincount(labels[labels >= 0], minlength=len(kinds)) >= max(min_area_px, 1)
    sums = np.bincount(parts.labels.ravel() + 1, cost.ravel(), len(parts) + 1)[1:]
    return AlignedParts(
        parts, kinds[is_shown], sums / np.maximum(parts.area_px, 1), is_background_class
    )


def _nearest_class(
    distance: Float32[np.ndarray, "classes queries"],
    is_cell_valid: Bool[np.ndarray, "rows columns"],
    size: tuple[int, ...],
) -> tuple[Int[np.ndarray, "height width"], Float32[np.ndarray, "height width"]]:
    """Return for each pixel the class of least interpolated distance, and that distance."""
    nearest = np.zeros(size, dtype=np.int32)
    best = np.full(size, np.inf, dtype=np.float32)
    for index, values in enumerate(distance):
        if not np.isfinite(values).any():
            continue
        cells = np.full(is_cell_valid.shape, np.float32(values.mean()))
        cells[is_cell_valid] = values
        plane = cv2.resize(cells, size[::-1], interpolation=cv2.INTER_LINEAR)
        is_nearer = plane < best
        nearest[is_nearer], best[is_nearer] = index, plane[is_nearer]
    return nearest, np.where(np.isfinite(best), best, np.float32(0))
