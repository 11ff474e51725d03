"""How does a report get onto paper or into a PDF? The browser prints it, from a hidden frame."""

from __future__ import annotations

import streamlit as st

from ui.static_files import static_text

_COMPONENT = st.components.v2.component(
    "partwise_print", html="<div></div>", js=static_text("inspect_print.js")
)


def print_page(html: str, *, number: int, key: str) -> None:
    """Ask the browser to print a page of its own, once for each ``number``.

    The page lies in a frame without scripts, forms and links to elsewhere.
    """
    _COMPONENT(data={"html": html, "number": number}, key=key, height=1)
