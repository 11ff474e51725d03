"""Outlines of a region as an operator gives them: a mask, a box or a polygon.

Whatever is given becomes a ``Region`` or is refused in one line. Coordinates are continuous and
start at the image's upper left corner: the pixel of column c and row r covers c … c + 1 across and
r … r + 1 down, and belongs to an outline if its centre lies inside. With whole numbers a box
therefore holds the pixels from left and top on, right and bottom exclusive, and a polygon through
the box's corners is the same region; polygons that share an edge share no pixel and leave no gap.

In a mask every pixel that is not zero is inside. Of a colour mask one channel is enough; where some
pixels are fully transparent, transparency alone decides, so that a thing cut out of its photograph
is a mask of that thing, black pixels included. Files are read as ``features.samples.labels`` says.
Beside white, specks too dark to be seen are strays, which are left out and said; where they fill an
area they may be meant, and the mask is refused. Several labels are one region, which is said, too.

How often a polygon's border winds around a pixel's centre is the sum of the border's crossings to
its left, each counted with its direction (Sunday, 2001). A border that only touches itself winds
around every pixel in one direction, once or not at all; one that crosses itself is refused.
"""

from __future__ import annotations

import logging
import math
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

from features.image_files import MAX_PIXELS, LossyMaskError, read_labels
from features.image_files import image_size as size_of_file
from features.images import ImageError, Mask
from features.region import Box, Region, RegionError

# a hand draws fewer, and every edge is compared with every other
MAX_POINTS = 10_000

# an example must leave some surroundings to be told from
MAX_SHARE = 0.9
# along each side; less is a speck that no descriptor sees
MIN_SIDE_PX = 2

# beside white, values up to this are black to whoever paints a mask
WHITE, MOST_STRAY = 255, 7
# more values than that are no labels but the soft border of one
MAX_LABELS = 32
_AREA = np.ones((3, 3), dtype=np.uint8)

_logger = logging.getLogger(__name__)


