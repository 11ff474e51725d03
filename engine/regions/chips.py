"""How does a small plate say which region is meant and of what kind it is?

The kind is told without colour, too: accepted regions have round plates with a check mark, defects
square ones with a cross, unknown regions square ones with a question mark.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from engine.palette import ink_on
from engine.regions.record import Kind
from engine.strokes import Color

Image = UInt8[np.ndarray, "height width 3"]
Point = tuple[float, float]

_FONT = cv2.FONT_HERSHEY_DUPLEX
# corners of the marks within a square from 0 to 1
_CHECK: tuple[tuple[Point, ...], ...] = (((0.05, 0.55), (0.38, 0.88), (0.95, 0.15)),)
_CROSS: tuple[tuple[Point, ...], ...] = (((0.1, 0.1), (0.9, 0.9)), ((0.9, 0.1), (0.1, 0.9)))


def chip_size(text: str, height_px: int) -> tuple[int, int]:
    """Return width and height of the plate with this text, in pixels."""
    text_width, _, _, _ = _text_size(text, height_px)
    gap = round(0.2 * height_px) if text else 0
    return round(text_width + gap + 1.1 * height_px), height_px


def draw_chip(
    image: Image, center_xy: Point, height_px: int, text: str, kind: Kind, color: Color
) -> None:
    """Draw a plate with a text and the mark of the kind; what lies outside the image is cut off."""
    width, height = chip_size(text, height_px)
    left, top = round(center_xy[0] - width / 2), round(center_xy[1] - height / 2)
    ink, radius = ink_on(color), round(height * (0.5 if kind == "accepted" else 0.12))
    line = max(1, round(height / 14))
    _plate(image, (left - line, top - line, width + 2 * line, height + 2 * line), radius, ink)
    _plate(image, (left, top, width, height), radius, color)
    text_width, text_height, scale, thickness = _text_size(text, height)
    x, baseline = left + round(0.3 * height), top + round((height + text_height) / 2)
    cv2.putText(image, text, (x, baseline), _FONT, scale, ink, thickness, cv2.LINE_AA)
    x += text_width + (round(0.2 * height) if text else 0)
    side = round(0.5 * height)
    if kind == "unknown":
        _, question_height, scale, thickness = _text_size("?", height)
        at = x + round(side * 0.1), top + round((height + question_height) / 2)
        cv2.putText(image, "?", at, _FONT, scale, ink, thickness + 1, cv2.LINE_AA)
        return
    corner = np.array([x, top + (height - side) / 2])
    for stroke in _CHECK if kind == "accepted" else _CROSS:
        points = (corner + side * np.array(stroke)).round().astype(np.int32)
        cv2.polylines(image, [points], False, ink, line + 1, cv2.LINE_AA)


def place_chips(
    boxes_xyxy: Sequence[tuple[float, float, float, float]],
    sizes: Sequence[tuple[int, int]],
    is_taken: Bool[np.ndarray, "height width"],
) -> list[Point]:
    """Choose the centre of each plate beside its box: inside the image, on few taken pixels.

    Plates hide each other only where there is no room left.
    """
    busy, places = is_taken.astype(np.float32), []
    for box, (width, height) in zip(boxes_xyxy, sizes, strict=True):
        options = [
            _inside(each, (width, height), busy.shape) for each in _around(box, width, height)
        ]
        costs = [float(busy[_window(each, (width, height))].sum()) for each in options]
        best = options[int(np.argmin(costs))]
        busy[_window(best, (width, height))] += 8  # rather hide a region than another plate
        places.append(best)
    return places


def _around(box_xyxy: tuple[float, float, float, float], width: int, height: int) -> list[Point]:
    """Return centres of a plate beside a box, at one and two plates' distance; best first."""
    left, top, right, bottom = box_xyxy
    places = []
    for away in (0.5, 1.7):
        across, along = away * width + 0.3 * height, away * height + 0.3 * height
        xs = (left - across, (left + right) / 2, right + across)
        ys = (top - along, (top + bottom) / 2, bottom + along)
        order = ((2, 0), (0, 0), (2, 2), (0, 2), (1, 0), (1, 2), (2, 1), (0, 1))
        places += [(xs[column], ys[row]) for column, row in order]
    return [*places, ((left + right) / 2, (top + bottom) / 2)]


def _inside(place: Point, size: tuple[int, int], image_size: tuple[int, ...]) -> Point:
    (width, height), (rows, columns) = size, image_size[:2]
    x, y = (
        min(max(at, half), max(side - half, half))
        for at, half, side in (
            (place[0], width / 2 + 0.15 * height, columns),
            (place[1], 0.65 * height, rows),
        )
    )
    return x, y


def _window(place: Point, size: tuple[int, int]) -> tuple[slice, slice]:
    (x, y), (width, height) = place, size
    return (
        slice(max(0, int(y - height / 2)), max(0, int(y + height / 2)) + 1),
        slice(max(0, int(x - width / 2)), max(0, int(x + width / 2)) + 1),
    )


def _plate(image: Image, box_xywh: tuple[int, int, int, int], radius: int, color: Color) -> None:
    x, y, width, height = box_xywh
    radius = min(radius, width // 2, height // 2)
    right, bottom = x + width - 1, y + height - 1
    cv2.rectangle(image, (x + radius, y), (right - radius, bottom), color, cv2.FILLED)
    cv2.rectangle(image, (x, y + radius), (right, bottom - radius), color, cv2.FILLED)
    for corner_x in (x + radius, right - radius):
        for corner_y in (y + radius, bottom - radius):
            cv2.circle(image, (corner_x, corner_y), radius, color, cv2.FILLED, cv2.LINE_AA)


def _text_size(text: str, height_px: int) -> tuple[int, int, float, int]:
    """Return width, height, scale and thickness of a text on a plate of this height."""
    scale = cv2.getFontScaleFromHeight(_FONT, max(4, round(0.58 * height_px)), 1)
    thickness = max(1, round(height_px / 18))
    (width, height), _ = cv2.getTextSize(text or "0", _FONT, scale, thickness)
    return (width if text else 0), height, scale, thickness
