"""Tables of marks, words, bars and figures, drawn by a component."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import streamlit as st

from engine.rendering import colors
from ui.components import static_text

Tone = Literal["plain", "off", "idle"]

_COMPONENT = st.components.v2.component(
    "partwise_table",
    html='<div class="wrap"></div>',
    css=static_text("table.css"),
    js=static_text("table.js"),
)


@dataclass(frozen=True)
class TableRow:
    """One row: a mark in a colour, words with a hint, perhaps a bar (0 … 1), and figures."""

    title: str
    hint: str = ""
    mark: str = ""
    color: str = ""
    ink: str = "#ffffff"
    is_dashed: bool = False
    amount: float | None = None
    cells: tuple[str, ...] = ()
    tone: Tone = "plain"


def show_table(
    lines: Sequence[TableRow], *, label: str, key: str, headings: Sequence[str] = ()
) -> None:
    """Draw the lines under ``headings``, for words and figures; ``label`` names the whole aloud.

    Nothing in the lines is read as HTML or Markdown.
    """
    data = {
        "label": label,
        "headings": list(headings),
        "lines": [asdict(line) | {"cells": list(line.cells)} for line in lines],
    }
    _COMPONENT(data=data, key=key)


def ink_on(color: str) -> str:
    """Return black or white, whichever is easier to read on ``#rrggbb``."""
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return "#{:02x}{:02x}{:02x}".format(*colors.ink_on((red, green, blue)))
