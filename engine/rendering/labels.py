"""Text, label badges and outlines of regions on a picture.

Text may be of any script, on any machine. The font that comes with Pillow knows little more than
ASCII, so the first common font of the system that has all letters of a text is taken. Without any,
accents are left out, and letters of other scripts are given by their number in Unicode.

A badge says which region is meant and of what kind it is, without colour, too: accepted regions
have round badges with a check mark, defects square ones with a cross, unknown regions square ones
with a question mark.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from engine.regions.report import RegionKind
from engine.rendering.colors import ink_on
from engine.rendering.strokes import BLACK, WHITE, Color
from features.images import Image, Mask
from features.names import one_line
from features.region import Region

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# of Linux, Windows and macOS; the last ones for scripts that the first ones lack
_FILES = (
    "DejaVuSans.ttf",
    "segoeui.ttf",
    "Arial.ttf",
    "arial.ttf",
    "NotoSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "Arial Unicode.ttf",
    "NotoSansCJK-Regular.ttc",
    "wqy-zenhei.ttc",
    "msyh.ttc",
    "malgun.ttf",
    "Hiragino Sans GB.ttc",
)
_PLAIN = str.maketrans(
    {"×": "x", "–": "-", "…": "...", "≥": ">=", "ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "ł": "l"}
)
_NO_LETTER = "\uffff"  # by definition in no font

Point = tuple[float, float]

_FONT = cv2.FONT_HERSHEY_DUPLEX
# corners of the marks within a square from 0 to 1
_CHECK: tuple[tuple[Point, ...], ...] = (((0.05, 0.55), (0.38, 0.88), (0.95, 0.15)),)
_CROSS: tuple[tuple[Point, ...], ...] = (((0.1, 0.1), (0.9, 0.9)), ((0.9, 0.1), (0.1, 0.9)))

_BADGES_PER_SIDE = 20  # numbers stay readable on a picture a third of a page wide
_LINES_PER_SIDE = 400


# Text


def text_width(text: str, size_px: int) -> int:
    """Return the width of a text in pixels."""
    font, letters = _fit(text, size_px)
    return int(np.ceil(font.getlength(letters)))


def shortened(text: str, width_px: int, size_px: int) -> str:
    """Return a text, or as much of its beginning as has room, with an ellipsis."""
    if text_width(text, size_px) <= width_px:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        is_short = text_width(text[:middle].rstrip() + "…", size_px) <= width_px
        low, high = (middle, high) if is_short else (low, middle - 1)
    return text[:low].rstrip() + "…"


def write(image: Image, texts: list[tuple[tuple[int, int], str, Color]], size_px: int) -> Image:
    """Write texts at the (x, y) of their upper left corners; returns the written image."""
    canvas = Pillow.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    for place, text, color in texts:
        font, letters = _fit(text, size_px)
        draw.text(place, letters, fill=color, font=font, anchor="la")
    return np.array(canvas)


def _fit(text: str, size_px: int) -> tuple[Font, str]:
    """Return a font for a text and the text as that font can write it."""
    text = one_line(text)
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    for font in _fonts(size_px):
        if all(_has(font, letter) for letter in set(text)):
            return font, text
    font = _fonts(size_px)[0]
    return font, "".join(_plain(font, letter) for letter in text)


def _plain(font: Font, letter: str) -> str:
    """Return a letter, or what comes nearest to it in a font."""
    if _has(font, letter):
        return letter
    bare = unicodedata.normalize("NFKD", letter.translate(_PLAIN))
    kept = "".join(each for each in bare if not unicodedata.combining(each) and _has(font, each))
    return kept or f"[U+{ord(letter):04X}]"


@cache
def _fonts(size_px: int) -> tuple[Font, ...]:
    found: list[Font] = []
    for file in _FILES:
        try:
            found.append(ImageFont.truetype(file, size_px))
        except OSError:
            continue
    return (*found, ImageFont.load_default(size=size_px))


@cache
def _has(font: Font, letter: str) -> bool:
    """Whether a font has a letter; it draws the same box for all that it has not."""
    if letter.isspace():
        return True
    return bytes(font.getmask(letter)) != bytes(font.getmask(_NO_LETTER))


# Badges


def badge_size(text: str, height_px: int) -> tuple[int, int]:
    """Return width and height of the badge with this text, in pixels."""
    text_width, _, _, _ = _text_size(text, height_px)
    gap = round(0.2 * height_px) if text else 0
    return round(text_width + gap + 1.1 * height_px), height_px


def draw_badge(
    image: Image, center_xy: Point, height_px: int, text: str, kind: RegionKind, color: Color
) -> None:
    """Draw a badge with a text and the mark of the kind; what lies outside the image is cut off."""
    width, height = badge_size(text, height_px)
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


def place_badges(
    boxes_xyxy: Sequence[tuple[float, float, float, float]],
    sizes: Sequence[tuple[int, int]],
    is_taken: Mask,
) -> list[Point]:
    """Choose the centre of each badge beside its box: inside the image, on few taken pixels.

    Badges hide each other only where there is no room left.
    """
    busy, places = is_taken.astype(np.float32), []
    for box, (width, height) in zip(boxes_xyxy, sizes, strict=True):
        options = [
            _inside(each, (width, height), busy.shape) for each in _around(box, width, height)
        ]
        costs = [float(busy[_window(each, (width, height))].sum()) for each in options]
        best = options[int(np.argmin(costs))]
        busy[_window(best, (width, height))] += 8  # rather hide a region than another badge
        places.append(best)
    return places


def _around(box_xyxy: tuple[float, float, float, float], width: int, height: int) -> list[Point]:
    """Return centres of a badge beside a box, at one and two badges' distance; best first."""
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
    """Return width, height, scale and thickness of a text on a badge of this height."""
    scale = cv2.getFontScaleFromHeight(_FONT, max(4, round(0.58 * height_px)), 1)
    thickness = max(1, round(height_px / 18))
    (width, height), _ = cv2.getTextSize(text or "0", _FONT, scale, thickness)
    return (width if text else 0), height, scale, thickness


