"""Context of a page: settings, station, model, library, and who is in front.

Inspectors and recognisers are loaded once for all sessions and again when their file has changed;
``lock`` is held while one of them works, for they are not made for several threads.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import streamlit as st

from ui.settings import Settings

if TYPE_CHECKING:
    from engine.inspector import Inspector
    from engine.library import Library
    from engine.regions.recogniser import Recogniser
    from engine.station import Station

# models kept in memory: the one in use, one before an edit, and one of another tab
N_KEPT = 3


@dataclass(frozen=True)
class Context:
    """What is arranged on this run of the script; made anew for each."""

    settings: Settings
    station: Station
    model: Path | None
    """The model file that is chosen; None before the first one is made."""
    author: str
    """Who is in front of the page, for lessons, edits and reviews; perhaps empty."""
    pages: Mapping[str, Any]
    """The pages by the names in their addresses: inspect, new, parts, teach and benchmark."""

    def go(self, page: str, **parameters: str) -> NoReturn:
        """Show another page, with these parameters in its address."""
        st.switch_page(self.pages[page], query_params=parameters)
        raise AssertionError("a switch ends the run")

    @property
    def library_address(self) -> str | Path | None:
        """Where the library of the model is; it need not exist. None without a model."""
        if self.settings.library is not None or self.model is None:
            return self.settings.library
        return self.model.with_suffix(".regions.db")

    @property
    def lock(self) -> threading.RLock:
        """Hold this while an inspector or recogniser works; one for all sessions."""
        return _lock()

    def inspector(self) -> Inspector:
        """Return the inspector in the model file, as it is now; do not change it.

        Raises:
            ModelFileError: There is no model, or its file cannot be used.
        """
        return _inspector(*self._stamped())

    def has_library(self) -> bool:
        """Tell whether anything was ever taught.

        Raises:
            LibraryError: The database cannot be read.
        """
        from engine.library import Library

        address = self.library_address
        return address is not None and Library.exists(address)

    def library(self, *, is_read_only: bool = False) -> Library:
        """Open the library for this author; close it, best by ``with``. Made if not there.

        Raises:
            LibraryError: It cannot be opened, or is not there although only to be read.
        """
        from engine.library import Library

        return Library(self._address(), author=self.author or None, is_read_only=is_read_only)

    def recogniser(self) -> Recogniser:
        """Return the recogniser of model and library, shared by all sessions: teach by another.

        Raises:
            ModelFileError: The model cannot be used.
            LibraryError: The library cannot be used, or is of another profile.
        """
        return _recogniser(str(self._address()), *self._stamped())

    def _address(self) -> str | Path:
        address = self.library_address
        if address is None:
            raise _no_model()
        return address

    def _stamped(self) -> tuple[str, int, int]:
        """Name the model file with what changes when it is written."""
        if self.model is None:
            raise _no_model()
        try:
            stat = self.model.stat()
        except OSError:  # reading it says in words what is wrong
            return str(self.model), 0, 0
        return str(self.model), stat.st_mtime_ns, stat.st_ino


@st.cache_resource(show_spinner=False)
def _lock() -> threading.RLock:
    return threading.RLock()


@st.cache_resource(show_spinner=False, max_entries=N_KEPT)
def _inspector(path: str, mtime_ns: int, inode: int) -> Inspector:
    from engine.inspector import Inspector

    return Inspector.load(path)


@st.cache_resource(show_spinner=False, max_entries=N_KEPT)
def _recogniser(address: str, path: str, mtime_ns: int, inode: int) -> Recogniser:
    from engine.library import Library
    from engine.regions.recogniser import Recogniser

    return Recogniser(_inspector(path, mtime_ns, inode), Library(address))


def _no_model() -> ValueError:
    from engine.model_file import ModelFileError

    return ModelFileError("no model is chosen; make one on the page New model")
