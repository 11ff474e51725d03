"""Which image is shown, and what has a person chosen on the page?

The image is in the address of the page, so that a reload shows it again. What was chosen outlives
the widgets: Streamlit forgets those that a run does not draw. Nor does it tell the browser of a
value that was set in a run that did not get to its end; so values are set by callbacks, or at the
beginning of the next run (``show_next``, ``follow_next``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import streamlit as st

from engine.station import StationError
from ui.inspect_page.history_view import Filters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.station import Entry
    from engine.station.records import State
    from ui.context import Context

PARAMETER = "entry"
VIEW, ONE, ALL = "inspect-view", "One image", "All images"
FOLLOW = "inspect-follow"
FILTERS = "inspect-filters"

_SHOWN, _NEXT = "inspect-shown", "inspect-wanted"


def kept(key: str, default: Any) -> str:
    """Give a widget's key the value that it had when it was last drawn; returns the key."""
    if key not in st.session_state:
        st.session_state[key] = st.session_state.get(_shadow(key), default)
    return key


def keep(key: str) -> Any:
    """Remember a widget's value for when it is drawn again; returns it."""
    value = st.session_state[key]
    st.session_state[_shadow(key)] = value
    return value


def put(key: str, value: Any) -> None:
    """Give a widget this value when it is drawn next; not after it was drawn."""
    st.session_state[_shadow(key)] = value
    st.session_state.pop(key, None)


def filters() -> Filters:
    """Return what the history shows; going on to the next image keeps to it."""
    chosen: Filters = st.session_state.get(FILTERS, Filters())
    return chosen


def open_entry(entry_id: int) -> None:
    """Show this image, and follow no others; for callbacks."""
    put(FOLLOW, False)
    _show(entry_id)


def show_next(entry_id: int) -> NoReturn:
    """Run again, and show this image."""
    st.session_state[_NEXT] = entry_id
    st.rerun()


def follow_next() -> NoReturn:
    """Run again, and follow the newest verdict."""
    st.session_state[_NEXT] = FOLLOW
    st.rerun()


def shown() -> str:
    """Return the number of the image that was shown last, here or by Teach; perhaps empty."""
    return str(st.session_state.get(_SHOWN, ""))


def is_following() -> bool:
    """Whether the newest verdict is shown as soon as it is there."""
    return bool(st.session_state.get(FOLLOW, st.session_state.get(_shadow(FOLLOW), False)))


def arrive() -> None:
    """Show one image if another page, a link or a reload asks for it."""
    wanted = st.session_state.pop(_NEXT, None)
    asked = st.query_params.get(PARAMETER, "")
    if wanted == FOLLOW:
        put(FOLLOW, True)
        put(VIEW, ONE)
    elif wanted is not None:
        open_entry(wanted)
        put(VIEW, ONE)
    elif asked and asked != st.session_state.get(_SHOWN):
        put(FOLLOW, False)
        put(VIEW, ONE)


def current(context: Context) -> Entry | None:
    """Return the image to show: the newest verdict, the one in the address, or the newest image."""
    newest = _newest(context, ("done",)) if is_following() else None
    if newest is None:
        newest = _asked(context) or _newest(context, ())
    if newest is not None:
        _show(newest.id)
    else:
        st.query_params.pop(PARAMETER, None)
    return newest


def _asked(context: Context) -> Entry | None:
    """Return the image in the address, or the last one that was shown of this model."""
    linked = st.query_params.get(PARAMETER, "")
    asked = linked or st.session_state.get(_SHOWN, "")
    if not asked.isdecimal():
        return None
    try:
        entry = context.station.entry(int(asked))
    except (StationError, OverflowError):
        if linked:
            st.toast("That image is no longer here; this is the newest one", icon=":material/info:")
        return None
    return entry if linked or entry.model == context.model else None


def _newest(context: Context, states: Sequence[State]) -> Entry | None:
    found = context.station.entries(model=context.model, states=states, order="newest", limit=1)
    return found[0] if found else None


def _show(entry_id: int) -> None:
    st.session_state[_SHOWN] = str(entry_id)
    if st.query_params.get(PARAMETER) != str(entry_id):
        st.query_params[PARAMETER] = str(entry_id)


def _shadow(key: str) -> str:
    return f"kept-{key}"
