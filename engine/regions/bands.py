"""Is a rough region a straight band, and what do the colours along it have in common?

Faults of a weave run along a yarn that crosses others: half of its pixels look like sound cloth.
Averaged along the yarn they no longer do.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32

# times as long as thick
_MIN_ELONGATION = 6.0
# times as broad, overall, as thick anywhere; a thread that curls is broader
_MAX_BREADTH = 1.4
# px; some yarns of a coarse weave
_SPREAD_PX = 16.0


def band_direction(mask: Bool[np.ndarray, "height width"]) -> Float[np.ndarray, " 2"] | None:
    """Give the direction (x, y) of a straight band; None if it is none.

    Length and breadth are those of the rectangle with the region's second moments.
    """
    rows, columns = np.nonzero(mask)
    if len(rows) < 2:
        return None
    moments, axes = np.linalg.eigh(np.cov(columns, rows))
    breadth, length = np.sqrt(12 * np.maximum(moments, 0))
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)
    thickness = 2 * float(depth.max())
    is_band = length > _MIN_ELONGATION * thickness and breadth < _MAX_BREADTH * thickness
    return np.asarray(axes[:, 1]) if is_band else None


def averaged_along(
    lab: Float32[np.ndarray, "height width 3"], direction_xy: Float[np.ndarray, " 2"]
) -> Float32[np.ndarray, "height width 3"]:
    """Blur an image in one direction only."""
    x, y = direction_xy
    if abs(y) > abs(x):
        turned = averaged_along(np.ascontiguousarray(lab.transpose(1, 0, 2)), direction_xy[::-1])
        return np.ascontiguousarray(turned.transpose(1, 0, 2))
    # sheared, the band is level
    height, width = lab.shape[:2]
    shear = np.array([[1, 0, 0], [y / x, 1, -y / x * width / 2]], dtype=np.float32)
    level = cv2.warpAffine(
        lab,
        shear,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    level = cv2.GaussianBlur(level, (0, 0), sigmaX=_SPREAD_PX, sigmaY=0.3)
    averaged: np.ndarray = cv2.warpAffine(
        level, shear, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return averaged
