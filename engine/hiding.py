"""Hiding: the judgement of an image as if some of it were not on the photograph.

Nothing is asked of hidden places: descriptors, scores and counts leave them out. What is hidden may
also have hidden the pose, which is taken again without it.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Float

from alignment.aligned import AlignedParts
from alignment.transforms import invert, warp_image
from engine.inspector import Inspector
from engine.report import Examination
from engine.scores import score_all
from features.images import AnyMask, Image, Mask, resize
from features.parts import Parts

# a part of which more is hidden is no longer judged by what is left of it
MOSTLY = 0.5


def without_hidden(aligned: AlignedParts, is_hidden: Mask) -> AlignedParts:
    """Take hidden pixels from all parts, and leave out the parts that are mostly hidden."""
    parts = aligned.parts
    labels = np.where(is_hidden, -1, parts.labels)
    left_px = np.bincount(labels.ravel() + 1, minlength=len(parts) + 1)[1:]
    is_kept = left_px > (1 - MOSTLY) * parts.area_px
    number = np.append(np.where(is_kept, np.cumsum(is_kept) - 1, -1), -1)
    return replace(
        aligned,
        parts=Parts(number[labels], parts.is_background[is_kept]),
        class_of_part=aligned.class_of_part[is_kept],
        cost=aligned.cost[is_kept],
    )


def enlarged(mask: AnyMask, size: tuple[int, int]) -> Mask:
    """Bring a mask to another (height, width); a pixel that is touched at all counts."""
    if mask.shape == size:
        return mask
    # a side that grows is interpolated, one that shrinks is averaged: neither skips a pixel
    grown = max(mask.shape[0], size[0]), max(mask.shape[1], size[1])
    share = cv2.resize(mask.astype(np.float32), grown[::-1], interpolation=cv2.INTER_LINEAR)
    share = cv2.resize(share, size[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(share > 0)


def hide(inspector: Inspector, examination: Examination, is_hidden: Mask) -> Examination:
    """Examine the same image without some of its registered working pixels."""
    examination, is_hidden = _registered_without(inspector, examination, is_hidden)
    sample = examination.sample
    is_valid = sample.is_valid & ~is_hidden
    picture, is_photo_valid = inspector.seen(examination.photo, examination.registered)
    is_seen = is_photo_valid & ~enlarged(is_hidden, is_photo_valid.shape)
    test = replace(
        sample,
        is_valid=is_valid,
        dense=inspector.backbone(picture, is_seen),
        aligned=without_hidden(sample.aligned, is_hidden),
        composition=inspector.visual_words(sample.image, is_valid),
        view=sample.view and sample.view.without(is_hidden),
    )
    comparisons = inspector.compare(test, inspector.fitted.samples)
    readings = score_all(comparisons, inspector.config.scores)
    return replace(examination, comparisons=comparisons, readings=readings)


def _registered_without(
    inspector: Inspector, examination: Examination, is_hidden: Mask
) -> tuple[Examination, Mask]:
    """Return the image in the pose that the rest of it has, and what is hidden there."""
    if not inspector.pose.has_pose_:
        return examination, is_hidden
    to_original = examination.registered.to_original
    working = resize(examination.photo, inspector.fitted.working_size)
    hidden = _moved(is_hidden, to_original)
    registered = inspector.pose.register(_painted_over(working, hidden))
    if np.allclose(registered.to_original, to_original):
        return examination, is_hidden
    to_registered = invert(registered.to_original)
    registered = replace(registered, image=warp_image(working, to_registered)[0])
    sample = inspector.describe(examination.photo, registered)
    comparisons = [replace(each, test=sample) for each in examination.comparisons]
    moved = replace(examination, registered=registered, comparisons=comparisons)
    return moved, _moved(hidden, to_registered)


def _moved(mask: Mask, transform: Float[np.ndarray, "2 3"]) -> Mask:
    """Move a mask within its frame; a pixel that is touched at all counts."""
    height, width = mask.shape
    share = cv2.warpAffine(mask.astype(np.float32), transform, (width, height))
    return np.asarray(share > 0)


def _painted_over(image: Image, mask: Mask) -> Image:
    """Continue what is around a mask into it (Telea, 2004)."""
    painted = cv2.inpaint(np.ascontiguousarray(image), mask.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    return np.asarray(painted, dtype=np.uint8)
