"""Where does one thing end and the next begin, if they touch?

Each seed floods its surroundings, smooth ones first, until the floods meet, which is on the border
that the photograph shows between them (watershed: Beucher and Lantuéjoul, 1979).
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Int, UInt8

from engine.regions.contrast import lab_of
from features.region import Region

# px; noise of the camera must not stop a flood
_BLUR_PX = 0.7


def split(
    image: UInt8[np.ndarray, "height width 3"],
    region: Region,
    seeds: Int[np.ndarray, "rows columns"],
) -> list[Region | None]:
    """Divide a region between its labels 1 … n; None for a label that gets no pixel.

    ``seeds`` lies over the region's box, 0 where nothing is known; those beside the region do not
    count. Each pixel of the region goes to one label, so that holes stay holes; pieces without a
    seed go to the nearest one. Without any seed all are None.

    Raises:
        ValueError: ``seeds`` has another size than the box.
    """
    from skimage.segmentation import watershed

    if seeds.shape != region.mask.shape:
        raise ValueError(
            f"seeds must lie over the region's box, {region.mask.shape} rows and columns, "
            f"got {seeds.shape}; cut them out with its box_xyxy"
        )
    left, top, right, bottom = region.box_xyxy
    n_labels = max(0, int(seeds.max()))
    known = np.where(region.mask, np.maximum(seeds, 0), 0).astype(np.int32)
    if not known.any():
        return [None] * n_labels
    lab = cv2.GaussianBlur(lab_of(image[top:bottom, left:right]), (0, 0), _BLUR_PX)
    steps = [cv2.Sobel(lab, cv2.CV_32F, *axis) for axis in ((1, 0), (0, 1))]
    steepness = np.sqrt(sum(np.square(step).sum(axis=2) for step in steps))
    flood: Callable[..., np.ndarray] = watershed  # it has no types
    labels = flood(steepness, known, mask=region.mask)
    labels = np.where(labels > 0, labels, _nearest(known))
    masks = [region.mask & (labels == label) for label in range(1, n_labels + 1)]
    return [Region.of(mask, (left, top)) if mask.any() else None for mask in masks]


def _nearest(known: Int[np.ndarray, "rows columns"]) -> Int[np.ndarray, "rows columns"]:
    """Give each pixel the label of the nearest seed."""
    _, places = cv2.distanceTransformWithLabels(
        (known == 0).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    label_of = np.zeros(int(places.max()) + 1, dtype=known.dtype)
    label_of[places[known > 0]] = known[known > 0]
    nearest: np.ndarray = label_of[places]
    return nearest
