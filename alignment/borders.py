"""Where exactly does a thing end whose place is known?"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

Mask = Bool[np.ndarray, "height width"]
Image = UInt8[np.ndarray, "height width 3"]

# units of CIELAB that weigh as much as the whole way to the other side of the border
_CLEAR_DIFFERENCE = 6.0


def sharpened(image: Image, mask: Mask) -> Mask:
    """Move the border of a mask to where the colour changes, by a tenth of its size at most.

    A pixel near the border goes to the side whose colour nearby it resembles; where both sides look
    alike, the border stays.
    """
    if not mask.any():
        return mask
    reach = max(2.0, 0.1 * float(np.sqrt(np.count_nonzero(mask))))
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    margin = int(3 * reach) + 1
    window = (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1),
    )
    crop = image[window].astype(np.float32) * np.float32(1 / 255)
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB)
    inside = mask[window].astype(np.uint8)
    within = cv2.distanceTransform(np.pad(inside, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    depth = within - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
    apart = [_apart(lab, (side * depth > reach).astype(np.float32), reach) for side in (1, -1)]
    evidence = np.clip((apart[1] - apart[0]) / _CLEAR_DIFFERENCE, -2, 2) + depth / reach
    sharp = mask.copy()
    sharp[window] = np.where(np.abs(depth) <= reach, evidence > 0, inside > 0)
    opened = cv2.morphologyEx(sharp[window].astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3)))
    if opened.any():
        sharp[window] = opened > 0
    return sharp


def _apart(
    lab: Float32[np.ndarray, "rows columns 3"],
    side: Float32[np.ndarray, "rows columns"],
    reach: float,
) -> Float32[np.ndarray, "rows columns"]:
    """Distance of each pixel to the mean colour of one side of the border nearby."""
    share = cv2.GaussianBlur(side, (0, 0), reach)
    mean = cv2.GaussianBlur(lab * side[..., None], (0, 0), reach)
    mean /= np.maximum(share, np.float32(1e-4))[..., None]
    distance: np.ndarray = np.sqrt(((lab - mean) ** 2).sum(axis=2))
    return np.where(share > 1e-3, distance, np.float32(0))
