"""Segmentation of a thing that is only roughly known: its exact pixels.

Only a context is looked at: the rough region and a margin, of which the outer part shows what the
thing lies on. A result that cannot be the thing (nothing, everything, elsewhere) is not taken.

GrabCut (Rother, Kolmogorov and Blake, 2004) and the random walker (Grady, 2006) are there to be
compared with ``engine.regions.color_contrast``; they take many times as long.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Float32

from engine.regions.color_contrast import NOISE, Vicinity, by_contrast
from engine.regions.lines import averaged_along, band_direction
from engine.regions.splitting import split
from engine.regions_config import SegmentationConfig
from features.images import Image, Mask, to_lab
from features.region import Box, Region

__all__ = ["Prompt", "SegmentationConfig", "context_box", "refine", "split"]

_CUT_STEPS = 2
# the higher, the harder it is to walk across a border; the default of scikit-image
_RELUCTANCE = 130.0
# of the deepest pixel's depth: what lies deeper is taken to be the thing
_CORE = 0.6

Crop = Image

Prompt = Callable[[Mask], Mask]

# of the rough region's area; a fleck in a cell of 16 px, and a region that missed most of a thing
_MIN_SHARE, _MAX_SHARE = 0.01, 4.0
# of the rough region, among what lies deeper in it than twice the reach; who leaves out more has
# found a part of the thing, the rest of which looks like its surroundings
_MAX_MISSED = 0.1
# of the context; what fills it is the ground
_MAX_FILL = 0.8
# a component is at least this, and this share of the largest one
_LEAST_PX, _LEAST_SHARE = 6, 0.03
# fewer do not tell what the thing lies on
_LEAST_SURROUNDINGS_PX = 50
# of a thing in its largest component
_WHOLE = 0.8
# of a component within the rough region; what merely touches it is another thing
_MIN_INSIDE = 0.3


def context_box(rough: Region, image_size: tuple[int, int], config: SegmentationConfig) -> Box:
    """Give the pixels that are looked at: the region's box and a margin, in the image."""
    left, top, right, bottom = rough.box_xyxy
    height, width = image_size
    margin = config.margin_px
    return (
        max(0, left - margin),
        max(0, top - margin),
        min(width, right + margin),
        min(height, bottom + margin),
    )


def refine(
    image: Image,
    rough: Region,
    novelty: Float32[np.ndarray, "rows columns"] | None = None,
    config: SegmentationConfig | None = None,
    *,
    prompt: Prompt | None = None,
) -> Region:
    """Find the thing's own pixels; the rough region itself where nothing plausible is found.

    ``novelty`` lies over ``context_box``; where it exceeds 1, pixels outside of the rough region
    are no surroundings to learn from. ``prompt`` answers a painted mask of the image with a better
    one (``lambda mask: prompter.by_mask(mask).best.mask``), and is asked instead of the method.

    Raises:
        ValueError: ``novelty`` has another size.
    """
    config = config or SegmentationConfig()
    left, top, right, bottom = context_box(rough, image.shape[:2], config)
    window = np.s_[top:bottom, left:right]
    inside = rough.over(image.shape[:2])[window]
    if novelty is not None and novelty.shape != inside.shape:
        raise ValueError(
            f"novelty must lie over context_box, {inside.shape} rows and columns, "
            f"got {novelty.shape}; cut it out with context_box"
        )
    if prompt is None and config.method == "rough":
        return rough
    if prompt is not None:
        found = prompt(rough.over(image.shape[:2]))[window]
    else:
        found = _found(image[window], inside, _vicinity(inside, novelty, config), config)
    found = _own(found, inside)
    return Region.of(found, (left, top)) if _is_plausible(found, inside, config) else rough


def _found(
    crop: Image,
    inside: Mask,
    vicinity: Vicinity,
    config: SegmentationConfig,
) -> Mask:
    if vicinity.n_surroundings < _LEAST_SURROUNDINGS_PX:
        return np.zeros_like(inside)
    if config.method == "grabcut":
        return _by_grabcut(crop, vicinity)
    if config.method == "random_walker":
        return _by_random_walker(crop, vicinity)
    return _contrasting(crop, inside, vicinity)


def _contrasting(crop: Image, inside: Mask, vicinity: Vicinity) -> Mask:
    """Tell by colour; along a straight band, if that finds pieces of it only."""
    lab = to_lab(crop)
    found = by_contrast(lab, vicinity)
    direction_xy = band_direction(inside)
    if direction_xy is None or _is_whole(_own(found, inside)):
        return found
    along = by_contrast(averaged_along(lab, direction_xy), vicinity, noise=NOISE / 2)
    return along if _own(along, inside).any() else found


def _by_grabcut(crop: Crop, vicinity: Vicinity) -> Mask:
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


def _by_random_walker(crop: Crop, vicinity: Vicinity) -> Mask:
    """Ask whether a walker who avoids borders first meets the region's core or its surroundings."""
    from skimage.segmentation import random_walker

    is_rough = (vicinity.distance_px == 0).astype(np.uint8)
    depth = cv2.distanceTransform(np.pad(is_rough, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    seeds = np.zeros(is_rough.shape, dtype=np.int32)
    seeds[vicinity.is_surroundings] = 2
    seeds[depth > _CORE * depth.max()] = 1
    # solved exactly: the faster "cg_j" gives up after 30 steps
    labels = random_walker(to_lab(crop), seeds, beta=_RELUCTANCE, mode="bf", channel_axis=-1)
    found: np.ndarray = labels == 1
    return found


def _is_whole(mask: Mask) -> bool:
    """Tell a thing from its pieces."""
    _, _, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    area_px = statistics[1:, cv2.CC_STAT_AREA]
    return len(area_px) > 0 and bool(area_px.max() >= _WHOLE * area_px.sum())


def _vicinity(
    inside: Mask, novelty: Float32[np.ndarray, "height width"] | None, config: SegmentationConfig
) -> Vicinity:
    distance_px = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3)
    is_surroundings = distance_px > config.reach_px
    if novelty is not None and (is_surroundings & (novelty <= 1)).any():
        is_surroundings &= novelty <= 1
    is_near = distance_px <= config.margin_px
    return Vicinity(distance_px, is_surroundings, is_near, config.reach_px)


def _own(found: Mask, inside: Mask) -> Mask:
    """Keep the components that are the thing, not merely near it."""
    n_labels, labels = cv2.connectedComponents(found.astype(np.uint8))
    area_px = np.bincount(labels.ravel(), minlength=n_labels)
    area_px[0] = 0
    inside_px = np.bincount(labels[inside], minlength=n_labels)
    is_own = (inside_px > 0) & (inside_px >= _MIN_INSIDE * area_px) & (area_px >= _LEAST_PX)
    is_own &= area_px >= _LEAST_SHARE * (area_px * is_own).max()
    own: np.ndarray = is_own[labels]
    return own


def _is_plausible(found: Mask, inside: Mask, config: SegmentationConfig) -> bool:
    """Refuse what cannot be the thing."""
    found_px, rough_px = np.count_nonzero(found), np.count_nonzero(inside)
    padded = np.pad(inside, 1).astype(np.uint8)
    depth_px = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_3)[1:-1, 1:-1]
    is_deep = depth_px > 2 * config.reach_px
    return bool(
        _MIN_SHARE * rough_px <= found_px <= _MAX_SHARE * rough_px
        and 0 < found_px <= _MAX_FILL * found.size
        and np.count_nonzero(is_deep & ~found) <= _MAX_MISSED * rough_px
    )
