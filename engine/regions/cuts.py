"""Which pixels do the two well-known ways of cutting a thing out find?

GrabCut (Rother, Kolmogorov and Blake, 2004) and the random walker (Grady, 2006) are there to be
compared with ``engine.regions.contrast``; they take many times as long.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import UInt8

from engine.regions.contrast import Mask, Vicinity, lab_of

_CUT_STEPS = 2
# the higher, the harder it is to walk across a border; the default of scikit-image
_RELUCTANCE = 130.0
# of the deepest pixel's depth: what lies deeper is taken to be the thing
_CORE = 0.6

Crop = UInt8[np.ndarray, "height width 3"]


def by_grabcut(crop: Crop, vicinity: Vicinity) -> Mask:
    """Cut where the colours change, with colours learnt in turns."""
    labels = np.full(crop.shape[:2], cv2.GC_PR_BGD, dtype=np.uint8)
    labels[vicinity.distance_px == 0] = cv2.GC_PR_FGD
    labels[vicinity.is_surroundings | ~vicinity.is_near] = cv2.GC_BGD
    ground, thing = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # its k-means draws
    cropped = np.ascontiguousarray(crop)
    no_box = (0, 0, 1, 1)
    cv2.grabCut(cropped, labels, no_box, ground, thing, _CUT_STEPS, cv2.GC_INIT_WITH_MASK)
    found: np.ndarray = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    return found


def by_random_walker(crop: Crop, vicinity: Vicinity) -> Mask:
    """Ask whether a walker who avoids borders first meets the region's core or its surroundings."""
    from skimage.segmentation import random_walker

    is_rough = (vicinity.distance_px == 0).astype(np.uint8)
    depth = cv2.distanceTransform(np.pad(is_rough, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    seeds = np.zeros(is_rough.shape, dtype=np.int32)
    seeds[vicinity.is_surroundings] = 2
    seeds[depth > _CORE * depth.max()] = 1
    # solved exactly: the faster "cg_j" gives up after 30 steps
    labels = random_walker(lab_of(crop), seeds, beta=_RELUCTANCE, mode="bf", channel_axis=-1)
    found: np.ndarray = labels == 1
    return found
