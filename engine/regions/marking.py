"""How are regions rimmed, ringed and numbered on a picture?"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import UInt8

from engine.regions.chips import chip_size, draw_chip, place_chips
from engine.regions.record import Kind
from engine.strokes import BLACK, WHITE, Color
from features.region import Region

Image = UInt8[np.ndarray, "height width 3"]

_CHIPS_PER_SIDE = 20  # numbers stay readable on a picture a third of a page wide
_LINES_PER_SIDE = 400


def contour(drawn: Image, region: Region, color: Color, width_px: int) -> None:
    """Draw a line along the border of a region, around its holes, too."""
    rings, _ = cv2.findContours(
        region.mask.astype(np.uint8),
        cv2.RETR_LIST,
        cv2.CHAIN_APPROX_NONE,
        offset=region.box_xyxy[:2],
    )
    cv2.drawContours(drawn, rings, -1, color, width_px, cv2.LINE_AA)


def ring(drawn: Image, region: Region, color: Color) -> None:
    """Draw a circle around a region that is too small to be seen; others stay as they are."""
    reach = _ring_reach(drawn, region)
    if reach is None:
        return
    x, y = _center(region)
    center, width = (round(x), round(y)), line_px(drawn) + 1
    halo = BLACK if color == WHITE else WHITE
    cv2.circle(drawn, center, reach, halo, width + 2, cv2.LINE_AA)
    cv2.circle(drawn, center, reach, color, width, cv2.LINE_AA)


def number(
    drawn: Image, regions: Sequence[Region], kinds: Sequence[Kind], colors: Sequence[Color]
) -> None:
    """Put the number of each region, from 1, beside it, with a line to it; the first is on top."""
    height, line = _chip_px(drawn), line_px(drawn)
    texts = [str(i) for i in range(1, len(regions) + 1)]
    is_taken = np.zeros(drawn.shape[:2], dtype=bool)
    for region in regions:
        is_taken[window(region)] |= region.mask
    boxes = [_box_with_ring(drawn, region) for region in regions]
    places = place_chips(boxes, [chip_size(text, height) for text in texts], is_taken)
    for region, color, place in zip(regions, colors, places, strict=True):
        start, end = (round(place[0]), round(place[1])), _nearest(region, place)
        cv2.line(drawn, start, end, WHITE, line + 2, cv2.LINE_AA)
        cv2.line(drawn, start, end, color, line, cv2.LINE_AA)
    for text, kind, color, place in reversed(list(zip(texts, kinds, colors, places, strict=True))):
        draw_chip(drawn, place, height, text, kind, color)


def window(region: Region) -> tuple[slice, slice]:
    """Return the rows and columns of the box of a region."""
    left, top, right, bottom = region.box_xyxy
    return slice(top, bottom), slice(left, right)


def line_px(image: Image) -> int:
    """Width of a thin line on this image."""
    width: int = round(max(image.shape[:2]) / _LINES_PER_SIDE)
    return max(1, width)


def _chip_px(image: Image) -> int:
    height: int = round(max(image.shape[:2]) / _CHIPS_PER_SIDE)
    return max(9, height)


def _ring_reach(drawn: Image, region: Region) -> int | None:
    """Return the radius of the ring around a region, if it needs one."""
    left, top, right, bottom = region.box_xyxy
    least = round(0.5 * _chip_px(drawn))
    return least if max(right - left, bottom - top) < least else None


def _box_with_ring(drawn: Image, region: Region) -> tuple[float, float, float, float]:
    reach, (x, y) = _ring_reach(drawn, region), _center(region)
    if reach is not None:
        return x - reach, y - reach, x + reach, y + reach
    left, top, right, bottom = region.box_xyxy
    return float(left), float(top), float(right), float(bottom)


def _nearest(region: Region, place: tuple[float, float]) -> tuple[int, int]:
    """Return the pixel of a region that is nearest to a place."""
    y, x = np.nonzero(region.mask)
    x, y = x + region.box_xyxy[0], y + region.box_xyxy[1]
    best = np.argmin((x - place[0]) ** 2 + (y - place[1]) ** 2)
    return int(x[best]), int(y[best])


def _center(region: Region) -> tuple[float, float]:
    left, top, right, bottom = region.box_xyxy
    return (left + right - 1) / 2, (top + bottom - 1) / 2
