"""Sidebar beside every page: choice of the model, name of the author, queue.

The choice of the model, out of the one given at start and those of the station, is in the address,
``?model=NAME``, so that a reload and a link keep it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from engine.station.file_lock import is_locked
from ui.auth import read_cookie, write_cookies
from ui.live import live
from ui.text import status_of

if TYPE_CHECKING:
    from engine.station import Station

AUTHOR_LENGTH = 80
POLL_S = 1.0

_AUTHOR = "author"

PARAMETER = "model"

_CHOSEN, _SELECTED = "model_chosen", "model_selected"


def known_models(given: Path | None, stored: list[Path]) -> dict[str, Path]:
    """Name every model: the given one first; a second one of the same name is numbered."""
    found: dict[str, Path] = {}
    paths = ([given] if given else []) + [path for path in stored if path != given]
    for path in paths:
        name, number = path.stem, 2
        while name in found:
            name, number = f"{path.stem} ({number})", number + 1
        found[name] = path
    return found


def choose_model(models: Mapping[str, Path]) -> Path | None:
    """Draw the chooser, if there is a choice, and return what is chosen; None if there is none."""
    if not models:
        return None
    names = list(models)
    wanted = st.session_state.pop(_SELECTED, None)
    fresh = [name for name, path in models.items() if str(path) == wanted]
    if fresh:
        st.session_state[_CHOSEN] = fresh[0]
    elif st.session_state.get(_CHOSEN) not in models:
        linked = st.query_params.get(PARAMETER, "")
        st.session_state[_CHOSEN] = linked if linked in models else names[0]
    name = st.selectbox(
        "Model",
        names,
        key=_CHOSEN,
        help="What was learnt from photographs of one good product. All pages are about this one.",
    )
    if name != names[0] or PARAMETER in st.query_params:
        st.query_params[PARAMETER] = name
    return models[name]


def select_model(path: Path) -> None:
    """Choose a model from the next run of the script on."""
    st.session_state[_SELECTED] = str(path)


def ask_author() -> str:
    """Ask for a name, which the browser remembers; may be empty."""
    if _AUTHOR not in st.session_state:
        st.session_state[_AUTHOR] = read_cookie(_AUTHOR)[:AUTHOR_LENGTH]
    author = st.text_input(
        "Your name",
        key=_AUTHOR,
        max_chars=AUTHOR_LENGTH,
        placeholder="for lessons and reviews",
        help="Stands beside what you teach, edit and review. Kept in this browser.",
    ).strip()
    write_cookies({_AUTHOR: author}, key="cookie_author")
    return author


def show_status(station: Station) -> None:
    """Say in one line whether images or jobs wait, and keep it true while they do."""
    is_busy = bool(station.tally().pending or station.jobs(is_active=True))
    live(_status, every_s=POLL_S if is_busy else None, key="status")(station)


def _status(station: Station) -> None:
    tally, jobs = station.tally(), station.jobs(is_active=True)
    status = status_of(tally, jobs, is_worked_on=is_locked(station.paths.lock))
    st.caption(f"{status.icon} {status.text}", help=status.hint)
