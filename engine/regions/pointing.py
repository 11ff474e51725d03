"""Region at a point, and the preview of what teaching an outline would teach.

What is meant by a point is the smallest of the new regions that hold the place, if there is one;
else what stands out from its surroundings there, looked for in wider and wider discs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from engine.regions.frames import Frames
from engine.regions.recogniser import ClassMatch, outliner_of
from engine.regions.segmentation import refine
from engine.regions.teaching import describe_outlined, thumbnail
from features.region import Region, RegionError

if TYPE_CHECKING:
    from engine.regions.recogniser import Recogniser
    from engine.regions.teaching import Outlined
    from engine.report import Examination

# of the discs, in pixels of the picture that regions are outlined on
RADII_PX = (8, 16, 32, 64)

PICTURE_PX = 480


def region_at(
    recogniser: Recogniser, examination: Examination, point_xy: tuple[float, float]
) -> Region:
    """Find the pixels of the thing at a place of the image file.

    Raises:
        RegionError: The place is outside of the image, or nothing stands out there.
    """
    height, width = examination.image_size
    x, y = point_xy
    if not (0 <= x < width and 0 <= y < height):
        raise RegionError(
            f"a click must lie in the image of {width}×{height} px (width×height), "
            f"got ({x:g}, {y:g}); click on the image"
        )
    frames = Frames(examination, recogniser.config.photo_area_px)
    novelty = recogniser.inspector.novelty(examination)
    new = [each.region for each in recogniser.candidates(frames, novelty)]
    holding = [each for each in new if _holds(each, x, y)]
    if holding:
        return min(holding, key=lambda each: each.area_px)
    scale = frames.picture_size[0] / height
    found = _standing_out(recogniser, frames, (x * scale, y * scale))
    if found is None:
        raise RegionError(
            f"nothing stands out at ({x:.0f}, {y:.0f}), got one even surface; "
            "paint over the thing or draw a box around it"
        )
    return frames.in_image(found)


def _standing_out(
    recogniser: Recogniser, frames: Frames, point_xy: tuple[float, float]
) -> Region | None:
    prompt = outliner_of(recogniser.inspector, frames)
    rows, columns = np.ogrid[: frames.picture_size[0], : frames.picture_size[1]]
    for radius in RADII_PX:
        disc = (columns + 0.5 - point_xy[0]) ** 2 + (rows + 0.5 - point_xy[1]) ** 2 <= radius**2
        rough = Region.of(disc)
        found = refine(frames.picture, rough, None, recogniser.config.segmentation, prompt=prompt)
        # what is given back unchanged was not found
        if found is not rough and _holds(found, *point_xy):
            return found
    return None


def _holds(region: Region, x: float, y: float) -> bool:
    left, top, right, bottom = region.box_xyxy
    inside = left <= x < right and top <= y < bottom
    return inside and bool(region.mask[int(y) - top, int(x) - left])


@dataclass(frozen=True, eq=False)
class Preview:
    """The pixels that an outline means, a picture of them, and the classes that it matches."""

    region: Region
    picture: UInt8[np.ndarray, "rows columns 3"]
    matches: tuple[ClassMatch, ...]
    """The likeliest first; none of a library that holds nothing."""


def preview(recogniser: Recogniser, examination: Examination, outlined: Outlined) -> Preview:
    """Show what teaching this outline would teach; nothing is taught."""
    frames = Frames(examination, recogniser.config.photo_area_px)
    described = describe_outlined(recogniser, frames, outlined)
    return Preview(
        described.region,
        thumbnail(examination.image, described.region, PICTURE_PX),
        tuple(recogniser.class_matches(described.tokens, described.views)),
    )
