"""Strokes: fills, frames and small labels on an image, whatever its size.

Everything here draws in place. Lines and letters grow with the image, so that they look the same
once a page has scaled it.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, Int

from features.images import Image, Mask

Color = tuple[int, int, int]

WHITE: Color = (255, 255, 255)
BLACK: Color = (0, 0, 0)

_FILL = 0.5  # opacity of a region: its texture must still be seen
_FONT = cv2.FONT_HERSHEY_DUPLEX
_SIDES_PER_LINE = 360  # 2 or 3 px on an image of 900
_LONG_SIDES_PER_LABEL = 1 / 34  # a plate 26 px high on an image of 900
_LEAST_LABEL_PX = 9


def fill(image: Image, mask: Mask, color: Color) -> None:
    """Tint a region, cover its rim. Nothing outside the region changes."""
    _blend(image, mask, color)
    image[rim(mask, stroke_px(image.shape[:2]))] = color


def hatch(image: Image, mask: Mask, color: Color) -> None:
    """Cover a region with diagonal stripes, its rim broadly. Nothing outside changes."""
    y, x = np.ogrid[: mask.shape[0], : mask.shape[1]]
    stripe_px = 3 * stroke_px(image.shape[:2])
    _blend(image, mask & ((x + y) // stripe_px % 2 == 0), color)
    image[rim(mask, 2 * stroke_px(image.shape[:2]))] = color


def outline(image: Image, mask: Mask) -> None:
    """Draw a white line with a dark halo around a region."""
    rings, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    width = max(1, stroke_px(image.shape[:2]) - 1)
    cv2.drawContours(image, rings, -1, BLACK, width + 2, cv2.LINE_AA)
    cv2.drawContours(image, rings, -1, WHITE, width, cv2.LINE_AA)


def frame(image: Image, box_xyxy: Int[np.ndarray, " 4"], color: Color, *, is_dashed: bool) -> None:
    """Draw a box on a white halo; right and bottom are exclusive."""
    width = stroke_px(image.shape[:2]) + 1
    left, top, right, bottom = (int(side) for side in box_xyxy - (0, 0, 1, 1))
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    cv2.rectangle(image, corners[0], corners[2], WHITE, width + 4)
    for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
        n_pieces = max(2, round(np.hypot(*np.subtract(end, start)) / (8 * width)))
        stops = np.linspace(start, end, 2 * n_pieces + 1).round().astype(int)
        if not is_dashed:
            stops = stops[[0, -1]]
        for a, b in zip(stops[:-1:2], stops[1::2], strict=True):
            cv2.line(image, tuple(a.tolist()), tuple(b.tolist()), color, width)


def label(
    image: Image, center_xy: tuple[float, float], text: str, color: Color, ink: Color
) -> None:
    """Write a text on a rounded plate around a centre, or as near to it as the image has room."""
    height = label_px(image)
    scale = cv2.getFontScaleFromHeight(_FONT, round(0.6 * height), 1)
    thickness = max(1, round(height / 16))
    (text_width, text_height), _ = cv2.getTextSize(text, _FONT, scale, thickness)
    reach = max(height, text_width + height // 2) / 2, height / 2
    sides = image.shape[1::-1]
    x, y = (
        round(min(max(at, half + 1), max(side - half - 2, half + 1)))
        for at, half, side in zip(center_xy, reach, sides, strict=True)
    )
    _plate(image, (x, y), reach, ink, 1)
    _plate(image, (x, y), reach, color, 0)
    at = round(x - text_width / 2), round(y + text_height / 2)
    cv2.putText(image, text, at, _FONT, scale, ink, thickness, cv2.LINE_AA)


def label_px(image: Image) -> int:
    """Height of a label's plate on this image."""
    height: int = round(max(image.shape[:2]) * _LONG_SIDES_PER_LABEL)
    return max(_LEAST_LABEL_PX, height)


def label_places(mask: Mask, least_radius_px: float) -> list[tuple[float, float]]:
    """Choose where to label each connected region: its widest place that is nearest its centre.

    Of the regions narrower than the radius only the largest of all gets a label.
    """
    n, regions, stats, centers = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    room = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])) if n > 1 else 0
    places = []
    for region in range(1, n):
        left, top, width, height = stats[region, :4].tolist()
        window = np.s_[top : top + height, left : left + width]
        inside: Float32[np.ndarray, "rows columns"] = room[window] * (regions[window] == region)
        if region == largest or inside.max() >= least_radius_px:
            y, x = np.nonzero(inside >= 0.8 * inside.max())
            best = np.argmin(
                (x + left - centers[region, 0]) ** 2 + (y + top - centers[region, 1]) ** 2
            )
            places.append((float(x[best] + left), float(y[best] + top)))
    return places


def _blend(image: Image, mask: Mask, color: Color) -> None:
    """Mix a colour with the lightness of what it covers, so that it looks the same everywhere."""
    grey = image[mask] @ np.array([0.299, 0.587, 0.114])  # luma, ITU-R BT.601
    image[mask] = (grey[:, None] * (1 - _FILL) + np.array(color) * _FILL).round().astype(np.uint8)


def rim(mask: Mask, width_px: int) -> Mask:
    """The pixels of a region within a distance of its outside; the image's edge is outside."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width_px + 1,) * 2)
    inner = cv2.erode(mask.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(mask & (inner == 0))


def _plate(
    image: Image, center: tuple[int, int], reach: tuple[float, float], color: Color, rim_px: int
) -> None:
    x, y = center
    radius = round(reach[1]) + rim_px
    inset = max(round(reach[0] - reach[1]), 0)
    cv2.line(image, (x - inset, y), (x + inset, y), color, 2 * radius, cv2.LINE_AA)


def stroke_px(size: tuple[int, ...]) -> int:
    """Width of a line on an image of this (height, width)."""
    return max(1, round(max(size) / _SIDES_PER_LINE))
