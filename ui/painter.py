"""Painter on a photograph, to show which pixels of an image are meant.

Brush, eraser, box, polygon and click over a photograph that zooms and pans; coordinates are those
of the image itself, however small its view. What is painted is drawn in the browser by the very
rule of ``engine.regions.shapes`` and comes back, as shapes, whenever a stroke ends.

    painting = painter(result.photo, image_size=result.image_size, key="teach")
    if painting is not None and painting.shapes:
        region = region_of(painting.shapes, result.image_size)      # RegionError: show its line

Streamlit fades what a slow run has not reached yet: call the painter before anything slow.

Large images: give the pixels behind the window in full resolution. They are drawn over the view.

    tile = tile_of(station.photo(entry), viewport_of("teach"))
    painting = painter(result.photo, image_size=..., tile=tile, key="teach")

To begin anew, say after a lesson, give another ``subject``. A page's test paints by
``test.session_state[key] = {"painting": {"subject": ..., "shapes": [...], "viewport": None}}``; how
shapes are written says ``engine.regions.payload``.

Why not streamlit-drawable-canvas: version 0.13 keeps the mouse's place exactly, but cannot zoom. On
8660×5774 pixels in a canvas of 1100 CSS pixels a pixel of the screen is 7.9 of the image; 20 places
aimed at were missed by 2.9 pixels on average and 4.6 at worst. Here the error is below one pixel
once a pixel of the image takes one of the screen (``tests/ui/test_painter_browser.py``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from engine.regions.payload import MAX_POINTS_IN_ALL, MAX_SHAPES, number, parse_shapes
from engine.regions.shapes import Shape
from features.region import RegionError
from ui.components import data_address, static_text
from ui.images import Tile, Viewport, tile_of

__all__ = ["TOOLS", "Painting", "Tile", "Viewport", "painter", "tile_of", "viewport_of"]

TOOLS = ("brush", "eraser", "box", "polygon", "click")

_COMPONENT = st.components.v2.component(
    "partwise_painter",
    html='<div class="painter"></div>',
    css=static_text("common.css", "painter.css"),
    js=static_text(
        "common.js",
        "picture_window.js",
        "raster.js",
        "painter_parts.js",
        "painter_canvas.js",
        "painter_drawing.js",
        "painter_keys.js",
        "painter.js",
    ),
)


@dataclass(frozen=True)
class Painting:
    """What is painted, in pixels of the image, and which part of the image is in the window.

    ``error`` is one line if the browser sent what is no painting; there are no shapes then.
    """

    shapes: tuple[Shape, ...]
    viewport: Viewport | None = None
    error: str | None = None


def painter(
    photo: bytes,
    *,
    image_size: tuple[int, int],
    tools: Sequence[str] = TOOLS,
    tile: Tile | None = None,
    subject: str | None = None,
    height: int = 560,
    on_change: Callable[[], None] | None = None,
    key: str,
) -> Painting | None:
    """Let a person paint on a photograph.

    Args:
        photo: JPEG or PNG of the image, downsized or not.
        image_size: (height, width) of the image itself; shapes are in its pixels.
        tools: Which of ``TOOLS`` are offered, in this order; the first one is taken at the start.
        tile: The part in the window in full resolution, from ``tile_of``.
        subject: What the painting belongs to; another subject begins with nothing painted, also
            on the same photograph. By default the photograph itself.
        height: Of the canvas, in CSS pixels.
        on_change: Called before the page runs again because something was painted.
        key: Stable name of this place; zoom, tool and brush are remembered by it.

    Returns:
        What is painted, or None before the browser has sent anything for this subject.

    Raises:
        ValueError: A picture is neither JPEG nor PNG, or a tool is unknown.
    """
    if not tools or (unknown := [tool for tool in tools if tool not in TOOLS]):
        raise ValueError(
            f"tools must be some of {', '.join(TOOLS)}, got {unknown if tools else 'none'}; "
            "leave the others out"
        )
    subject = _digest(photo) if subject is None else subject
    sent = _COMPONENT(
        key=key,
        data={
            "key": key,
            "photo": data_address(photo),
            "size": list(image_size),
            "tools": list(tools),
            "tile": None
            if tile is None
            else {"box": list(tile.box_xyxy), "source": data_address(tile.jpeg)},
            "subject": subject,
            "height": height,
            "limits": {"shapes": MAX_SHAPES, "points": MAX_POINTS_IN_ALL},
        },
        on_painting_change=on_change or _nothing,
    )
    return _read(sent.get("painting"), subject, image_size)


def viewport_of(key: str) -> Viewport | None:
    """Return the part of the image that was in a painter's window when it last sent anything."""
    state = st.session_state.get(key)
    sent = state.get("painting") if isinstance(state, dict) else None
    try:
        return _viewport(sent.get("viewport")) if isinstance(sent, dict) else None
    except RegionError:
        return None


def _read(sent: object, subject: str, image_size: tuple[int, int]) -> Painting | None:
    """Believe nothing of what came back."""
    if not isinstance(sent, dict) or sent.get("subject") != subject:
        return None
    try:
        shapes = parse_shapes(sent.get("shapes"), image_size)
        return Painting(shapes, _viewport(sent.get("viewport")))
    except RegionError as error:
        return Painting((), error=str(error))


def _viewport(sent: object) -> Viewport | None:
    if sent is None:
        return None
    box = sent.get("box") if isinstance(sent, dict) else None
    if not isinstance(sent, dict) or not isinstance(box, list) or len(box) != 4:
        raise RegionError("a viewport must have a box of 4 numbers, got none; paint again")
    left, top, right, bottom = (number(side, 0, 1e6, "a viewport") for side in box)
    return Viewport((left, top, right, bottom), number(sent.get("scale"), 1e-4, 1e4, "its scale"))


def _digest(photo: bytes) -> str:
    return hashlib.blake2b(photo, digest_size=12).hexdigest()


def _nothing() -> None:
    """Streamlit keeps only states that have a callback."""
