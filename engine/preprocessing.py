"""Preparation of references: each photograph once, one size, a fixed order, and altered copies.

Size and order do not depend on the order in which references were given: the same photographs make
the same model. Altered copies of an image are certainly still normal: moved by a few pixels, turned
by a degree or two, dimmed, tinted, unevenly lit, noisy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alignment.transforms import about_center, warp_image
from alignment.twins import find_twins
from engine.fitted_state import ReferenceWarning
from engine.reference_checks import check_references
from features.images import AnyImage, Image, ImageError, check_image, fit_size, resize


@dataclass(frozen=True)
class Intake:
    """References in an order of their own, all in the one size in which networks see them.

    The method itself works on images of ``working_size``, which may be smaller. ``warnings`` are
    about all that were given, also the copies that were left out.
    """

    photos: list[AnyImage]
    names: list[str]
    photo_size: tuple[int, int]
    working_size: tuple[int, int]
    warnings: tuple[ReferenceWarning, ...]


def take_in(
    images: Sequence[AnyImage],
    names: Sequence[str] | None,
    *,
    photo_area_px: int,
    working_area_px: int,
    multiple: int,
) -> Intake:
    """Bring the references into one size; sides are multiples of ``multiple``.

    A photograph that is there twice is taken once: judged by its own copy, it would seem more
    normal than any good product ever is.

    Raises:
        ImageError: There is no image, or an array is none.
    """
    if not len(images):
        raise ImageError("fit needs at least one reference image, got none")
    names = names or [f"reference {index + 1}" for index in range(len(images))]
    for image, name in zip(images, names, strict=True):
        check_image(image, name)
    twins = find_twins(images)
    warnings = check_references(images, names, twins)
    single = [index for index in range(len(images)) if index not in twins]
    images, names = [images[index] for index in single], [names[index] for index in single]
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
        tuple(warnings),
    )


def altered_copies(image: Image, n_copies: int, rng: np.random.Generator) -> list[Image]:
    """Return altered copies of an image, each altered in every way at once."""
    return [_alter(image, rng) for _ in range(n_copies)]


def _alter(image: Image, rng: np.random.Generator) -> Image:
    height, width = image.shape[:2]
    move = about_center(
        (height, width),
        angle_rad=np.radians(rng.uniform(-3, 3)),
        scale=rng.uniform(0.97, 1.03),
        shift_xy=(rng.uniform(-0.03, 0.03) * width, rng.uniform(-0.03, 0.03) * height),
    )
    pixels = warp_image(image, move)[0].astype(np.float32)

    # Light: gain, colour cast, and a gradient across the frame
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    slope_y, slope_x = rng.uniform(-0.08, 0.08, size=2)
    light = rng.uniform(0.85, 1.15) * (1 + slope_y * y + slope_x * x)
    pixels *= light[..., None] * rng.uniform(0.96, 1.04, size=3)
    pixels += rng.normal(0, 2.5, size=pixels.shape)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
