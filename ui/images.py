"""Thumbnails of photographs, and tiles of large images in full resolution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import streamlit as st
from PIL import Image as Pillow
from PIL import ImageOps

from features import read_image
from features.image_files import image_size, significant_bits
from features.images import Image

SIDE_PX = 320
_THUMBNAIL_QUALITY = 82
# Pillow shrinks these while reading; all else is read as the inspector reads it
_DIRECT_MODES = ("L", "RGB")

# along each side; what a browser shows has hardly more
MAX_SIDE_PX = 1_600
_QUALITY = 92


def thumbnail(path: Path) -> bytes:
    """Return a JPEG of at most ``SIDE_PX`` on a side, upright.

    Raises:
        ImageError: It is no image, or a too large one.
    """
    image_size(path)
    return _thumbnail(str(path), path.stat().st_mtime_ns)


@st.cache_resource(show_spinner=False, max_entries=500)
def _thumbnail(path: str, mtime_ns: int) -> bytes:
    small = _shrunk_jpeg(path)
    if small is None:
        # to be seen, not judged: each photograph may be as bright as it can
        small = Pillow.fromarray(read_image(Path(path), bits=significant_bits([path])))
    small.thumbnail((SIDE_PX, SIDE_PX))
    stream = BytesIO()
    small.save(stream, "JPEG", quality=_THUMBNAIL_QUALITY)
    return stream.getvalue()


def _shrunk_jpeg(path: str) -> Pillow.Image | None:
    """Shrink a JPEG while reading it; None if it is none, or not of grey or RGB."""
    try:
        with Pillow.open(path, formats=("JPEG",)) as file:
            if file.mode not in _DIRECT_MODES:
                return None
            file.draft("RGB", (2 * SIDE_PX, 2 * SIDE_PX))
            return ImageOps.exif_transpose(file).convert("RGB")
    except (OSError, SyntaxError, ValueError):  # none, or a broken one: of that it is told better
        return None


def shrunk(photo: bytes, side_px: int) -> Pillow.Image:
    """Return a JPEG as a small picture of at most this length on a side."""
    with Pillow.open(BytesIO(photo)) as file:
        file.draft("RGB", (2 * side_px, 2 * side_px))
        small = file.convert("RGB")
    small.thumbnail((side_px, side_px))
    return small


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


def tile_of(image: Image, viewport: Viewport | None) -> Tile | None:
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
