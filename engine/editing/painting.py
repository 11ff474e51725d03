"""Painted classes on the references, and regions grown from paintings and clicks.

A painting is rough: its border moves to where the thing ends (``engine.regions.segmentation``). A
click says where the thing is, not how large: a random walker (Grady, 2006) from there, against the
frame of a window, is asked in windows of several sizes, and the outline that runs along the most
contrast is taken. Where the profile has SAM, SAM is asked instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from jaxtyping import Float32

from alignment.aligned import AlignedParts
from alignment.painted_classes import PaintedClass, learn_min_ncc, refine_border, with_painted
from alignment.sample import Sample
from alignment.template_matching import Template, stride_for
from engine.class_edits import ClassEditError
from engine.editing.table import Classes, References, as_cut
from engine.regions.segmentation import refine
from engine.regions_config import SegmentationConfig
from features.images import Image, Mask, to_lab
from features.parts import PromptableSegmenter
from features.region import Region

if TYPE_CHECKING:
    from engine.inspector import Inspector

# parts turn by some degrees even where the product has a pose, and by any where it has none
POSED_TURNS_DEG = (-12.0, 0.0, 12.0)
FREE_TURNS_DEG = tuple(float(turn) for turn in range(0, 360, 30))

# of the longer side of the image: half the side of the windows around a click
_WINDOWS = (0.05, 0.08, 0.13, 0.21, 0.34)
_SEED_PX = 2
# of the window: what fills more has no outline in it
_MAX_FILL = 0.7
# as in engine.regions.segmentation
_RELUCTANCE = 130.0
# units of CIELAB from the background's colour: what is nearer is background
_ALIKE = 14.0
# side of the pictures that walkers walk on
_MOST_PX = 64
# a larger outline is taken if its contrast is at least this share of the best one's
_ABOUT_AS_CLEAR = 0.9


def painted_classes(classes: Classes, references: References) -> list[PaintedClass]:
    """Learn from the references what was painted, and how high the correlation must be."""
    samples = references.samples
    turns = POSED_TURNS_DEG if references.has_pose else FREE_TURNS_DEG
    found = []
    for class_id in classes.painted_ids:
        own = [each for each in classes.paintings if each.class_id == class_id]
        stride = stride_for([each.region.area_px for each in own])
        templates = tuple(
            Template.of(
                samples[each.reference].image,
                samples[each.reference].is_valid,
                each.region.over(samples[each.reference].is_valid.shape),
                stride,
            )
            for each in own
        )
        found.append(
            learn_min_ncc(
                PaintedClass(class_id, templates, turns),
                [each.image for each in samples],
                [each.is_valid for each in samples],
                frozenset(each.reference for each in own),
            )
        )
    return found


def aligned_references(
    classes: Classes, painted: Sequence[PaintedClass], references: References
) -> list[AlignedParts]:
    """Give the references' parts their classes, what was painted on top."""
    given: list[dict[int, list[np.ndarray]]] = [{} for _ in references.samples]
    for each in classes.paintings:
        size = references.samples[each.reference].is_valid.shape
        given[each.reference].setdefault(each.class_id, []).append(each.region.over(size))
    return [
        with_painted(aligned, painted, sample.image, sample.is_valid, masks)
        for aligned, sample, masks in zip(
            as_cut(classes, references, painted), references.samples, given, strict=True
        )
    ]


def grow(inspector: Inspector, reference: int, meant: Region | tuple[float, float]) -> Region:
    """Find the pixels meant by a rough painting, or by a click (x, y), on a reference.

    Coordinates are working pixels of the registered reference.

    Raises:
        ClassEditError: There is no such reference, or the click lies outside of it.
    """
    if not 0 <= reference < len(inspector.fitted.samples):
        raise ClassEditError(
            f"reference must lie in 0 … {len(inspector.fitted.samples) - 1}, got {reference}; "
            "`partwise info` lists the references"
        )
    sample = inspector.fitted.samples[reference]
    image = sample.image
    if isinstance(meant, Region):
        return _by_sam(inspector, image, meant) or _around(image, meant)
    x, y = meant
    height, width = image.shape[:2]
    if not (0 <= x < width and 0 <= y < height):
        raise ClassEditError(
            f"a click must lie in the reference's {width}×{height} px (width×height), "
            f"got {x:g},{y:g}; click on the picture that the model keeps of it"
        )
    return _by_sam(inspector, image, (x, y)) or _at(sample, int(x), int(y))


