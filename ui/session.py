"""Session state of one visitor: chosen values, and the image that is open.

What was chosen outlives the widgets: Streamlit forgets those that a run does not draw. Nor does it
tell the browser of a value that was set in a run that did not get to its end; so values are set by
callbacks, or at the beginning of the next run.

The open image is in the address, so that a reload shows it again; the pages Inspect and Teach share
it.

Files that were dropped lie in memory until the visit ends, unless they are forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

ENTRY_PARAMETER = "entry"
FOLLOW = "inspect-follow"
"""Whether the newest verdict is shown as soon as it is there: the key of a widget."""

_OPEN_ENTRY = "open-entry"


def load_state(key: str, default: Any) -> str:
    """Give a widget's key the value that it had when it was last drawn; returns the key."""
    if key not in st.session_state:
        st.session_state[key] = st.session_state.get(saved_key(key), default)
    return key


def save_state(key: str) -> Any:
    """Remember a widget's value for when it is drawn again; returns it."""
    value = st.session_state[key]
    st.session_state[saved_key(key)] = value
    return value


def set_state(key: str, value: Any) -> None:
    """Give a widget this value when it is drawn next; not after it was drawn."""
    st.session_state[saved_key(key)] = value
    st.session_state.pop(key, None)


def saved_key(key: str) -> str:
    """Return the key under which a widget's value is kept while it is not drawn."""
    return f"saved-{key}"


def is_following() -> bool:
    """Whether the newest verdict is shown as soon as it is there."""
    return bool(st.session_state.get(FOLLOW, st.session_state.get(saved_key(FOLLOW), False)))


def open_entry(entry_id: int) -> None:
    """Show this image, and follow no others; for callbacks."""
    set_state(FOLLOW, False)
    set_open_entry(entry_id)


def set_open_entry(entry_id: int) -> None:
    """Note which image is shown, also in the address."""
    st.session_state[_OPEN_ENTRY] = str(entry_id)
    if st.query_params.get(ENTRY_PARAMETER) != str(entry_id):
        st.query_params[ENTRY_PARAMETER] = str(entry_id)


def open_entry_id() -> str:
    """Return the number of the image that was shown last; perhaps empty."""
    return str(st.session_state.get(_OPEN_ENTRY, ""))


def forget_uploads(files: Sequence[Any]) -> None:
    """Free the memory of files that were taken over; their widget must be drawn no more."""
    run = get_script_run_ctx()
    if run is None:
        return
    manager: Any = run.uploaded_file_mgr
    for file in files:
        manager.remove_file(run.session_id, file.file_id)
