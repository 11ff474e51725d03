"""State of the page Inspect: its view, its filters, and the image that it shows.

A callback, or the beginning of the next run, sets what is shown (``show_next``, ``follow_next``);
``ui.session`` says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import streamlit as st

from engine.station import StationError
from ui.inspect_page.history_view import Filters
from ui.session import (
    ENTRY_PARAMETER,
    FOLLOW,
    is_following,
    open_entry,
    open_entry_id,
    set_open_entry,
    set_state,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.station import Entry
    from engine.station.records import State
    from ui.context import Context

VIEW, ONE, ALL = "inspect-view", "One image", "All images"
FILTERS = "inspect-filters"

_REQUESTED = "inspect-requested"


def current_filters() -> Filters:
    """Return what the history shows; going on to the next image keeps to it."""
    chosen: Filters = st.session_state.get(FILTERS, Filters())
    return chosen


def show_next(entry_id: int) -> NoReturn:
    """Run again, and show this image."""
    st.session_state[_REQUESTED] = entry_id
    st.rerun()


def follow_next() -> NoReturn:
    """Run again, and follow the newest verdict."""
    st.session_state[_REQUESTED] = FOLLOW
    st.rerun()


def apply_request() -> None:
    """Show one image if another page, a link or a reload asks for it."""
    wanted = st.session_state.pop(_REQUESTED, None)
    asked = st.query_params.get(ENTRY_PARAMETER, "")
    if wanted == FOLLOW:
        set_state(FOLLOW, True)
        set_state(VIEW, ONE)
    elif wanted is not None:
        open_entry(wanted)
        set_state(VIEW, ONE)
    elif asked and asked != open_entry_id():
        set_state(FOLLOW, False)
        set_state(VIEW, ONE)


def current_entry(context: Context) -> Entry | None:
    """Return the image to show: the newest verdict, the one in the address, or the newest image."""
    newest = _newest_entry(context, ("done",)) if is_following() else None
    if newest is None:
        newest = _requested_entry(context) or _newest_entry(context, ())
    if newest is not None:
        set_open_entry(newest.id)
    else:
        st.query_params.pop(ENTRY_PARAMETER, None)
    return newest


def _requested_entry(context: Context) -> Entry | None:
    """Return the image in the address, or the last one that was shown of this model."""
    linked = st.query_params.get(ENTRY_PARAMETER, "")
    asked = linked or open_entry_id()
    if not asked.isdecimal():
        return None
    try:
        entry = context.station.entry(int(asked))
    except (StationError, OverflowError):
        if linked:
            st.toast("That image is no longer here; this is the newest one", icon=":material/info:")
        return None
    return entry if linked or entry.model == context.model else None


def _newest_entry(context: Context, states: Sequence[State]) -> Entry | None:
    found = context.station.entries(model=context.model, states=states, order="newest", limit=1)
    return found[0] if found else None