# Regions


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
    drawn: Image, regions: Sequence[Region], kinds: Sequence[RegionKind], colors: Sequence[Color]
) -> None:
    """Put the number of each region, from 1, beside it, with a line to it; the first is on top."""
    height, line = _badge_px(drawn), line_px(drawn)
    texts = [str(i) for i in range(1, len(regions) + 1)]
    is_taken = np.zeros(drawn.shape[:2], dtype=bool)
    for region in regions:
        is_taken[window(region)] |= region.mask
    boxes = [_box_with_ring(drawn, region) for region in regions]
    places = place_badges(boxes, [badge_size(text, height) for text in texts], is_taken)
    for region, color, place in zip(regions, colors, places, strict=True):
        start, end = (round(place[0]), round(place[1])), _nearest(region, place)
        cv2.line(drawn, start, end, WHITE, line + 2, cv2.LINE_AA)
        cv2.line(drawn, start, end, color, line, cv2.LINE_AA)
    for text, kind, color, place in reversed(list(zip(texts, kinds, colors, places, strict=True))):
        draw_badge(drawn, place, height, text, kind, color)


def window(region: Region) -> tuple[slice, slice]:
    """Return the rows and columns of the box of a region."""
    left, top, right, bottom = region.box_xyxy
    return slice(top, bottom), slice(left, right)


def line_px(image: Image) -> int:
    """Width of a thin line on this image."""
    width: int = round(max(image.shape[:2]) / _LINES_PER_SIDE)
    return max(1, width)


def _badge_px(image: Image) -> int:
    height: int = round(max(image.shape[:2]) / _BADGES_PER_SIDE)
    return max(9, height)


def _ring_reach(drawn: Image, region: Region) -> int | None:
    """Return the radius of the ring around a region, if it needs one."""
    left, top, right, bottom = region.box_xyxy
    least = round(0.5 * _badge_px(drawn))
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
