"""What stands beside every page: who is in front of it, and whether work is waiting?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from engine.station.file_lock import is_taken
from ui.live import live
from ui.memory import remember, remembered
from ui.view import status_of

if TYPE_CHECKING:
    from engine.station import Station

AUTHOR_LENGTH = 80
LOOK_EVERY_S = 1.0

_AUTHOR = "author"


def ask_author() -> str:
    """Ask for a name, which the browser remembers; may be empty."""
    if _AUTHOR not in st.session_state:
        st.session_state[_AUTHOR] = remembered(_AUTHOR)[:AUTHOR_LENGTH]
    author = st.text_input(
        "Your name",
        key=_AUTHOR,
        max_chars=AUTHOR_LENGTH,
        placeholder="for lessons and reviews",
        help="Stands beside what you teach, edit and review. Kept in this browser.",
    ).strip()
    remember({_AUTHOR: author}, key="memory_of_author")
    return author


def show_status(station: Station) -> None:
    """Say in one line whether images or jobs wait, and keep it true while they do."""
    is_busy = bool(station.tally().pending or station.jobs(is_active=True))
    live(_status, every_s=LOOK_EVERY_S if is_busy else None, key="status")(station)


def _status(station: Station) -> None:
    tally, jobs = station.tally(), station.jobs(is_active=True)
    status = status_of(tally, jobs, is_worked_on=is_taken(station.places.lock))
    st.caption(f"{status.icon} {status.text}", help=status.hint)
