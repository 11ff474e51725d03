"""Parser of the shapes that a browser sends, none of which is believed.

A shape is a JSON object: ``{"kind": "stroke", "points": [[x, y], …], "radius": r, "erase": bool}``,
``{"kind": "box", "box": [left, top, right, bottom]}``, ``{"kind": "polygon", "points": [[x, y],
…]}`` or ``{"kind": "click", "point": [x, y]}``; numbers are pixels of the image (see
``engine.regions.shapes``).
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping

from engine.regions.outlines import MAX_POINTS
from engine.regions.shapes import Box, Click, Point, Polygon, Shape, Stroke
from features.region import RegionError

MAX_SHAPES = 2_000
# of all shapes together; an hour of painting is less
MAX_POINTS_IN_ALL = 50_000
# the pixel beneath the brush, at least; the browser's largest brush is half of the most
MIN_RADIUS_PX, MAX_RADIUS_PX = 0.5, 400

_KEYS = {
    "stroke": {"kind", "points", "radius", "erase"},
    "box": {"kind", "box"},
    "polygon": {"kind", "points"},
    "click": {"kind", "point"},
}


def parse_shapes(values: object, image_size: tuple[int, int]) -> tuple[Shape, ...]:
    """Read shapes on an image of (height, width) from JSON values.

    Raises:
        RegionError: They are not a list of shapes as above, have too many points, or lie farther
            outside than the image is large.
    """
    if not isinstance(values, list):
        raise RegionError(f"shapes must be a list, got {_named(values)}; paint again")
    if len(values) > MAX_SHAPES:
        raise RegionError(
            f"at most {MAX_SHAPES} shapes can be painted, got {len(values)}; use a larger brush"
        )
    shapes = tuple(_shape(value, image_size) for value in values)
    n_points = sum(len(each.points_xy) for each in shapes if isinstance(each, Stroke | Polygon))
    if n_points > MAX_POINTS_IN_ALL:
        raise RegionError(
            f"shapes must have at most {MAX_POINTS_IN_ALL} points in all, got {n_points}; "
            "use a larger brush"
        )
    return shapes


def number(value: object, low: float, high: float, what: str) -> float:
    """Read a number within limits.

    Raises:
        RegionError: It is none, not finite or beyond the limits.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise RegionError(
            f"{what} must be a number in {low:g} … {high:g}, got {_named(value)}; paint again"
        )
    return float(value)


def _shape(value: object, image_size: tuple[int, int]) -> Shape:
    kind = value.get("kind") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(kind, str) or kind not in _KEYS:
        raise RegionError(
            f"a shape must be one of {', '.join(_KEYS)}, got {_named(kind or value)}; paint again"
        )
    if set(value) != _KEYS[kind]:
        raise RegionError(
            f"a {kind} must have {', '.join(sorted(_KEYS[kind]))}, "
            f"got {_named(sorted(map(str, value)))}; paint again"
        )
    if kind == "stroke":
        return _stroke(value, image_size)
    if kind == "polygon":
        return Polygon(_points(value["points"], image_size, what="a polygon"))
    if kind == "click":
        return Click(_point(value["point"], image_size, margin=0))
    left, top, right, bottom = _listed(value["box"], 4, "a box")
    (left, top), (right, bottom) = (
        _point([x, y], image_size, margin=0) for x, y in ((left, top), (right, bottom))
    )
    return Box((left, top, right, bottom))


def _stroke(value: Mapping[str, object], image_size: tuple[int, int]) -> Stroke:
    is_erasing = value["erase"]
    if not isinstance(is_erasing, bool):
        raise RegionError(f'"erase" must be true or false, got {_named(is_erasing)}; paint again')
    radius = number(value["radius"], MIN_RADIUS_PX, MAX_RADIUS_PX, "the radius of a brush")
    # a hand may leave the image on its way
    points_xy = _points(value["points"], image_size, what="a stroke", margin=1)
    return Stroke(points_xy, radius, is_erasing)


def _points(
    value: object, image_size: tuple[int, int], *, what: str, margin: int = 0
) -> tuple[Point, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_POINTS:
        got = f"{len(value)} of them" if isinstance(value, list) else _named(value)
        raise RegionError(f"{what} must have 1 … {MAX_POINTS} points, got {got}; paint again")
    return tuple(_point(point, image_size, margin=margin) for point in value)


def _point(value: object, image_size: tuple[int, int], *, margin: int) -> Point:
    """Read a point, at most ``margin`` times the image outside of it."""
    x, y = _listed(value, 2, "a point")
    height, width = image_size
    return (
        number(x, -margin * width, (1 + margin) * width, "x of a point"),
        number(y, -margin * height, (1 + margin) * height, "y of a point"),
    )


def _listed(value: object, length: int, what: str) -> list[object]:
    if not isinstance(value, list) or len(value) != length:
        raise RegionError(f"{what} must be {length} numbers, got {_named(value)}; paint again")
    return value


def _named(value: object) -> str:
    """Quote the beginning of whatever was sent, in one line."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN or infinity"
    return reprlib.repr(value)
