"""``partwise region forget``, ``rename``, ``kind``, ``undo``, ``redo``: what counts now?"""

from __future__ import annotations

from collections.abc import Callable

import click

from engine.commands.region_library import Place, to_change
from engine.library import Lesson, Library


def run(
    place: Place,
    lesson: Callable[[Library], Lesson],
    did: str = "done",
    *,
    author: str | None = None,
) -> int:
    """Give a lesson to a library that is there, and print it; returns the exit code."""
    with to_change(place, author) as library:
        given = lesson(library)
    back = "redo" if given.is_undone else "undo"
    click.echo(
        f"{did}: {given.text}; lesson {given.id}, {back} it with: {place.call(back, str(given.id))}"
    )
    return 0
