"""Images to teach from, and the library, as all visitors share them.

Somebody else may teach meanwhile: every few seconds one number of the library is asked for; nothing
is sent while it stays the same.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from features.images import Image
from ui.context import Context
from ui.images import Tile, Viewport, shrunk, tile_of
from ui.live import live
from ui.session import ENTRY_PARAMETER, open_entry, open_entry_id
from ui.teach_page.library_view import lesson_announcements
from ui.teach_page.state import ENTRY, own_lessons
from ui.teach_page.view import entry_label

if TYPE_CHECKING:
    from engine.inspector import Inspector
    from engine.library import Library
    from engine.regions.recogniser import Recogniser
    from engine.report import Examination
    from engine.station import Entry, Result

POLL_S = 3.0
MOST_TOASTS = 3

_SEEN = "_teach_seen"

# of the history, to choose from; older ones are opened from Inspect
N_OFFERED = 100
# photographs and their examinations in memory
N_KEPT = 2


SIDE_PX = 160
N_THUMBNAILS_KEPT = 256


def judged_entries(context: Context, limit: int = N_OFFERED) -> list[Entry]:
    """Return the newest images of the chosen model that have a verdict.

    Those that are being judged again still have the old one.
    """
    found = context.station.entries(
        model=context.model, states=("done", "queued", "running"), limit=limit
    )
    return [each for each in found if each.judged_at is not None]


def current_entry(context: Context, entries: Sequence[Entry]) -> Entry:
    """Return the image of the address, or the one open in Inspect; else the newest."""
    asked = st.query_params.get(ENTRY_PARAMETER, "") or open_entry_id()
    found = None
    if asked.isdecimal():
        number = int(asked)
        found = next((each for each in entries if each.id == number), None)
        found = found or _older(context, number)
    entry = found or entries[0]
    if st.query_params.get(ENTRY_PARAMETER) != str(entry.id):
        open_entry(entry.id)
    return entry


def _older(context: Context, number: int) -> Entry | None:
    from engine.station import StationError

    try:
        found = context.station.entry(number)
    except (StationError, OverflowError):
        return None
    return found if found.judged_at is not None and found.model == context.model else None


def choose_entry(entries: Sequence[Entry], entry: Entry) -> None:
    """Let a person choose another image; the address follows."""
    options = {each.id: each for each in ([] if entry in entries else [entry]) + list(entries)}
    st.session_state[ENTRY] = entry.id
    numbers = list(options)
    place = numbers.index(entry.id)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Image to teach from",
            numbers,
            format_func=lambda number: entry_label(options[number]),
            key=ENTRY,
            on_change=lambda: open_entry(st.session_state[ENTRY]),
            help="The images that were judged last, the newest first.",
        )
        for icon, there, key, words in (
            (":material/chevron_left:", place - 1, "teach_newer", "The next newer image"),
            (":material/chevron_right:", place + 1, "teach_older", "The next older image"),
        ):
            is_there = 0 <= there < len(numbers)
            st.button(
                icon,
                key=key,
                help=words,
                disabled=not is_there,
                on_click=open_entry,
                args=(numbers[there] if is_there else entry.id,),
            )


def full_photo(context: Context, entry: Entry) -> Image:
    """Return the photograph in full resolution."""
    return _photo(context, str(context.station.folder), entry.id)


@st.cache_resource(show_spinner=False, max_entries=N_KEPT)
def _photo(_context: Context, folder: str, entry_id: int) -> Image:
    return _context.station.photo(entry_id)


def examination_of(context: Context, entry: Entry) -> Examination:
    """Return the image laid beside the references; hold the lock of the context.

    Raises:
        ModelFileError: The model cannot be used.
    """
    inspector = context.inspector()
    image = full_photo(context, entry)
    return _examined(inspector, image, str(context.station.folder), entry.id, id(inspector))[1]


@st.cache_resource(show_spinner=False, max_entries=N_KEPT)
def _examined(
    _inspector: Inspector, _image: Image, folder: str, entry_id: int, inspector_id: int
) -> tuple[Inspector, Examination]:
    # the inspector is kept, too, so that no other one can get its id
    return _inspector, _inspector.examine(_image)


def sharp_tile(
    context: Context, entry: Entry, result: Result, viewport: Viewport | None
) -> Tile | None:
    """Return the part in the window in full resolution, if the view is coarser than the screen."""
    if viewport is None or viewport.scale <= result.view_size[0] / result.image_size[0]:
        return None
    if result.view_size == result.image_size:
        return None
    return tile_of(full_photo(context, entry), viewport)


def entry_picture(context: Context, entry_id: int) -> Image | None:
    """Return a small picture of an entry; None if it was never judged."""
    from engine.station import StationError

    try:
        return _small(context, str(context.station.folder), entry_id)
    except StationError:
        return None


@st.cache_resource(show_spinner=False, max_entries=N_THUMBNAILS_KEPT)
def _small(_context: Context, folder: str, entry_id: int) -> Image:
    return np.asarray(shrunk(_context.station.result(entry_id).photo, SIDE_PX))


def shared_library(context: Context) -> Library | None:
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


@st.cache_resource(show_spinner=False)
def _opened() -> dict[str | Path, Library]:
    return {}


def shared_recogniser(context: Context) -> Recogniser:
    """Return what recognises by the library, one that knows nothing where none was made yet.

    Looking must not make a library: who only looks teaches nothing.

    Raises:
        LibraryError: The library cannot be read, or was taught with features of another kind.
    """
    if shared_library(context) is not None:
        return context.recogniser()
    inspector = context.inspector()
    return _untaught(inspector, id(inspector))


@st.cache_resource(show_spinner=False, max_entries=1)
def _untaught(_inspector: Inspector, inspector_id: int) -> Recogniser:
    from engine.library import empty_library
    from engine.regions.recogniser import Recogniser

    resources = ExitStack()
    recogniser = Recogniser(_inspector, resources.enter_context(empty_library()))
    weakref.finalize(recogniser, resources.close)
    return recogniser


def announce_lessons(context: Context) -> None:
    """Announce lessons that others gave since the page was drawn last, each once."""
    library = shared_library(context)
    revision = 0 if library is None else library.revision()
    seen: tuple[int, int] | None = st.session_state.get(_SEEN)
    if seen is None or seen[0] != revision:
        lessons = [] if library is None else library.lessons()
        if seen is not None:
            for words in lesson_announcements(lessons, seen[1], own_lessons())[-MOST_TOASTS:]:
                st.toast(words, icon=":material/school:")
        st.session_state[_SEEN] = (revision, lessons[-1].id if lessons else 0)


def last_lesson() -> int:
    """Return the number of the last lesson that ``announce`` saw; 0 before the first."""
    seen: tuple[int, int] = st.session_state[_SEEN]
    return seen[1]


def watch_library(context: Context) -> None:
    """Have the page drawn again when somebody has taught; after ``announce``, at its end."""
    live(_look, every_s=POLL_S, key="teach_news")(context)


def _look(context: Context) -> None:
    """Run the page again if the library has changed."""
    from engine.library import LibraryError

    try:
        library = shared_library(context)
        revision = 0 if library is None else library.revision()
    except LibraryError:  # the page itself says what is wrong, as soon as somebody asks
        return
    if revision != st.session_state[_SEEN][0]:
        st.rerun()
