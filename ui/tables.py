"""How is a table of marks, words, bars and figures drawn? By a component, without a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import streamlit as st

from ui.components import static_text
from ui.inspect_page.tables import Line

_COMPONENT = st.components.v2.component(
    "partwise_table",
    html='<div class="wrap"></div>',
    css=static_text("inspect_table.css"),
    js=static_text("inspect_table.js"),
)


def show_table(
    lines: Sequence[Line], *, label: str, key: str, headings: Sequence[str] = ()
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
