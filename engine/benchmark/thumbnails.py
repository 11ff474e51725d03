"""How do many small pictures fit into one page?

Each picture is stored once, however often it is shown.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from engine.benchmark.results import BenchResult
from features.image_files import read_image
from features.images import ImageError

_SIDE_PX = 168  # twice the size on the page, for dense screens
_QUALITY = 78


@dataclass(frozen=True)
class Thumbnail:
    """One small picture; ``uri`` holds the whole of it."""

    key: str
    uri: str
    width: int
    height: int


class Thumbnails:
    """The pictures that a page has asked for so far, as the inspector saw them."""

    def __init__(self, result: BenchResult) -> None:
        self._result = result
        self._made: dict[tuple[str, str], Thumbnail | None] = {}

    def of(self, category: str, path: str, index: int) -> Thumbnail | None:
        """Return the test image with this index, or None if its file is no longer there."""
        if (category, path) not in self._made:
            self._made[category, path] = self._make(category, path, index)
        return self._made[category, path]

    def all(self) -> list[Thumbnail]:
        """Return every picture once."""
        return [thumbnail for thumbnail in self._made.values() if thumbnail]

    def _make(self, category: str, path: str, index: int) -> Thumbnail | None:
        try:
            image = read_image(self._result.roots[category] / path)
        except ImageError:
            return None
        if self._result.perturbation:
            image = self._result.perturbation.apply(image, index)
        return _shrink(image, key=f"t{len(self._made)}")


def _shrink(image: UInt8[np.ndarray, "height width 3"], key: str) -> Thumbnail:
    small, (width, height) = small_jpeg(image, _SIDE_PX)
    return Thumbnail(key, "data:image/jpeg;base64," + b64encode(small).decode(), width, height)


def small_jpeg(
    image: UInt8[np.ndarray, "height width 3"], side_px: int
) -> tuple[bytes, tuple[int, int]]:
    """Shrink an image to ``side_px`` on its longer side; returns JPEG, and (width, height)."""
    small = Image.fromarray(image)
    small.thumbnail((side_px, side_px))
    stream = BytesIO()
    small.save(stream, "JPEG", quality=_QUALITY, optimize=True)
    return stream.getvalue(), small.size
