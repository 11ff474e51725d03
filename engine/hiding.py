"""How would an image be judged if some of it were not on the photograph?

Nothing is asked of hidden places: descriptors, scores and counts leave them out. What is hidden may
also have hidden the pose, which is taken again without it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from alignment.transforms import invert, warp_image
from engine.examination import Examination, enlarged, without_hidden
from engine.scores import score_all
from features.images import resize

if TYPE_CHECKING:
    from engine.inspector import Inspector

Mask = Bool[np.ndarray, "height width"]


def hide(inspector: Inspector, examination: Examination, is_hidden: Mask) -> Examination:
    """Examine the same image without some of its upright working pixels."""
    examination, is_hidden = _upright_without(inspector, examination, is_hidden)
    sample = examination.sample
    is_valid = sample.is_valid & ~is_hidden
    picture, is_photo_valid = examination.upright.same_of(examination.photo)
    is_seen = is_photo_valid & ~enlarged(is_hidden, is_photo_valid.shape)
    test = replace(
        sample,
        is_valid=is_valid,
        dense=inspector.backbone(picture, is_seen),
        aligned=without_hidden(sample.aligned, is_hidden),
        composition=inspector.palette(sample.image, is_valid),
    )
    comparisons = inspector.compare(test, inspector.samples_)
    readings = score_all(comparisons, inspector.config.scores)
    return replace(examination, comparisons=comparisons, readings=readings)


def _upright_without(
    inspector: Inspector, examination: Examination, is_hidden: Mask
) -> tuple[Examination, Mask]:
    """Return the image in the pose that the rest of it has, and what is hidden there."""
    if not inspector.pose.has_pose_:
        return examination, is_hidden
    to_original = examination.upright.to_original
    working = resize(examination.photo, inspector.working_size_)
    hidden = _moved(is_hidden, to_original)
    upright = inspector.pose.upright(_painted_over(working, hidden))
    if np.allclose(upright.to_original, to_original):
        return examination, is_hidden
    to_upright = invert(upright.to_original)
    upright = replace(upright, image=warp_image(working, to_upright)[0])
    sample = inspector.describe(examination.photo, upright)
    comparisons = [replace(each, test=sample) for each in examination.comparisons]
    moved = replace(examination, upright=upright, comparisons=comparisons)
    return moved, _moved(hidden, to_upright)


def _moved(mask: Mask, transform: Float[np.ndarray, "2 3"]) -> Mask:
    """Move a mask within its frame; a pixel that is touched at all counts."""
    height, width = mask.shape
    share = cv2.warpAffine(mask.astype(np.float32), transform, (width, height))
    return np.asarray(share > 0)


def _painted_over(
    image: UInt8[np.ndarray, "height width 3"], mask: Mask
) -> UInt8[np.ndarray, "height width 3"]:
    """Continue what is around a mask into it (Telea, 2004)."""
    painted = cv2.inpaint(np.ascontiguousarray(image), mask.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    return np.asarray(painted, dtype=np.uint8)
