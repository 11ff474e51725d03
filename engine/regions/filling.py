"""Which pixels lie in this box, in this polygon? Whether they are an example is asked elsewhere.

Coordinates are continuous (see ``engine.regions.outlines``): a pixel belongs if its centre lies in.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float

from engine.regions.polygons import crossing, winding
from features.region import Box, RegionError

# a hand draws fewer, and every edge is compared with every other
MAX_POINTS = 10_000


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
    turns = winding(corners_xy, (left, top, right, bottom))
    if (crossing_xy := crossing(corners_xy, turns)) is not None:
        raise RegionError(
            f"a polygon must not cross itself, got a crossing at {_listed(crossing_xy)}; "
            "give the corners in their order along the border"
        )
    if not turns.any():
        raise RegionError("a polygon must enclose pixels, got no area; mark corners farther apart")
    return turns != 0, (left, top)


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
