"""How is a verdict drawn so that one glance is enough? By a component of constant height."""

from __future__ import annotations

from dataclasses import asdict

import streamlit as st

from ui.inspect_page.view_verdict import Band
from ui.static_files import static_text

# as in the style sheet: the band is as high before a verdict as after it
HEIGHT_PX = 104

_COMPONENT = st.components.v2.component(
    "partwise_verdict",
    html=static_text("inspect_verdict.html"),
    css=static_text("inspect_verdict.css"),
    js=static_text("inspect_verdict.js"),
)


def show_verdict(band: Band, *, key: str) -> None:
    """Draw the band; nothing in it is read as HTML or Markdown."""
    _COMPONENT(data=asdict(band), key=key, height=HEIGHT_PX)
