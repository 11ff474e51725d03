"""Which library does a command mean, and what if there is none yet?"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.library import Library, LibraryError, empty_library
from engine.library.connection import address_of
from engine.library.library import PATIENCE_S
from engine.model_file import ModelFileError

DEFAULT_NAME = "default"


@dataclass(frozen=True)
class Place:
    """Where a library is; without ``library``, a path or URL, it lies beside the model."""

    model: Path
    library: str | None = None
    name: str = DEFAULT_NAME

    @property
    def address(self) -> str | Path:
        """Where the database is.

        Raises:
            ModelFileError: It would lie beside a model that is not there.
        """
        if self.library is not None:
            return self.library
        if not self.model.is_file():
            raise ModelFileError(
                f"{self.model}: no such model file; check the path, or make it with `partwise fit`"
            )
        return self.model.with_suffix(".regions.db")

    @property
    def shown(self) -> str:
        """Name the database in a message, without any password."""
        return address_of(self.address).shown

    def call(self, command: str, *words: str) -> str:
        """Write out a command about this library, as a shell takes it; it holds no password."""
        options = []
        if self.library not in (None, os.environ.get("PARTWISE_LIBRARY")):
            options += ["--library", self.shown]
        if self.name != DEFAULT_NAME:
            options += ["--name", self.name]
        return shlex.join(["partwise", "region", command, str(self.model), *words, *options])


def is_there(place: Place) -> bool:
    """Tell whether the library exists, without making it."""
    return Library.exists(place.address, place.name)


@contextmanager
def to_read(place: Place) -> Iterator[Library]:
    """Open a library to be read; beside a model that was taught nothing yet, an empty one.

    Raises:
        LibraryError: It cannot be read, or one that was asked for is not there.
    """
    if place.library is None and place.name == DEFAULT_NAME and not is_there(place):
        with empty_library() as empty:
            yield empty
    else:
        with Library(place.address, place.name, is_read_only=True) as library:
            yield library


@contextmanager
def to_change(place: Place, author: str | None) -> Iterator[Library]:
    """Open a library that is there to be changed.

    Raises:
        LibraryError: It cannot be opened, or is not there: a wrong path should make no database.
    """
    if not is_there(place):
        raise LibraryError(
            f"there is no library '{place.name}' in {place.shown}; teach it something first, "
            "or check its place and name"
        )
    with Library(place.address, place.name, author=author, patience_s=PATIENCE_S) as library:
        yield library


def to_teach(place: Place, author: str | None) -> Library:
    """Open a library for a lesson, and make it if there is none.

    Raises:
        LibraryError: It cannot be opened or made.
    """
    return Library(place.address, place.name, author=author, patience_s=PATIENCE_S)
