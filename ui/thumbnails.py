"""How does a photograph of any size become a small picture, quickly?"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import streamlit as st
from PIL import Image, ImageOps

from features import read_image
from features.image_files import image_size

SIDE_PX = 320
_QUALITY = 82
# Pillow shrinks these while reading; all else is read as the inspector reads it
_DIRECT_MODES = ("L", "RGB")


def thumbnail(path: Path) -> bytes:
    """Return a JPEG of at most ``SIDE_PX`` on a side, upright.

    Raises:
        ImageError: It is no image, or a too large one.
    """
    image_size(path)
    return _thumbnail(str(path), path.stat().st_mtime_ns)


def shrunk(photo: bytes, side_px: int) -> Image.Image:
    """Return a JPEG as a small picture of at most this length on a side."""
    with Image.open(BytesIO(photo)) as file:
        file.draft("RGB", (2 * side_px, 2 * side_px))
        small = file.convert("RGB")
    small.thumbnail((side_px, side_px))
    return small


@st.cache_resource(show_spinner=False, max_entries=500)
def _thumbnail(path: str, mtime_ns: int) -> bytes:
    with Image.open(path) as file:
        is_direct = file.mode in _DIRECT_MODES
        if is_direct:
            file.draft("RGB", (2 * SIDE_PX, 2 * SIDE_PX))
            small = ImageOps.exif_transpose(file).convert("RGB")
    if not is_direct:
        small = Image.fromarray(read_image(Path(path)))
    small.thumbnail((SIDE_PX, SIDE_PX))
    stream = BytesIO()
    small.save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()
