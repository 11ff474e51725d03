"""How do all references look with their classes, on one picture with axes and a legend?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from jaxtyping import UInt8

from engine.classes.rows import ClassRow, class_rows, reference_picture
from engine.palette import ink_on
from engine.regions.lettering import shortened, text_width, write
from engine.strokes import Color

if TYPE_CHECKING:
    from engine.inspector import Inspector

Picture = UInt8[np.ndarray, "_ _ 3"]

_SCALE = 2  # working pixels are small
_TEXT_PX, _TICK_PX, _LINE_PX, _MARGIN_PX, _COLUMN_PX = 13, 10, 20, 34, 430
_TICK_EVERY_PX = 50  # working pixels
_PAPER: Color = (255, 255, 255)
_INK: Color = (40, 40, 40)
_FADED: Color = (120, 120, 120)


def overview(inspector: Inspector) -> Picture:
    """Draw the references side by side; axes count their pixels, a legend names the classes."""
    panels = [_panel(inspector, index) for index in range(len(inspector.samples_))]
    n_columns = min(len(panels), 4 if panels[0].shape[1] < 500 else 2)
    while len(panels) % n_columns:
        panels.append(np.full_like(panels[0], 255))
    rows = [np.hstack(panels[i : i + n_columns]) for i in range(0, len(panels), n_columns)]
    return np.vstack([*rows, _legend(class_rows(inspector), rows[0].shape[1])])


def _panel(inspector: Inspector, index: int) -> Picture:
    drawn = reference_picture(inspector, index, scale=_SCALE)
    size = drawn.shape[1], drawn.shape[0]
    top, left = _LINE_PX + 14, _MARGIN_PX
    panel = np.full((size[1] + top + 10, size[0] + left + 8, 3), 255, dtype=np.uint8)
    panel[top : top + size[1], left : left + size[0]] = drawn
    ticks = []
    for x in range(0, size[0] // _SCALE, _TICK_EVERY_PX):
        panel[top - 3 : top, left + x * _SCALE] = _FADED
        ticks.append(((left + x * _SCALE, _LINE_PX), str(x), _FADED))
    for y in range(0, size[1] // _SCALE, _TICK_EVERY_PX):
        panel[top + y * _SCALE, left - 3 : left] = _FADED
        place = left - 5 - text_width(str(y), _TICK_PX), top + y * _SCALE
        ticks.append((place, str(y), _FADED))
    title = shortened(f"{index}  {inspector.names_[index]}", size[0], _TEXT_PX)
    return write(write(panel, ticks, _TICK_PX), [((left, 2), title, _INK)], _TEXT_PX)


def _legend(rows: list[ClassRow], width: int) -> Picture:
    n_columns = max(1, width // _COLUMN_PX)
    n_lines = -(-len(rows) // n_columns)
    legend = np.full((n_lines * _LINE_PX + 16, width, 3), 255, dtype=np.uint8)
    texts: list[tuple[tuple[int, int], str, Color]] = []
    for index, row in enumerate(rows):
        column, line = divmod(index, n_lines)
        x, y = 10 + column * _COLUMN_PX, 8 + line * _LINE_PX
        color, corner = _rgb(row.color), (x + 26, y + _LINE_PX - 4)
        cv2.rectangle(legend, (x, y), corner, _PAPER if row.is_background else color, -1)
        cv2.rectangle(legend, (x, y), corner, color, 1)
        ink = _INK if row.is_background else ink_on(color)
        texts.append(((x + 5, y + 1), str(row.id), ink))
        counts = "not counted" if row.is_background else " ".join(map(str, row.counts))
        text = shortened(f"{row.name}: {counts}", _COLUMN_PX - 50, _TEXT_PX)
        texts.append(((x + 34, y), text, _INK))
    return write(legend, texts, _TEXT_PX)


def _rgb(color: str) -> Color:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue
