"""What else can be done with one image: print its report, judge it again, remove it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from engine.station import StationError
from features.images import ImageError
from ui.inspect_page.printing import print_page
from ui.inspect_page.state import open_entry
from ui.view import plain

if TYPE_CHECKING:
    from engine.station import Entry
    from ui.context import Context

_PRINTS = "inspect-prints"


def more_menu(context: Context, entry: Entry) -> None:
    """Draw the menu and do what is chosen."""
    with st.popover("More", icon=":material/more_horiz:"):
        is_printing = st.button(
            "Print or save as PDF",
            key="inspect-print",
            icon=":material/print:",
            disabled=entry.verdict is None,
            width="stretch",
            help="The report of this one image; choose PDF as printer to keep it as a file.",
        )
        st.button(
            "Judge again",
            key="inspect-rejudge",
            icon=":material/refresh:",
            disabled=entry.state in ("queued", "running"),
            on_click=context.station.rejudge,
            args=([entry.id],),
            width="stretch",
            help="For when the model was changed or something was taught since.",
        )
        st.button(
            "Remove from the history",
            key="inspect-remove",
            icon=":material/delete:",
            on_click=_remove,
            args=(context, entry),
            width="stretch",
            help="Forgets the verdict, and the image if it was dropped here. Images of folders "
            "stay where they are.",
        )
    if is_printing:
        _print(context, entry)


def _print(context: Context, entry: Entry) -> None:
    """Hand the report to the browser, which asks where to print it."""
    try:
        with st.spinner("Writing the report"):
            html = context.station.report_html([entry.id])
    except (StationError, ImageError, ValueError) as error:
        st.toast(plain(str(error)), icon=":material/block:")
        return
    st.session_state[_PRINTS] = st.session_state.get(_PRINTS, 0) + 1
    print_page(html, number=st.session_state[_PRINTS], key="inspect-printed")


def _remove(context: Context, entry: Entry) -> None:
    """Remove the image and show the one beside it."""
    before, after = context.station.neighbours(entry.id, model=entry.model)
    context.station.remove([entry.id])
    beside = after if after is not None else before
    if beside is not None:
        open_entry(beside)
