"""Connected components of a label map: cleaned, numbered, and turned into parts.

Shared by whatever names each pixel first and cuts afterwards: specks and seams go to the nearest
larger region, each connected component of a label gets a number, and what lies outside the
photograph or is too small is left out.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Int, Integer

from features.parts import Parts

NO_LABEL = -1


def remove_specks(
    raw: Integer[np.ndarray, "height width"], n_labels: int, opening_px: int, min_area_px: float
) -> Int[np.ndarray, "height width"]:
    """Give pixels of thin or tiny regions the label of the nearest larger region."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (opening_px, opening_px))
    kept = np.full(raw.shape, NO_LABEL, dtype=np.int32)
    for label in range(n_labels):
        opened = cv2.morphologyEx((raw == label).astype(np.uint8), cv2.MORPH_OPEN, kernel)
        _, regions, statistics, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
        is_large = statistics[:, cv2.CC_STAT_AREA] >= min_area_px
        is_large[0] = False
        kept[is_large[regions]] = label
    is_missing = kept == NO_LABEL
    if is_missing.all():
        return np.zeros_like(kept)
    if is_missing.any():
        _, nearest = cv2.distanceTransformWithLabels(
            is_missing.astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
        )
        label_of = np.zeros(int(nearest.max()) + 1, dtype=np.int32)
        label_of[nearest[~is_missing]] = kept[~is_missing]
        kept = label_of[nearest]
    return kept


def label_components(
    label_map: Integer[np.ndarray, "height width"], n_labels: int
) -> tuple[Int[np.ndarray, "height width"], Int[np.ndarray, " parts"]]:
    """Number the connected components of each label; return the map and each part's label."""
    labels = np.full(label_map.shape, -1, dtype=np.int32)
    label_of_part: list[int] = []
    for label in range(n_labels):
        n_regions, regions = cv2.connectedComponents(
            (label_map == label).astype(np.uint8), connectivity=4
        )
        is_region = regions > 0
        labels[is_region] = regions[is_region] - 1 + len(label_of_part)
        label_of_part += [label] * (n_regions - 1)
    return labels, np.array(label_of_part, dtype=np.int64)


def drop_small_parts(
    labels: Int[np.ndarray, "height width"],
    is_background: Bool[np.ndarray, " parts"],
    min_area_px: float,
) -> Parts:
    """Leave out parts of which too little lies in the photograph; their pixels get -1."""
    area_px = np.bincount(labels[labels >= 0], minlength=len(is_background))
    is_kept = area_px >= max(min_area_px, 1)
    number = np.append(np.where(is_kept, np.cumsum(is_kept) - 1, -1), -1)
    return Parts(number[labels], is_background[is_kept])
