"""Library that a command means: opened to be read, changed or taught."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.cli.options import DEFAULT_LIBRARY, Place
from engine.cli.terminal import say
from engine.library import Lesson, Library, LibraryError, empty_library
from engine.library.library import PATIENCE_S


def is_there(place: Place) -> bool:
    """Tell whether the library exists, without making it."""
    return Library.exists(place.address, place.name)


@contextmanager
def to_read(place: Place) -> Iterator[Library]:
    """Open a library to be read; beside a model that was taught nothing yet, an empty one.

    Raises:
        LibraryError: It cannot be read, or one that was asked for is not there.
    """
    if place.library is None and place.name == DEFAULT_LIBRARY and not is_there(place):
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


def give_lesson(
    place: Place, lesson: Callable[[Library], Lesson], *, author: str | None, did: str = "done"
) -> None:
    """Give a lesson to a library that is there, and print it."""
    with to_change(place, author) as library:
        given = lesson(library)
    back = "redo" if given.is_undone else "undo"
    say(
        f"{did}: {given.text}; lesson {given.id}, {back} it with: {place.call(back, str(given.id))}"
    )
