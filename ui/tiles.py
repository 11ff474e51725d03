"""Which pixels of a large image does a window show, and how do they look in full resolution?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from jaxtyping import UInt8
from PIL import Image as Pillow

# along each side; what a browser shows has hardly more
MAX_SIDE_PX = 1_600
_QUALITY = 92


@dataclass(frozen=True)
class Viewport:
    """The part of an image within a window, in pixels of the image.

    ``scale`` is how many pixels of the screen a pixel of the image takes.
    """

    box_xyxy: tuple[float, float, float, float]
    scale: float


@dataclass(frozen=True)
class Tile:
    """A part of an image as JPEG, in full resolution where it is small enough."""

    box_xyxy: tuple[int, int, int, int]
    jpeg: bytes


def tile_of(image: UInt8[np.ndarray, "height width 3"], viewport: Viewport | None) -> Tile | None:
    """Cut what is in a window from an image, at most ``MAX_SIDE_PX`` on a side.

    None without a window, or where it lies outside of the image.
    """
    if viewport is None:
        return None
    height, width = image.shape[:2]
    left, top = (max(math.floor(side), 0) for side in viewport.box_xyxy[:2])
    right = min(math.ceil(viewport.box_xyxy[2]), width)
    bottom = min(math.ceil(viewport.box_xyxy[3]), height)
    if left >= right or top >= bottom:
        return None
    crop = Pillow.fromarray(image[top:bottom, left:right])
    crop.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Pillow.Resampling.BOX, reducing_gap=None)
    file = BytesIO()
    crop.save(file, "JPEG", quality=_QUALITY, subsampling=0)
    return Tile((left, top, right, bottom), file.getvalue())
