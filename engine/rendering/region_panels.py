"""Region panels: a report with taught regions as one picture.

Three panels side by side: what is new, of which class it is, and how sure that is; then the classes
found. The verdict stands above.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import UInt8

from engine.regions.report import RegionReport
from engine.regions.wording import (
    KIND_WORDS,
    FoundRegionClass,
    found_classes,
    total_line,
    verdict_line,
)
from engine.rendering import overlays
from engine.rendering.colors import heat_colors
from engine.rendering.labels import badge_size, draw_badge, shortened, text_width, write
from engine.rendering.region_maps import (
    color_of,
    draw_classes,
    draw_error,
    draw_novelty,
    error_colors,
    error_top,
)
from engine.rendering.strokes import BLACK, WHITE, Color
from features.images import Image, resize

__all__ = ["draw_classes", "draw_error", "draw_novelty", "three_panels"]

Texts = list[tuple[tuple[int, int], str, Color]]

PANEL_PX = 784  # three of them with their gaps are 2400 wide
MOST_HIGH_PX = 1100  # of a panel: an upright photograph is narrower instead
GAP_PX = 12
TEXT_PX = 27  # 14 on a screen of 1280
LINE_PX = 38
BADGE_PX = 36

PAPER: Color = (255, 255, 255)
INK: Color = (27, 32, 39)
SOFT: Color = (80, 89, 101)
SCALE_GREY = 128

_WIDTH = 3 * PANEL_PX + 4 * GAP_PX


def three_panels(image: Image, report: RegionReport) -> UInt8[np.ndarray, "rows columns 3"]:
    """Draw novelty, classes and errors of classes side by side, with captions and a legend.

    ``image`` is the judged photograph, reduced or not. The picture is 2400 px wide.
    """
    view = _view(image)
    panels = (draw_novelty(view, report), draw_classes(view, report), draw_error(view, report))
    captions = (
        f"Novelty, outlined above any normal image; most: {_peak(report):.3g}",
        _found(len(report.regions)),
        "Classification error: where the scales disagree",
    )
    head, ramp = 3 * LINE_PX + GAP_PX, 2 * LINE_PX
    classes = found_classes(report)
    rows = -(-len(classes) // 3)
    below = head + view.shape[0] + GAP_PX
    height = below + ramp + (2 * LINE_PX + GAP_PX) * rows + LINE_PX + GAP_PX
    canvas = np.full((height, _WIDTH, 3), PAPER, dtype=np.uint8)
    texts: Texts = [
        ((GAP_PX, GAP_PX // 2), _headline(report), INK),
        ((GAP_PX, GAP_PX // 2 + LINE_PX), _totals(report), SOFT),
    ]
    for column, (panel, caption) in enumerate(zip(panels, captions, strict=True)):
        left = GAP_PX + column * (PANEL_PX + GAP_PX)
        texts.append(((left, 2 * LINE_PX + GAP_PX), shortened(caption, PANEL_PX, TEXT_PX), INK))
        x = left + (PANEL_PX - panel.shape[1]) // 2
        canvas[head : head + panel.shape[0], x : x + panel.shape[1]] = panel
    texts += _novelty_scale(canvas, (GAP_PX, below))
    texts += _kinds(canvas, (2 * GAP_PX + PANEL_PX, below))
    texts += _error_scale(canvas, (3 * GAP_PX + 2 * PANEL_PX, below), error_top(report))
    for index, each in enumerate(classes):
        row, column = divmod(index, 3)
        place = GAP_PX + column * (PANEL_PX + GAP_PX), below + ramp + row * (2 * LINE_PX + GAP_PX)
        texts += _class(canvas, place, each, color_of(report, each.class_index))
    texts.append(((GAP_PX, height - LINE_PX - GAP_PX // 2), _absent(report), SOFT))
    return write(canvas, texts, TEXT_PX)


def _view(image: Image) -> UInt8[np.ndarray, "rows columns 3"]:
    """Bring a photograph to the size of a panel."""
    height, width = image.shape[:2]
    factor = min(PANEL_PX / width, MOST_HIGH_PX / height)
    size = max(1, round(height * factor)), max(1, round(width * factor))
    return image if size == (height, width) else resize(image, size)


# Words


def _headline(report: RegionReport) -> str:
    words = verdict_line(report)
    return shortened(words[0].upper() + words[1:], _WIDTH - 2 * GAP_PX, TEXT_PX)


def _totals(report: RegionReport) -> str:
    return f"Total: {total_line(report)}; threshold {report.report.threshold:.3g}"


def _found(n: int) -> str:
    return f"Classes: {n} new region{'' if n == 1 else 's'}" if n else "Classes: nothing new"


def _absent(report: RegionReport) -> str:
    """Name the taught classes that were not found."""
    present = {each.class_index for each in report.regions}
    names = [name for i, name in enumerate(report.class_names) if i not in present]
    if not report.class_names:
        return "No class has been taught yet."
    words = f"Taught, but not found here: {', '.join(names)}" if names else "All classes found."
    return shortened(words, _WIDTH - 2 * GAP_PX, TEXT_PX)


def _peak(report: RegionReport) -> float:
    return float(report.novelty.max())


# Legends


def _novelty_scale(canvas: Image, place: tuple[int, int]) -> Texts:
    """Draw the scale of novelty, as opaque as over a photograph, with a line at 1."""
    values = np.linspace(0, overlays.HEAT_TOP, PANEL_PX)
    colors = heat_colors()[np.linspace(0, 255, PANEL_PX).round().astype(int)].astype(np.float32)
    opacity = overlays.heat_opacity(values)[:, None]
    _color_scale(canvas, place, SCALE_GREY + opacity * (colors - SCALE_GREY))
    x = place[0] + round(PANEL_PX / overlays.HEAT_TOP)
    bottom = place[1] + BADGE_PX // 2 - 1
    cv2.rectangle(canvas, (x - 2, place[1]), (x + 2, bottom), BLACK, cv2.FILLED)
    cv2.rectangle(canvas, (x - 1, place[1]), (x + 1, bottom), WHITE, cv2.FILLED)
    return _ticks(place, ("0", "1: the most of normal images", "3+"), (0.0, 1 / 3, 1.0))


def _error_scale(canvas: Image, place: tuple[int, int], top: float) -> Texts:
    colors = error_colors()[np.linspace(0, 255, PANEL_PX).round().astype(int)]
    _color_scale(canvas, place, colors.astype(np.float32))
    last = "1: none agree" if top == 1 else f"{top:g} of 1"
    return _ticks(place, ("0: all agree", f"{top / 2:g}", last), (0.0, 0.5, 1.0))


def _color_scale(canvas: Image, place: tuple[int, int], colors: np.ndarray) -> None:
    x, y = place
    canvas[y : y + BADGE_PX // 2, x : x + PANEL_PX] = colors.round().astype(np.uint8)


def _ticks(place: tuple[int, int], words: tuple[str, ...], shares: tuple[float, ...]) -> Texts:
    texts: Texts = []
    for text, share in zip(words, shares, strict=True):
        width = text_width(text, TEXT_PX)
        x = place[0] + round(share * PANEL_PX - width / 2)
        x = min(max(x, place[0]), place[0] + PANEL_PX - width)
        texts.append(((x, place[1] + BADGE_PX // 2 + 4), text, SOFT))
    return texts


def _kinds(canvas: Image, place: tuple[int, int]) -> Texts:
    """Say which mark stands for which kind."""
    texts: Texts = []
    x, y = place
    for kind, words in KIND_WORDS.items():
        width, height = badge_size("", BADGE_PX)
        draw_badge(canvas, (x + 2 + width / 2, y + 2 + height / 2), BADGE_PX, "", kind, SOFT)
        texts.append(((x + width + GAP_PX, y + 4), words, SOFT))
        x += width + 3 * GAP_PX + text_width(words, TEXT_PX)
    return texts


def _class(canvas: Image, place: tuple[int, int], each: FoundRegionClass, color: Color) -> Texts:
    """Draw the line of a class: its badge, its name, and below what is known of it."""
    x, y = place
    width, height = badge_size("", BADGE_PX)
    draw_badge(canvas, (x + 2 + width / 2, y + 4 + height / 2), BADGE_PX, "", each.kind, color)
    left, room = x + width + GAP_PX, PANEL_PX - width - 2 * GAP_PX
    numbers = ", ".join(map(str, each.numbers))
    regions = "region" if len(each.numbers) == 1 else "regions"
    known = f"{KIND_WORDS[each.kind]}, {each.confidence} sure, {regions} {numbers}"
    return [
        ((left, y + 4), shortened(each.name, room, TEXT_PX), INK),
        ((left, y + 4 + LINE_PX - 2), shortened(known, room, TEXT_PX), SOFT),
    ]
