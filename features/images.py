"""Images as arrays: their types, checks, working size and colour space.

An image is RGB, ``uint8``, at least ``MIN_SIDE_PX`` on each side. The working size has a fixed area
whatever the camera, so that costs, scales and part sizes mean the same for every photograph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from features.errors import UserError

# Equal axis names mean equal sizes within one signature: the images and masks that a function takes
# and returns are of one size, but for those that may be of any.
Image = UInt8[np.ndarray, "height width 3"]
Mask = Bool[np.ndarray, "height width"]
AnyImage = UInt8[np.ndarray, "_ _ 3"]
AnyMask = Bool[np.ndarray, "_ _"]


# Below this the coarsest descriptor cell (a quarter of the side) would be under 4 px.
MIN_SIDE_PX = 16

# The fewest multiples on a side: a grid of 4 cells is the least that still has an inside.
MIN_MULTIPLES = 4


class ImageError(UserError, ValueError):
    """An image or image file that cannot be judged; the message is one line and names the cure."""


def check_image(array: object, name: str = "image") -> Image:
    """Return the array unchanged if it is an image in the sense of this module.

    Raises:
        ImageError: Says what ``name`` is instead, and how to turn it into an image.
    """
    if not isinstance(array, np.ndarray):
        raise ImageError(
            f"{name} must be a NumPy array, got {type(array).__name__}; "
            "convert it with np.asarray, or read a file with features.image_files.read_image"
        )
    _check_type(array, name)
    _check_shape(array, name)
    return array


def _check_type(array: np.ndarray, name: str) -> None:
    """Refuse anything but bytes; floats get told apart by what they hold."""
    if array.dtype == np.uint8:
        return
    cure = "convert it with .astype(np.uint8) once its values lie in 0 … 255"
    if np.issubdtype(array.dtype, np.floating):
        n_bad = int(np.count_nonzero(~np.isfinite(array)))
        if n_bad:
            raise ImageError(
                f"{name} must hold finite values, got NaN or infinity in {n_bad} places; "
                f"repair these, then {cure}"
            )
        if array.size and array.min() >= 0 and array.max() <= 1:
            cure = "convert it with (array * 255).round().astype(np.uint8)"
    if array.dtype == np.uint16:
        cure = "convert it with (array >> 8).astype(np.uint8)"
    raise ImageError(f"{name} must have type uint8, got {array.dtype}; {cure}")


def _check_shape(array: np.ndarray, name: str) -> None:
    """Refuse anything but height, width, RGB of sufficient size."""
    shape = array.shape
    if len(shape) != 3 or shape[2] != 3:
        cure = "give height, width and the channels red, green, blue"
        if len(shape) == 2:
            cure = "repeat grey levels with np.stack([array] * 3, axis=-1)"
        elif len(shape) == 3 and shape[2] == 4:
            cure = "drop the fourth channel with array[..., :3]"
        elif len(shape) == 3 and shape[0] == 3:
            cure = "move the channels to the end with np.moveaxis(array, 0, -1)"
        elif len(shape) == 4:
            cure = "pass one image at a time"
        raise ImageError(f"{name} must have shape (height, width, 3), got {shape}; {cure}")
    if min(shape[:2]) < MIN_SIDE_PX:
        raise ImageError(
            f"{name} must be at least {MIN_SIDE_PX} px on each side, "
            f"got {shape[1]}×{shape[0]} (width×height); use a larger photograph"
        )


def fit_size(height: int, width: int, *, area_px: int, multiple: int) -> tuple[int, int]:
    """Give the working (height, width) of an image: its aspect, but a fixed area.

    Both sides are multiples of ``multiple`` and at least ``MIN_MULTIPLES`` of them. An image so
    elongated that its short side would fall below is squeezed along the long side instead, which
    keeps the area. Images smaller than ``area_px`` are enlarged.

    Raises:
        ValueError: An argument is not positive.
    """
    if min(height, width, area_px, multiple) < 1:
        raise ValueError(
            "height, width, area_px and multiple must be positive, "
            f"got {height}, {width}, {area_px}, {multiple}"
        )
    cells = area_px / multiple**2
    rows = math.sqrt(cells * height / width)
    rows = min(max(rows, MIN_MULTIPLES), max(cells / MIN_MULTIPLES, MIN_MULTIPLES))
    columns = cells / rows
    return (
        max(MIN_MULTIPLES, round(rows)) * multiple,
        max(MIN_MULTIPLES, round(columns)) * multiple,
    )


def resize(image: Image, size: tuple[int, int]) -> UInt8[np.ndarray, "new_height new_width 3"]:
    """Resample an image to (height, width); the aspect may change.

    Shrinking averages all source pixels (no aliasing); enlarging is linear, because a cubic would
    overshoot at edges and invent colours. An axis that shrinks does so before the other grows.
    """
    shrunk = min(image.shape[0], size[0]), min(image.shape[1], size[1])
    for target, method in ((shrunk, cv2.INTER_AREA), (size, cv2.INTER_LINEAR)):
        if image.shape[:2] != target:
            image = cv2.resize(image, target[::-1], interpolation=method)
    return image


def light_of(image: AnyImage) -> Float32[np.ndarray, "3"]:
    """Return the median lightness, a and b of CIELAB: glare and dark parts do not move it."""
    height, width = image.shape[:2]
    # a few thousand pixels tell it as well as all
    step = max(1, round((height * width / 16_384) ** 0.5))
    few = np.ascontiguousarray(image[step // 2 :: step, step // 2 :: step])
    median: np.ndarray = np.median(to_lab(few).reshape(-1, 3), axis=0).astype(np.float32)
    return median


def with_light(
    image: AnyImage, own: Float32[np.ndarray, "3"], light: Float32[np.ndarray, "3"]
) -> AnyImage:
    """Shift an image in CIELAB from its own light to another."""
    moved = to_lab(image) + (light - own)
    pixels = cv2.cvtColor(moved, cv2.COLOR_LAB2RGB)
    shifted: np.ndarray = np.clip(np.rint(pixels * 255), 0, 255).astype(np.uint8)
    return shifted


def to_lab(image: AnyImage) -> Float32[np.ndarray, "_ _ 3"]:
    """Convert to CIELAB: lightness 0 … 100, and the axes green to red and blue to yellow."""
    scaled = image.astype(np.float32) * np.float32(1 / 255)
    lab: np.ndarray = cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB)
    return lab


# Levels: a set that uses few of them has lost most of what the camera saw

# Low contrast is still worth a look: sixteen levels are four bits.
FEW_LEVELS = 24
# hot pixels, and glints, of each photograph
_IGNORED_SHARE = 0.001


def few_levels(images: Sequence[AnyImage]) -> tuple[int, int] | None:
    """Return the lowest and the highest level of a set if that is a small part of what there is.

    All channels count together; a thousandth of the values of a photograph may lie outside.
    """
    if not images:
        return None
    ends = [_ends(image) for image in images]
    lowest, highest = min(low for low, _ in ends), max(high for _, high in ends)
    return (lowest, highest) if highest - lowest < FEW_LEVELS else None


def few_levels_text(images: Sequence[AnyImage]) -> str | None:
    """Say in one line what is wrong with a set that uses few levels, None if it does not."""
    found = few_levels(images)
    if found is None:
        return None
    lowest, highest = found
    return (
        f"these photographs use only the levels {lowest} … {highest} of 0 … 255, so that little "
        "can be told apart in them; check exposure and light, and with how many bits they are saved"
    )


def bits_text(bits: int | None) -> str | None:
    """Say in one line that 16-bit photographs are read as of fewer bits, None if they are not."""
    if bits is None or bits == 16:
        return None
    return (
        f"16-bit photographs have no value above {2**bits - 1} and are read as of {bits} bits, as "
        "cameras write them; fit with --bits 16 if they are only dark"
    )


def _ends(image: AnyImage) -> tuple[int, int]:
    counts = np.bincount(np.asarray(image, dtype=np.uint8).ravel(), minlength=256)
    share = np.cumsum(counts) / counts.sum()
    low = int(np.searchsorted(share, _IGNORED_SHARE, side="right"))
    high = int(np.searchsorted(share, 1 - _IGNORED_SHARE))
    return low, high
