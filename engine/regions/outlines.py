"""Which pixels does an operator mean by this mask, this box, this polygon?

Whatever is given becomes a ``Region`` or is refused in one line. Coordinates are continuous and
start at the image's upper left corner: the pixel of column c and row r covers c … c + 1 across and
r … r + 1 down, and belongs to an outline if its centre lies inside. With whole numbers a box
therefore holds the pixels from left and top on, right and bottom exclusive, and a polygon through
the box's corners is the same region; polygons that share an edge share no pixel and leave no gap.

In a mask every pixel that is not zero is inside. Of a colour mask one channel is enough; where some
pixels are fully transparent, transparency alone decides, so that a thing cut out of its photograph
is a mask of that thing, black pixels included.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image, ImageOps

from engine.regions.filling import box_pixels, polygon_pixels
from features.region import Region
from features.region import RegionError as RegionError

# an example must leave some surroundings to be told from
MAX_SHARE = 0.9
# along each side; less is a speck that no descriptor sees
MIN_SIDE_PX = 2

_ORIENTATION, _UPRIGHT, _QUARTER_TURNS = 0x0112, 1, (5, 6, 7, 8)  # EXIF


def from_mask_file(path: str | Path, image_size: tuple[int, int]) -> Region:
    """Take a mask of the size of its image, (height, width), from an image file.

    Raises:
        RegionError: The file is not a mask, or the mask no example.
    """
    path = Path(path)
    if not path.is_file():
        raise RegionError(f"mask {path} must be an image file, got none there; check the path")
    try:
        with warnings.catch_warnings():
            # the size is compared with the image's before anything is decoded
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as file:
                return from_mask(_pixels(file, image_size), image_size)
    except RegionError as error:
        raise RegionError(f"{path}: {error}") from error
    except Exception as error:  # decoders let all kinds escape when the data are malformed
        reason = " ".join(str(error).split())
        raise RegionError(
            f"mask {path} must be an image that can be read, got an error ({reason}); "
            "save the mask as PNG"
        ) from error


def from_mask(mask: np.ndarray, image_size: tuple[int, int]) -> Region:
    """Take a mask as an array of numbers: rows, columns, and channels, if any.

    Raises:
        RegionError: It has not the size of the image, (height, width), or is no example.
    """
    if mask.dtype.kind not in "buif":
        raise RegionError(f"the mask must hold numbers, got {mask.dtype}; convert it to bool")
    _check_size(mask.shape[1::-1] if mask.ndim > 1 else mask.shape, image_size)
    if mask.ndim > 3 or (mask.ndim == 3 and not 1 <= mask.shape[2] <= 4):
        raise RegionError(
            "the mask must have rows, columns and at most 4 channels, "
            f"got shape {mask.shape}; give one mask at a time"
        )
    if mask.dtype.kind == "f" and not np.isfinite(mask).all():
        raise RegionError("the mask must be finite, got NaN or infinity; write 0 outside")
    return as_example(_inside(mask), (0, 0), image_size)


def from_box(box_xyxy: tuple[float, float, float, float], image_size: tuple[int, int]) -> Region:
    """Take a box of the image's pixels, right and bottom exclusive.

    Raises:
        RegionError: It is empty, leaves the image of (height, width), or is no example.
    """
    return as_example(*box_pixels(box_xyxy, image_size), image_size)


def from_polygon(points_xy: Float[np.ndarray, "points 2"], image_size: tuple[int, int]) -> Region:
    """Take the pixels inside a closed polygon, which may touch but not cross itself.

    Raises:
        RegionError: It has fewer than three corners, crosses itself, has no area, leaves the image
            of (height, width), or is no example.
    """
    return as_example(*polygon_pixels(points_xy, image_size), image_size)


def as_example(
    inside: Bool[np.ndarray, "rows columns"],
    offset_xy: tuple[int, int],
    image_size: tuple[int, int],
) -> Region:
    """Make pixels a region if an example of this size says anything; they begin at an offset.

    Raises:
        RegionError: There are none, too few or too many for an image of (height, width).
    """
    if not inside.any():
        raise RegionError("a region must have pixels, got none; mark the thing")
    region = Region.of(inside, offset_xy)
    share = region.area_px / math.prod(image_size)
    if share > MAX_SHARE:
        raise RegionError(
            f"a region must leave some surroundings, at most {MAX_SHARE:.0%} of the image, "
            f"got {share:.0%}; mark the thing only, or swap inside and outside of the mask"
        )
    if min(region.mask.shape) < MIN_SIDE_PX:
        rows, columns = region.mask.shape
        raise RegionError(
            f"a region must span {MIN_SIDE_PX}×{MIN_SIDE_PX} px or more, "
            f"got {columns}×{rows}; mark the whole thing"
        )
    return region


def parse_box(text: str) -> tuple[float, float, float, float]:
    """Read ``X0,Y0,X1,Y1``.

    Raises:
        RegionError: These are not four numbers.
    """
    try:
        left, top, right, bottom = (float(number) for number in text.split(","))
    except ValueError as error:
        raise RegionError(
            f"a box must be four numbers X0,Y0,X1,Y1, got {text[:80]!r}; for example 40,60,120,90"
        ) from error
    return left, top, right, bottom


def parse_polygon(text: str) -> Float[np.ndarray, "points 2"]:
    """Read ``x,y x,y x,y``; line breaks and semicolons part points, too.

    Raises:
        RegionError: These are not pairs of numbers.
    """
    points = [point.split(",") for point in text.replace(";", " ").split()]
    try:
        pairs = [(float(x), float(y)) for x, y in points]
    except ValueError as error:
        raise RegionError(
            f'a polygon must be pairs "x,y x,y x,y", got {text[:80]!r}; '
            'for example "40,60 120,60 80,90"'
        ) from error
    return np.array(pairs, dtype=np.float64).reshape(-1, 2)


def _pixels(file: Image.Image, image_size: tuple[int, int]) -> np.ndarray:
    """Decode a mask upright, if its header promises the right size."""
    if file.format in ("JPEG", "MPO"):
        raise RegionError("a mask must be lossless, got JPEG, which blurs borders; save it as PNG")
    is_turned = file.getexif().get(_ORIENTATION, _UPRIGHT) in _QUARTER_TURNS
    _check_size(file.size[::-1] if is_turned else file.size, image_size)
    ImageOps.exif_transpose(file, in_place=True)
    if file.mode in ("P", "PA") or (file.mode != "RGBA" and file.has_transparency_data):
        return np.asarray(file.convert("RGBA"))
    if file.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        return np.asarray(file.convert("RGB"))
    return np.asarray(file)


def _inside(mask: np.ndarray) -> Bool[np.ndarray, "height width"]:
    """Tell inside from outside as the head of this module says."""
    inside = np.atleast_3d(mask != 0)
    is_visible = inside[..., -1]
    if inside.shape[2] in (2, 4) and not is_visible.all():
        return is_visible
    n_colors = {2: 1, 4: 3}.get(inside.shape[2], inside.shape[2])
    is_painted: np.ndarray = np.logical_or.reduce(inside[..., :n_colors], axis=2)
    return is_painted


def _check_size(found_xy: tuple[int, ...], image_size: tuple[int, int]) -> None:
    height, width = image_size
    if found_xy != (width, height):
        raise RegionError(
            f"the mask must have the size of its image, {width}×{height} (width×height), "
            f"got {'×'.join(str(side) for side in found_xy)}; draw it on that image"
        )
