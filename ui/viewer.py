"""Viewer of a photograph, with layers, marks, and a picture to swipe against.

The photograph, layers over it, marks with letters, and another picture to swipe against; all of it
moves in the browser, without a rerun. What a person has chosen (zoom, layers that are on and their
opacities, the place of the swipe) belongs to the ``key``: it stays when pages run again and when
the next image is shown under the same key. A new picture replaces the old one once it is decoded.

    viewer(
        result.photo,
        [Layer("anomaly", "Anomaly map", result.layers["anomaly"], is_on=True, opacity=0.6)],
        image_size=result.image_size,
        marks=[Mark("A", (120, 40, 180, 90), "leg missing", is_absent=True)],
        other=result.reference,
        other_title="Nearest reference",
        key="inspect",
    )
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from ui.components import data_address, static_text

_COMPONENT = st.components.v2.component(
    "partwise_viewer",
    html='<div class="viewer"></div>',
    css=static_text("common.css", "viewer.css"),
    js=static_text("common.js", "picture_window.js", "viewer_parts.js", "viewer.js"),
)


@dataclass(frozen=True)
class Layer:
    """A transparent picture over the whole photograph, with a chip to turn it on and off.

    ``name`` is what the browser remembers a person's choice by; ``title`` is on the chip. ``png``
    has the proportions of the photograph. ``is_on`` and ``opacity`` (0 … 1) hold until the person
    chooses otherwise.
    """

    name: str
    title: str
    png: bytes
    is_on: bool = True
    opacity: float = 0.6


@dataclass(frozen=True)
class Mark:
    """A box with a letter, and its title in the list below; dashed where something is absent.

    ``box_xyxy`` is in pixels of the image, right and bottom exclusive. The title is plain text.
    """

    letter: str
    box_xyxy: tuple[float, float, float, float]
    title: str
    is_absent: bool = False


def viewer(
    photo: bytes,
    layers: Sequence[Layer] = (),
    *,
    image_size: tuple[int, int],
    marks: Sequence[Mark] = (),
    other: bytes | None = None,
    other_title: str = "Nearest reference",
    height: int = 560,
    is_listing: bool = True,
    key: str,
) -> None:
    """Show a photograph to look at; nothing comes back from the browser.

    Args:
        photo: JPEG or PNG of the image, downsized or not.
        layers: Drawn in their order, the last one on top.
        image_size: (height, width) of the image itself, whose pixels marks refer to.
        marks: Boxes with letters; their titles are listed below the photograph.
        other: A picture in the frame of the photograph, which a person can swipe against it.
        other_title: What the other picture is.
        height: The most that the photograph may take of the page, in CSS pixels.
        is_listing: Whether the titles of marks are listed; False where the page does so beside it.
        key: Stable name of this place; what a person has chosen is remembered by it.

    Raises:
        ValueError: A picture is neither JPEG nor PNG.
    """
    _COMPONENT(
        key=key,
        data={
            "key": key,
            "photo": data_address(photo),
            "size": list(image_size),
            "height": height,
            "isListing": is_listing,
            "layers": [
                {
                    "name": layer.name,
                    "title": layer.title,
                    "source": data_address(layer.png),
                    "isOn": layer.is_on,
                    "opacity": layer.opacity,
                }
                for layer in layers
            ],
            "marks": [
                {
                    "letter": mark.letter,
                    "box": list(mark.box_xyxy),
                    "title": mark.title,
                    "isAbsent": mark.is_absent,
                }
                for mark in marks
            ],
            "other": None if other is None else data_address(other),
            "otherTitle": other_title,
        },
    )