def from_mask_file(path: str | Path, image_size: tuple[int, int]) -> Region:
    """Take a mask of the size of its image, (height, width), from an image file.

    Raises:
        RegionError: The file is not a mask, or the mask no example.
    """
    path = Path(path)
    if not path.is_file():
        raise RegionError(f"mask {path} must be an image file, got none there; check the path")
    try:
        # the size is compared with the image's before anything is decoded
        max_pixels = max(MAX_PIXELS, math.prod(image_size))
        found = size_of_file(path, max_pixels=max_pixels, least_px=1)
        _check_size(found[::-1], image_size)
        return from_mask(read_labels(path, max_pixels=max_pixels), image_size)
    except RegionError as error:
        raise RegionError(f"{path}: {error}") from error
    except LossyMaskError as error:
        raise RegionError(str(error)) from error
    except ImageError as error:
        raise RegionError(
            f"mask {path} must be an image that can be read, got an error ({error}); "
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


def box_pixels(
    box_xyxy: tuple[float, float, float, float], image_size: tuple[int, int]
) -> tuple[Bool[np.ndarray, "rows columns"], tuple[int, int]]:
    """Fill a box, whether or not it is an example, and say where its first pixel lies.

    Raises:
        RegionError: It is empty or leaves the image of (height, width).
    """
    left, top, right, bottom = box_xyxy
    _check_inside(np.array([(left, top), (right, bottom)], dtype=np.float64), image_size, "box")
    if not (left < right and top < bottom):
        raise RegionError(
            f"a box must be left < right and top < bottom, got {_listed(box_xyxy)}; "
            "give the upper left corner first: X0,Y0,X1,Y1"
        )
    x, y = _first(left), _first(top)
    return np.ones((_first(bottom) - y, _first(right) - x), dtype=bool), (x, y)


def polygon_pixels(
    points_xy: Float[np.ndarray, "points 2"], image_size: tuple[int, int]
) -> tuple[Bool[np.ndarray, "rows columns"], tuple[int, int]]:
    """Fill a polygon, whether or not it is an example, and say where its first pixel lies.

    Raises:
        RegionError: It has fewer than three corners, crosses itself, has no area or leaves the
            image of (height, width).
    """
    points_xy = np.asarray(points_xy, dtype=np.float64)
    _check_inside(points_xy, image_size, "polygon")
    corners_xy = points_xy[(points_xy != np.roll(points_xy, 1, axis=0)).any(axis=1)]
    n_corners = len(np.unique(corners_xy, axis=0))
    if n_corners < 3 or len(corners_xy) > MAX_POINTS:
        cure = "mark more of them" if n_corners < 3 else "give a mask instead"
        raise RegionError(
            f"a polygon must have 3 … {MAX_POINTS} different corners, got {n_corners}; {cure}"
        )
    left, top = (int(side) for side in np.floor(corners_xy.min(axis=0)))
    right, bottom = (int(side) for side in np.ceil(corners_xy.max(axis=0)))
    turns = _winding(corners_xy, (left, top, right, bottom))
    if (crossing_xy := _crossing(corners_xy, turns)) is not None:
        raise RegionError(
            f"a polygon must not cross itself, got a crossing at {_listed(crossing_xy)}; "
            "give the corners in their order along the border"
        )
    if not turns.any():
        raise RegionError("a polygon must enclose pixels, got no area; mark corners farther apart")
    return turns != 0, (left, top)


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


# Masks


def _inside(mask: np.ndarray) -> Mask:
    """Tell inside from outside as the head of this module says."""
    inside = np.atleast_3d(mask != 0)
    is_visible = inside[..., -1]
    if inside.shape[2] in (2, 4) and not is_visible.all():
        return is_visible
    if inside.shape[2] <= 2:
        return _meant(np.atleast_3d(mask)[..., 0])
    n_colors = {2: 1, 4: 3}.get(inside.shape[2], inside.shape[2])
    is_painted: np.ndarray = np.logical_or.reduce(inside[..., :n_colors], axis=2)
    return is_painted


def _meant(labels: np.ndarray) -> Mask:
    """Tell the pixels of a mask of one channel that are meant, and say what else there is.

    Raises:
        RegionError: That is not clear.
    """
    inside: Mask = labels != 0
    is_dark = inside & (labels > 0) & (labels <= MOST_STRAY)
    if labels.dtype.kind != "b" and labels.max() >= WHITE and is_dark.any():
        values = f"value {_range(labels[is_dark])}"
        if _fills_area(is_dark):
            raise RegionError(
                f"the mask must have one label, got {is_dark.sum()} px of {values} beside "
                f"{(inside & ~is_dark).sum()} brighter ones; save it with 0 outside and 255 inside"
            )
        _logger.warning(
            "the mask also has %d stray pixels of %s, which are left out", is_dark.sum(), values
        )
        inside = inside & ~is_dark
    n_labels = _n_labels(labels, inside)
    if n_labels > 1:
        _logger.warning("the mask has %d labels, which are taken as one region", n_labels)
    return inside


def _n_labels(labels: np.ndarray, inside: Mask) -> int:
    """Count the values that fill an area; a soft border has others, too."""
    values = np.unique(labels[inside])
    if not 1 < len(values) <= MAX_LABELS:
        return min(len(values), 1)
    return sum(_fills_area(labels == value) for value in values)


def _fills_area(inside: Mask) -> bool:
    """Tell whether pixels are more than specks and lines: a square of three by three."""
    kept = cv2.erode(inside.astype(np.uint8), _AREA, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return bool(np.any(kept))


def _range(values: np.ndarray) -> str:
    low, high = values.min(), values.max()
    return f"{low:g}" if low == high else f"{low:g} … {high:g}"


def _check_size(found_xy: tuple[int, ...], image_size: tuple[int, int]) -> None:
    height, width = image_size
    if found_xy != (width, height):
        raise RegionError(
            f"the mask must have the size of its image, {width}×{height} (width×height), "
            f"got {'×'.join(str(side) for side in found_xy)}; draw it on that image"
        )


# Boxes and polygons


def _check_inside(
    points_xy: Float[np.ndarray, "points 2"], image_size: tuple[int, int], what: str
) -> None:
    if not np.isfinite(points_xy).all():
        raise RegionError(f"a {what} must be finite, got NaN or infinity; give pixels")
    height, width = image_size
    is_outside = (points_xy < 0).any(axis=1) | (points_xy > (width, height)).any(axis=1)
    if is_outside.any():
        raise RegionError(
            f"a {what} must lie in the image of {width}×{height} px (width×height), "
            f"got the point {_listed(points_xy[is_outside][0])}; "
            f"keep x in 0 … {width} and y in 0 … {height}"
        )


def _first(edge: float) -> int:
    """Give the first row or column whose centre lies beyond an edge."""
    return math.ceil(edge - 0.5)


def _listed(numbers: Box | tuple[float, ...] | Float[np.ndarray, " entries"]) -> str:
    return "(" + ", ".join(f"{number:g}" for number in numbers) + ")"


def _winding(
    corners_xy: Float[np.ndarray, "corners 2"], box_xyxy: Box
) -> Int[np.ndarray, "rows columns"]:
    """Count how often the border turns around each pixel of a box that encloses it."""
    left, top, right, bottom = box_xyxy
    # one column more, for what crosses right of the last pixel's centre
    steps = np.zeros((bottom - top, right - left + 1), dtype=np.int32)
    for corner, following in zip(corners_xy, np.roll(corners_xy, -1, axis=0), strict=True):
        is_down = following[1] > corner[1]
        # from above, whichever way: what shares the edge must round alike
        (x, y), (end_x, end_y) = (corner, following) if is_down else (following, corner)
        rows = np.arange(np.ceil(y - 0.5), np.ceil(end_y - 0.5)).astype(int)
        if not len(rows):
            continue
        at_x = x + (rows + 0.5 - y) * ((end_x - x) / (end_y - y))
        # rounding must not leave the box
        columns = np.ceil(np.clip(at_x, left, right) - 0.5).astype(int)
        steps[rows - top, columns - left] += 1 if is_down else -1
    turns: np.ndarray = np.cumsum(steps, axis=1)[:, :-1]
    return turns


def _crossing(
    corners_xy: Float[np.ndarray, "corners 2"], turns: Int[np.ndarray, "rows columns"]
) -> tuple[float, float] | None:
    """Give a point where the border crosses itself, if it does; ``turns`` is its winding."""
    crossings_xy, touches_xy = _meetings(corners_xy)
    if crossings_xy:
        return crossings_xy[0]
    # where no two edges cross, a corner may lie on an edge that is crossed there
    is_crossed = turns.min() < 0 < turns.max() or np.abs(turns).max() > 1
    return touches_xy[0] if is_crossed and touches_xy else None


def _meetings(
    corners_xy: Float[np.ndarray, "corners 2"],
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """List where edges that are no neighbours cross, and where they only touch."""
    crossings: list[tuple[float, float]] = []
    touches: list[tuple[float, float]] = []
    ends_xy = np.roll(corners_xy, -1, axis=0)
    n_edges = len(corners_xy)
    for index in range(n_edges - 2):
        # the last edge is a neighbour of the first
        others = slice(index + 2, n_edges - (index == 0))
        start, end = corners_xy[index], ends_xy[index]
        starts, ends = corners_xy[others], ends_xy[others]
        side_start, side_end = _side(start, end, starts), _side(start, end, ends)
        side_mine, side_my_end = _side(starts, ends, start), _side(starts, ends, end)
        is_parted = (side_start * side_end <= 0) & (side_mine * side_my_end <= 0)
        is_near = (np.minimum(starts, ends) <= np.maximum(start, end)).all(axis=1)
        is_near &= (np.maximum(starts, ends) >= np.minimum(start, end)).all(axis=1)
        is_crossing = (side_start * side_end < 0) & (side_mine * side_my_end < 0)
        for other in np.flatnonzero(is_parted & is_near):
            if is_crossing[other]:
                share = side_mine[other] / (side_mine[other] - side_my_end[other])
                x, y = start + share * (end - start)
                crossings.append((float(x), float(y)))
            else:
                touching = (starts if side_start[other] == 0 else ends)[other]
                on_mine = 0 in (side_start[other], side_end[other])
                x, y = touching if on_mine else (start if side_mine[other] == 0 else end)
                touches.append((float(x), float(y)))
    return crossings, touches


def _side(
    start: Float[np.ndarray, "... 2"],
    end: Float[np.ndarray, "... 2"],
    points: Float[np.ndarray, "... 2"],
) -> Float[np.ndarray, " edges"]:
    """Tell on which side of a line points lie, by the sign; 0 is on it."""
    along, towards = end - start, points - start
    side: np.ndarray = along[..., 0] * towards[..., 1] - along[..., 1] * towards[..., 0]
    return side
