"""In which size and order are references worked on?

Neither depends on the order in which they were given: the same photographs make the same model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from features.images import ImageError, check_image, fit_size, resize

# references may differ in size; two axes of equal name would not
Image = UInt8[np.ndarray, "_ _ 3"]


@dataclass(frozen=True)
class Intake:
    """References in an order of their own, all in the one size in which networks see them.

    The method itself works on images of ``working_size``, which may be smaller.
    """

    photos: list[Image]
    names: list[str]
    photo_size: tuple[int, int]
    working_size: tuple[int, int]


def take_in(
    images: Sequence[Image],
    names: Sequence[str] | None,
    *,
    photo_area_px: int,
    working_area_px: int,
    multiple: int,
) -> Intake:
    """Bring the references into one size; sides are multiples of ``multiple``.

    Raises:
        ImageError: There is no image, or an array is none.
    """
    if not len(images):
        raise ImageError("fit needs at least one reference image, got none")
    names = names or [f"reference {index + 1}" for index in range(len(images))]
    for image, name in zip(images, names, strict=True):
        check_image(image, name)
    # the median aspect, so that one odd photograph does not squeeze all others
    sizes = sorted((image.shape[:2] for image in images), key=lambda size: size[1] / size[0])
    height, width = sizes[len(sizes) // 2]
    # networks enlarge what is small by themselves; moving invented pixels costs time
    photo_area_px = max(working_area_px, min(photo_area_px, height * width))
    photo_size, working_size = (
        fit_size(height, width, area_px=area_px, multiple=multiple)
        for area_px in (photo_area_px, working_area_px)
    )
    photos = [resize(image, photo_size) for image in images]
    order = sorted(
        range(len(images)),
        key=lambda i: (hashlib.sha256(photos[i].tobytes()).digest(), names[i]),
    )
    return Intake(
        [photos[index] for index in order],
        [names[index] for index in order],
        photo_size,
        working_size,
    )
