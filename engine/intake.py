"""In which size and order are references worked on?

Neither depends on the order in which they were given: the same photographs make the same model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from features.pixels import ImageError, check_image, fit_size, resize

# references may differ in size; two axes of equal name would not
Image = UInt8[np.ndarray, "_ _ 3"]


def take_in(
    images: Sequence[Image], names: Sequence[str] | None, *, area_px: int, multiple: int
) -> tuple[list[Image], list[str], tuple[int, int]]:
    """Return the references in one working size and an order of their own, names, and the size.

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
    size = fit_size(height, width, area_px=area_px, multiple=multiple)
    working = [resize(image, size) for image in images]
    order = sorted(
        range(len(images)),
        key=lambda i: (hashlib.sha256(working[i].tobytes()).digest(), names[i]),
    )
    return [working[index] for index in order], [names[index] for index in order], size
