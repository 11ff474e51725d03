"""What does the library hold, and did somebody else teach meanwhile?

Every few seconds one number of the library is asked for; nothing is sent while it stays the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from ui.context import Context
from ui.live import live
from ui.teach_page.state import own_lessons
from ui.teach_page.view_library import news

if TYPE_CHECKING:
    from engine.library import Library

POLL_S = 3.0
MOST_TOASTS = 3

_SEEN = "_teach_seen"


def reading(context: Context) -> Library | None:
    """Return the library, opened once for all visitors and only to be read; None if there is none.

    Raises:
        LibraryError: The database cannot be read.
    """
    from engine.library import Library

    address = context.library_address
    opened = _opened()
    if address is not None and address not in opened and context.has_library():
        opened[address] = Library(address, is_read_only=True)
    return None if address is None else opened.get(address)


def announce(context: Context) -> None:
    """Announce lessons that others gave since the page was drawn last, each once."""
    library = reading(context)
    revision = 0 if library is None else library.revision()
    seen: tuple[int, int] | None = st.session_state.get(_SEEN)
    if seen is None or seen[0] != revision:
        lessons = [] if library is None else library.lessons()
        if seen is not None:
            for words in news(lessons, seen[1], own_lessons())[-MOST_TOASTS:]:
                st.toast(words, icon=":material/school:")
        st.session_state[_SEEN] = (revision, lessons[-1].id if lessons else 0)


def listen(context: Context) -> None:
    """Have the page drawn again when somebody has taught; after ``announce``, at its end."""
    live(_look, every_s=POLL_S, key="teach_news")(context)


def last_lesson() -> int:
    """Return the number of the last lesson that ``announce`` saw; 0 before the first."""
    seen: tuple[int, int] = st.session_state[_SEEN]
    return seen[1]


def _look(context: Context) -> None:
    """Run the page again if the library has changed."""
    from engine.library import LibraryError

    try:
        library = reading(context)
        revision = 0 if library is None else library.revision()
    except LibraryError:  # the page itself says what is wrong, as soon as somebody asks
        return
    if revision != st.session_state[_SEEN][0]:
        st.rerun()


@st.cache_resource(show_spinner=False)
def _opened() -> dict[str | Path, Library]:
    return {}
