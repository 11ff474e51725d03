"""Summary of the classes: a table, and the references drawn with them.

The overview shows all references on one picture, with axes and a legend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from jaxtyping import Bool

from alignment.aligned import NO_COUNT_RULE
from engine.class_edits import ClassEditError
from engine.rendering.colors import class_colors, ink_on
from engine.rendering.labels import shortened, text_width, write
from engine.rendering.overlays import NO_PART, draw_parts
from engine.rendering.strokes import Color
from features.images import AnyImage, resize

if TYPE_CHECKING:
    from engine.inspector import Inspector

_SCALE = 2  # working pixels are small
_TEXT_PX, _TICK_PX, _LINE_PX, _MARGIN_PX, _COLUMN_PX = 13, 10, 20, 34, 430
_TICK_EVERY_PX = 50  # working pixels
_PAPER: Color = (255, 255, 255)
_INK: Color = (40, 40, 40)
_FADED: Color = (120, 120, 120)


@dataclass(frozen=True)
class ClassRow:
    """One class: counts on each reference, the tolerance if one was set, and what is accepted.

    ``share`` is the class's mean share of the references' area, 0 … 1.
    """

    id: int
    name: str
    color: str
    is_background: bool
    is_ignored: bool
    is_painted: bool
    counts: tuple[int, ...]
    tolerance: int | None
    low: int
    high: int
    share: float


def class_rows(inspector: Inspector) -> list[ClassRow]:
    """List the classes that there are; retired ones are left out."""
    samples = inspector.fitted.samples
    counts = np.stack([sample.aligned.counts for sample in samples])
    shares = np.mean(
        [sample.class_area_px / max(1, sample.is_valid.sum()) for sample in samples],
        axis=0,
    )
    colors = class_colors(len(inspector.fitted.class_names)).tolist()
    classes, is_retired = inspector.classes, _retired(inspector)
    painted = {each.class_id for each in classes.painted_}
    rows = []
    for index, name in enumerate(inspector.fitted.class_names):
        if is_retired[index]:
            continue
        tolerance = int(classes.tolerance_[index])
        own = tuple(counts[:, index].tolist())
        spare = max(tolerance, 0)
        rows.append(
            ClassRow(
                index,
                name,
                "#{:02x}{:02x}{:02x}".format(*colors[index]),
                bool(classes.is_background_[index]),
                bool(classes.is_background_[index] and not _was_background(inspector, index)),
                index in painted,
                own,
                None if tolerance == NO_COUNT_RULE else tolerance,
                max(0, min(own) - spare),
                max(own) + spare,
                float(shares[index]),
            )
        )
    return rows


def _retired(inspector: Inspector) -> Bool[np.ndarray, " classes"]:
    """Tell which numbers stand for no class any more: it was merged into another, or removed."""
    classes = inspector.classes
    is_retired = np.ones(len(inspector.fitted.class_names), dtype=bool)
    is_retired[classes.class_of_prototype_[classes.class_of_prototype_ >= 0]] = False
    is_retired[[each.class_id for each in classes.painted_]] = False
    return is_retired


def _was_background(inspector: Inspector, class_id: int) -> bool:
    if inspector.fitted.edits is None:
        return True
    found = inspector.fitted.edits.base.classes["is_background"]
    return class_id < len(found) and bool(found[class_id])


def find_class(inspector: Inspector, text: str) -> int:
    """Return the number of the class called so; a number, or a name.

    Raises:
        ClassEditError: There is none.
    """
    rows = class_rows(inspector)
    named = [row.id for row in rows if row.name == text.strip()]
    named = named or [row.id for row in rows if row.name.casefold() == text.strip().casefold()]
    if named:
        return named[0]
    if text.strip().isdecimal() and int(text) in {row.id for row in rows}:
        return int(text)
    listed = ", ".join(f"{row.id} {row.name!r}" for row in rows)
    raise ClassEditError(f"there is no class {text!r}; expected one of {listed}")


def reference_picture(
    inspector: Inspector, index: int, *, class_id: int | None = None, scale: int = 1
) -> AnyImage:
    """Draw a reference, registered, with its classes coloured and numbered, or with one of them.

    The picture is ``scale`` times as high and wide as the reference in working size.

    Raises:
        ClassEditError: There is no such reference.
    """
    if not 0 <= index < len(inspector.fitted.samples):
        raise ClassEditError(
            f"reference must lie in 0 … {len(inspector.fitted.samples) - 1}, got {index}; "
            "`partwise info` lists the references"
        )
    sample = inspector.fitted.samples[index]
    class_map, is_background = sample.valid_class_map, inspector.classes.is_background_
    is_part = sample.aligned.parts.labels >= 0
    class_map = np.where(is_part & sample.is_valid, class_map, NO_PART)
    if class_id is not None:
        class_map = np.where(class_map == class_id, class_id, NO_PART)
        is_background = np.arange(len(is_background)) != class_id
    height, width = class_map.shape
    image = resize(sample.image, (height * scale, width * scale))
    return draw_parts(image, class_map, is_background)


def overview(inspector: Inspector) -> AnyImage:
    """Draw the references side by side; axes count their pixels, a legend names the classes."""
    panels = [_panel(inspector, index) for index in range(len(inspector.fitted.samples))]
    n_columns = min(len(panels), 4 if panels[0].shape[1] < 500 else 2)
    while len(panels) % n_columns:
        panels.append(np.full_like(panels[0], 255))
    rows = [np.hstack(panels[i : i + n_columns]) for i in range(0, len(panels), n_columns)]
    return np.vstack([*rows, _legend(class_rows(inspector), rows[0].shape[1])])


def _panel(inspector: Inspector, index: int) -> AnyImage:
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
    title = shortened(f"{index}  {inspector.fitted.names[index]}", size[0], _TEXT_PX)
    return write(write(panel, ticks, _TICK_PX), [((left, 2), title, _INK)], _TEXT_PX)


def _legend(rows: list[ClassRow], width: int) -> AnyImage:
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
