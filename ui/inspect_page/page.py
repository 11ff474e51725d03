"""Page Inspect: what comes in, its verdict, and whether a person agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.inspect_page.history import show_history
from ui.inspect_page.image import show_image
from ui.inspect_page.progress import show_current, show_progress, take_snapshot
from ui.inspect_page.state import ALL, ONE, VIEW, apply_request, current_entry
from ui.inspect_page.threshold import show_threshold
from ui.inspect_page.uploads import show_uploads
from ui.session import load_state, save_state, saved_key

if TYPE_CHECKING:
    from ui.context import Context


def show(context: Context) -> None:
    """Arrange the page."""
    if context.model is None:
        _without_model(context)
        return
    apply_request()
    show_uploads(context, context.model)
    choice, progress = st.columns([9, 16], vertical_alignment="center")
    with choice:
        is_history = _view() == ALL
    entry = current_entry(context)
    snapshot = take_snapshot(context, entry)
    with progress:
        show_progress(context, snapshot, is_history=is_history)
    if is_history:
        show_threshold(context, context.model)
        show_history(context)
        return
    show_current(context, snapshot)
    if entry is not None:
        show_image(context, entry)


def _without_model(context: Context) -> None:
    st.info("There is no model yet. One to eight photographs of good parts are enough to make one.")
    page = context.pages["new"]
    st.page_link(page, label="Make a model", icon=":material/add_photo_alternate:")


def _view() -> str:
    st.segmented_control(
        "View", [ONE, ALL], key=load_state(VIEW, ONE), label_visibility="collapsed", on_change=_stay
    )
    return str(save_state(VIEW))


def _stay() -> None:
    """Keep the view when its own button is pressed again, which would choose none."""
    if st.session_state[VIEW] is None:
        st.session_state[VIEW] = st.session_state[saved_key(VIEW)]
