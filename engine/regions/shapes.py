"""Shapes painted by a person, with brush, eraser, box and polygon, as pixels.

Coordinates are those of ``engine.regions.outlines``: continuous, from the image's upper left corner
on; the pixel of column c and row r covers c … c + 1 across and r … r + 1 down, and belongs to a
shape if its centre lies inside, border included for a brush. A brush covers the discs of its radius
around every point of its path, the straight lines between the given points included. Shapes are
taken in their order: each adds its pixels, an erasing stroke takes away what lies beneath it. A
click is a place, no pixels.

A row cuts a swept disc in one interval. Its ends are the outermost of the discs at both ends and of
the two straight edges between them, so that a stroke costs its rows, whatever its radius. The
browser draws its preview by the same sums in the same order (``ui/static/raster.js``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.regions.outlines import as_example, box_pixels, polygon_pixels
from features import region
from features.images import Mask
from features.region import Region

Point = tuple[float, float]

# rows of a brush on its ways that are joined at once, to bound the memory
_MAX_SPANS = 1_000_000


@dataclass(frozen=True)
class Stroke:
    """The way of a brush or an eraser; it may leave the image.

    ``points_xy`` is at least one point, ``radius_px`` half the width of the brush.
    """

    points_xy: tuple[Point, ...]
    radius_px: float
    is_erasing: bool = False


@dataclass(frozen=True)
class Box:
    """A box within the image, right and bottom exclusive."""

    box_xyxy: tuple[float, float, float, float]


@dataclass(frozen=True)
class Polygon:
    """A closed border within the image, which does not cross itself."""

    points_xy: tuple[Point, ...]


@dataclass(frozen=True)
class Click:
    """A place in the image: what lies there is meant, whatever its border."""

    point_xy: Point


Shape = Stroke | Box | Polygon | Click


def region_of(shapes: Sequence[Shape], image_size: tuple[int, int]) -> Region:
    """Take the pixels that shapes leave painted on an image of (height, width).

    Raises:
        RegionError: A box or polygon is none, or what is painted is no example: nothing, a speck,
            or nearly the whole image.
    """
    left, top, right, bottom = _frame(shapes, image_size)
    inside = np.zeros((bottom - top, right - left), dtype=bool)
    for shape in shapes:
        if isinstance(shape, Stroke):
            _sweep(inside, shape, (left, top))
        elif isinstance(shape, Box):
            _add(inside, *box_pixels(shape.box_xyxy, image_size), (left, top))
        elif isinstance(shape, Polygon):
            corners_xy = np.array(shape.points_xy, dtype=np.float64)
            _add(inside, *polygon_pixels(corners_xy, image_size), (left, top))
    return as_example(inside, (left, top), image_size)


def _frame(shapes: Sequence[Shape], image_size: tuple[int, int]) -> region.Box:
    """Give a box around all that is painted; what is no shape is refused when it is filled."""
    height, width = image_size
    reaches = [reach for shape in shapes if (reach := _reach(shape)) is not None]
    if not reaches:
        return 0, 0, 0, 0
    low, high = np.nan_to_num(np.min(reaches, axis=0)), np.nan_to_num(np.max(reaches, axis=0))
    left, top = (int(side) for side in np.clip(np.floor(low[:2]), 0, (width, height)))
    right, bottom = (int(side) for side in np.clip(np.ceil(high[2:]), 0, (width, height)))
    return left, top, max(left, right), max(top, bottom)


def _reach(shape: Shape) -> tuple[float, float, float, float] | None:
    """Give the box around what a shape adds, or None if it adds nothing."""
    if isinstance(shape, Box):
        return shape.box_xyxy
    if isinstance(shape, Click) or (isinstance(shape, Stroke) and shape.is_erasing):
        return None
    margin = shape.radius_px if isinstance(shape, Stroke) else 0
    xs, ys = zip(*shape.points_xy, strict=True)
    return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin


def _add(
    inside: Mask,
    mask: Bool[np.ndarray, "rows columns"],
    at_xy: tuple[int, int],
    frame_xy: tuple[int, int],
) -> None:
    """Paint a mask that begins at a pixel of the image; the frame begins at another."""
    (x, y), (left, top) = at_xy, frame_xy
    rows, columns = mask.shape
    inside[y - top : y - top + rows, x - left : x - left + columns] |= mask


def _sweep(inside: Mask, stroke: Stroke, frame_xy: tuple[int, int]) -> None:
    """Paint or erase the ways of a brush, some of them at a time."""
    points_xy = np.array(stroke.points_xy, dtype=np.float64) - frame_xy
    ways = list(pairwise(np.concatenate([points_xy[:1], points_xy])))
    n_at_once = max(1, round(_MAX_SPANS / (2 * stroke.radius_px + 2)))
    for begin in range(0, len(ways), n_at_once):
        spans = [
            _spans(start_xy, end_xy, stroke.radius_px, len(inside))
            for start_xy, end_xy in ways[begin : begin + n_at_once]
        ]
        rows, low, high = (np.concatenate(each) for each in zip(*spans, strict=True))
        for row, first, stop in _runs(rows, low, high, inside.shape[1]):
            inside[row, first:stop] = not stroke.is_erasing


def _runs(
    rows: Int[np.ndarray, " spans"],
    low: Float[np.ndarray, " spans"],
    high: Float[np.ndarray, " spans"],
    width: int,
) -> Iterator[tuple[int, int, int]]:
    """Join the spans of each row to runs of pixels whose centres lie inside: row, first, stop."""
    # a row after the other, one apart, so that no run goes on in the next row
    start = rows * (width + 1)
    first = start + np.clip(np.ceil(low - 0.5), 0, width).astype(int)
    stop = start + np.clip(np.floor(high - 0.5) + 1, 0, width).astype(int)
    is_some = first < stop
    first, stop = first[is_some], stop[is_some]
    order = np.argsort(first, kind="stable")
    first, reached = first[order], np.maximum.accumulate(stop[order])
    is_new = np.r_[True, first[1:] > reached[:-1]][: len(first)]
    is_last = np.r_[is_new[1:], True][: len(first)]
    for begin, end in zip(first[is_new].tolist(), reached[is_last].tolist(), strict=True):
        row, column = divmod(begin, width + 1)
        yield row, column, end - row * (width + 1)


def _spans(
    start_xy: Float[np.ndarray, "2"],
    end_xy: Float[np.ndarray, "2"],
    radius: float,
    height: int,
) -> tuple[Int[np.ndarray, " rows"], Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    """Give the rows, of so many, that a disc touches on its way, and its reach in each."""
    (start_x, start_y), (end_x, end_y) = start_xy, end_xy
    first = max(int(np.floor(min(start_y, end_y) - radius)), 0)
    stop = min(int(np.ceil(max(start_y, end_y) + radius)), height)
    rows = np.arange(first, stop)
    at_y = rows + 0.5
    low, high = np.full(len(rows), np.inf), np.full(len(rows), -np.inf)
    for x, y in (start_xy, end_xy):
        off_y = at_y - y
        rest = radius * radius - off_y * off_y
        is_met = rest >= 0
        reach = np.sqrt(rest[is_met])
        low[is_met] = np.minimum(low[is_met], x - reach)
        high[is_met] = np.maximum(high[is_met], x + reach)
    way_x, way_y = end_x - start_x, end_y - start_y
    if way_y != 0:
        length = np.sqrt(way_x * way_x + way_y * way_y)
        for side_x, side_y in (
            (-way_y * radius / length, way_x * radius / length),
            (way_y * radius / length, -way_x * radius / length),
        ):
            share = (at_y - start_y - side_y) / way_y
            is_met = (share >= 0) & (share <= 1)
            at_x = start_x + share[is_met] * way_x + side_x
            low[is_met] = np.minimum(low[is_met], at_x)
            high[is_met] = np.maximum(high[is_met], at_x)
    is_touched = low <= high
    return rows[is_touched], low[is_touched], high[is_touched]
