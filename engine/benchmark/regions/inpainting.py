"""Inpainting of the boxes of photographs, which makes them normal.

Each box is covered with ground from elsewhere in the same photograph: an equally large patch
without a box, taken where its rim is most like what surrounds the box, as in image quilting (Efros
and Freeman, 2001). Only the patch's texture is copied; the light comes from around the box.

Where there is a labelled thing on every photograph, those show what is normal whose boxes are small
enough to be covered, and on which nothing else stands out.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float32

from engine.benchmark.datasets import DatasetError
from engine.benchmark.regions.labels import BoxedPhoto
from features.image_files import read_image
from features.images import Image, Mask
from features.region import Box, Region

# a thing's shadow and rim reach beyond its box
MARGIN_PX = 8
# over which patch and photograph are blended, just beyond the margin
BLEND_PX = 8
# light varies over more than this; anything finer is texture
COVER_LIGHT_PX = 24.0

Planes = Float32[np.ndarray, "height width 3"]

# beyond this share of a photograph, what covers its boxes would be most of what is learnt
MAX_COVERED = 0.25
# labels miss a thing now and then, and one of them in a reference would make it normal: of the
# covered photographs the most salient quarter is left out
KEPT_SHARE = 0.75
# px: spots are wider than the noise of the camera, narrower than a change of light
SPOT_PX, LIGHT_PX, BORDER_PX = 1.5, 12, 6


def normal_photos(photos: Sequence[BoxedPhoto]) -> list[Image]:
    """Cover the boxes of photographs; begin with those that are most unlike each other.

    References that are alike would tell little of how brightness and weave vary. Photographs on
    which something stands out although it is in no box are left out.

    Raises:
        DatasetError: Fewer than two photographs can be made normal.
    """
    covered = []
    for photo in photos:
        if sum(box.share for box in photo.boxes) <= MAX_COVERED:
            image = read_image(photo.path)
            size = image.shape[0], image.shape[1]
            covered.append(cover(image, [box.region(size) for box in photo.boxes]))
    images = [each for each in covered if each is not None]
    if len(images) < 2:
        raise DatasetError(
            f"only {len(images)} of {len(photos)} photographs can be made normal: expected 2 with "
            f"boxes on at most {MAX_COVERED:.0%} of their area; add photographs with small boxes"
        )
    images.sort(key=_saliency)
    images = images[: max(2, round(KEPT_SHARE * len(images)))]
    return [images[i] for i in _spread_out(images)]


def _spread_out(images: Sequence[Image]) -> list[int]:
    """Order images by how unlike they are to those before, in brightness and direction."""
    appearances = np.array([_appearance(image) for image in images])
    appearances = (appearances - appearances.mean(axis=0)) / (appearances.std(axis=0) + 1e-6)
    order = [int(np.linalg.norm(appearances, axis=1).argmin())]
    while len(order) < len(images):
        apart = np.linalg.norm(appearances[:, None] - appearances[order], axis=2).min(axis=1)
        apart[order] = -1
        order.append(int(apart.argmax()))
    return order


def _saliency(image: Image) -> float:
    """Return how far the most striking spot stands out, in typical deviations."""
    grey = image.astype(np.float32).mean(axis=2)
    fine, wide = (cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (SPOT_PX, LIGHT_PX))
    inner = (slice(BORDER_PX, -BORDER_PX),) * 2
    deviation = np.abs(fine - wide)[inner]
    return float(deviation.max() / (np.median(deviation) + 1e-6))


def _appearance(image: Image) -> tuple[float, ...]:
    """Brightness, contrast, and the double angle in which edges run, times how many do."""
    grey = image.astype(np.float64).mean(axis=2)
    down, right = np.gradient(grey)
    energy = (down**2 + right**2).mean() + 1e-9
    turned = (right + 1j * down) ** 2
    # fourfold, too: a weave has two directions at right angles
    double, fourfold = turned.mean() / energy, (turned**2).mean() / (np.abs(turned) ** 2).mean()
    return grey.mean(), grey.std(), double.real, double.imag, fourfold.real, fourfold.imag


# Covering


def cover(image: Image, boxes: Sequence[Region]) -> Image | None:
    """Cover every box with ground; None where no patch without a box is large enough."""
    size = image.shape[0], image.shape[1]
    is_thing = np.zeros(size, dtype=bool)
    for box in boxes:
        left, top, right, bottom = grown(box.box_xyxy, MARGIN_PX, size)
        is_thing[top:bottom, left:right] = True
    if is_thing.all():
        return None
    planes = image.astype(np.float32)
    light = _light(planes, is_thing)
    texture, result = planes - light, planes.copy()
    # the largest first: they find a patch with most difficulty, and cover small ones in them
    for box in sorted(boxes, key=lambda box: -box.area_px):
        inner = grown(box.box_xyxy, MARGIN_PX, size)
        outer = grown(inner, BLEND_PX, size)
        corner = _best_patch(texture, is_thing, inner, outer)
        if corner is None:
            return None
        _blend_patch(result, light, texture, (inner, outer), corner)
    return np.clip(np.rint(result), 0, 255).astype(np.uint8)


def grown(box_xyxy: Box, margin_px: int, size: tuple[int, int]) -> Box:
    """Enlarge a box on all sides, within an image of this (height, width)."""
    left, top, right, bottom = box_xyxy
    return (
        max(0, left - margin_px),
        max(0, top - margin_px),
        min(size[1], right + margin_px),
        min(size[0], bottom + margin_px),
    )


def _light(planes: Planes, is_thing: Mask) -> Planes:
    """Smooth what is outside of things, and continue it over them from ever farther away."""
    weight = (~is_thing).astype(np.float32)
    light: np.ndarray = np.tile(planes[~is_thing].mean(axis=0), (*planes.shape[:2], 1))
    light = light.astype(np.float32)
    sigma = COVER_LIGHT_PX * 4
    while sigma >= COVER_LIGHT_PX:
        shown: np.ndarray = cv2.GaussianBlur(weight, (0, 0), sigma)
        excess = (planes - light) * weight[..., None]
        blurred: np.ndarray = cv2.GaussianBlur(excess, (0, 0), sigma)
        # where hardly anything is seen, the wider view stays
        light = light + blurred / (shown + np.float32(0.05))[..., None]
        sigma /= 2
    return np.asarray(light)


def _best_patch(texture: Planes, is_thing: Mask, inner: Box, outer: Box) -> tuple[int, int] | None:
    """Find the corner (x, y) of the patch without a thing whose rim is most like the box's."""
    left, top, right, bottom = outer
    height, width = bottom - top, right - left
    total: np.ndarray = cv2.integral(is_thing.astype(np.uint8))
    n_things = (total[height:, width:] - total[:-height, width:] - total[height:, :-width]) + total[
        :-height, :-width
    ]
    if n_things.min() > 0:
        return None
    is_rim = ~is_thing[top:bottom, left:right]
    is_rim[inner[1] - top : inner[3] - top, inner[0] - left : inner[2] - left] = False
    asked = np.ascontiguousarray(texture[top:bottom, left:right])
    rim = np.repeat(is_rim[..., None], 3, axis=2).astype(np.float32)
    cost: np.ndarray = cv2.matchTemplate(texture, asked, cv2.TM_SQDIFF, mask=rim)
    cost[n_things > 0] = np.inf
    row, column = np.unravel_index(int(cost.argmin()), cost.shape)
    return int(column), int(row)


def _blend_patch(
    result: Planes, light: Planes, texture: Planes, boxes: tuple[Box, Box], corner: tuple[int, int]
) -> None:
    """Blend a patch into the result: whole within the inner box, nothing beyond the outer."""
    inner, (left, top, right, bottom) = boxes
    is_inner = np.zeros((bottom - top, right - left), dtype=np.uint8)
    is_inner[inner[1] - top : inner[3] - top, inner[0] - left : inner[2] - left] = 1
    distance_px = cv2.distanceTransform(1 - is_inner, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    share = np.clip(1 - distance_px / (BLEND_PX + 1), 0, 1)[..., None]
    x, y = corner
    patch = texture[y : y + bottom - top, x : x + right - left] + light[top:bottom, left:right]
    under = result[top:bottom, left:right]
    # the variance of two textures falls where they are averaged: weights are scaled to keep it
    keep = 1 / np.sqrt(share**2 + (1 - share) ** 2)
    base = light[top:bottom, left:right]
    result[top:bottom, left:right] = base + keep * (
        share * (patch - base) + (1 - share) * (under - base)
    )