def _by_sam(
    inspector: Inspector, image: Image, meant: Region | tuple[float, float]
) -> Region | None:
    """Ask SAM, where the profile has it; None where it has not, or SAM finds nothing."""
    if not isinstance(inspector.segmenter, PromptableSegmenter):
        return None
    prompter = inspector.segmenter.prompter(image)
    if isinstance(meant, Region):
        found = prompter.from_mask(meant.over(image.shape[:2]))
    else:
        found = prompter.at_point(meant)
    return Region.of(found) if found.any() else None


def _around(image: Image, painted: Region) -> Region:
    side = float(np.sqrt(painted.area_px))
    reach_px = int(np.clip(round(0.15 * side), 2, 16))
    config = SegmentationConfig("random_walker", max(12, 2 * reach_px), reach_px)
    return refine(image, painted, config=config)


def _at(sample: Sample, x: int, y: int) -> Region:
    lab = to_lab(sample.image)
    contrast, ground = _contrast(lab), _ground(sample, lab, x, y)
    longer = max(sample.is_valid.shape)
    walked = (_walked(lab, ground, (x, y), round(share * longer)) for share in _WINDOWS)
    found = [each for each in walked if each is not None]
    if not found:
        disc = np.zeros(sample.is_valid.shape, dtype=np.uint8)
        cv2.circle(disc, (x, y), 2 * _SEED_PX, 1, -1)
        return Region.of(disc > 0)
    clear = [_along(contrast, each) for each in found]
    least = _ABOUT_AS_CLEAR * max(clear)
    chosen = [each for each, own in zip(found, clear, strict=True) if own >= least][-1]
    return Region.of(refine_border(sample.image, chosen))


def _ground(sample: Sample, lab: Float32[np.ndarray, "height width 3"], x: int, y: int) -> Mask:
    """Tell what has the colour of the background, unless that is what was clicked on."""
    nothing = np.zeros(sample.is_valid.shape, dtype=bool)
    is_background = np.append(sample.aligned.is_background_class, False)
    is_ground = is_background[sample.aligned.class_map]
    if not is_ground.any() or is_ground[y, x]:
        return nothing
    color = np.median(lab[is_ground], axis=0)
    is_alike = np.linalg.norm(lab - color, axis=2) < _ALIKE
    nearby = is_alike[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
    if nearby.any():
        return nothing
    kernel = np.ones((5, 5), np.uint8)
    return np.asarray(cv2.morphologyEx(is_alike.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0)


def _walked(
    lab: Float32[np.ndarray, "height width 3"],
    ground: Mask,
    click_xy: tuple[int, int],
    radius_px: int,
) -> Mask | None:
    """Ask whether a walker who avoids borders comes from the click, or from frame and ground."""
    from skimage.segmentation import random_walker

    (x, y), (height, width) = click_xy, ground.shape
    top, bottom = max(0, y - radius_px), min(height, y + radius_px + 1)
    left, right = max(0, x - radius_px), min(width, x + radius_px + 1)
    window = np.s_[top:bottom, left:right]
    # large windows are looked at coarsely: what is cut out of them is large
    step = max(1, max(bottom - top, right - left) // _MOST_PX)
    crop = np.ascontiguousarray(lab[window][::step, ::step])
    seeds = np.where(ground[window][::step, ::step], 2, 0).astype(np.int32)
    seeds[[0, -1]], seeds[:, [0, -1]] = 2, 2
    rows, columns = np.indices(seeds.shape)
    row, column = (y - top) // step, (x - left) // step
    seeds[(rows - row) ** 2 + (columns - column) ** 2 <= max(1, _SEED_PX // step) ** 2] = 1
    if not (seeds == 0).any():
        return None
    labels = random_walker(crop, seeds, beta=_RELUCTANCE, mode="bf", channel_axis=-1)
    own = cv2.morphologyEx((labels == 1).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3)))
    _, regions = cv2.connectedComponents(own)
    number = regions[row, column]
    found = (regions == number) & (number > 0)
    if not found.any() or np.count_nonzero(found) > _MAX_FILL * found.size:
        return None
    mask = np.zeros(ground.shape, dtype=bool)
    mask[window] = np.kron(found, np.ones((step, step), bool))[: bottom - top, : right - left]
    return mask


def _contrast(lab: Float32[np.ndarray, "height width 3"]) -> Float32[np.ndarray, "height width"]:
    smooth = cv2.GaussianBlur(lab, (0, 0), 1.0)
    across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    strength: np.ndarray = np.sqrt((across**2 + down**2).sum(axis=2))
    # an edge counts within a pixel of where it is
    return cv2.dilate(np.minimum(strength, 60), np.ones((3, 3), np.uint8)).astype(np.float32)


def _along(contrast: Float32[np.ndarray, "height width"], mask: Mask) -> float:
    """Mean contrast along the outline."""
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return float(contrast[mask & ~inner].mean())
