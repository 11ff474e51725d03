"""How is any text written on a picture, in whatever script and on whatever machine?

The font that comes with Pillow knows little more than ASCII. So the first common font of the system
that has all letters of a text is taken. Without any, accents are left out, and letters of other
scripts are given by their number in Unicode.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
from jaxtyping import UInt8
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from engine.strokes import Color

Image = UInt8[np.ndarray, "height width 3"]
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
