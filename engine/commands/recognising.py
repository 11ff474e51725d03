"""What does a command judge with if what was taught is to count?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.commands.region_library import Place
    from engine.inspector import Inspector
    from engine.regions.recogniser import Recogniser


@contextmanager
def recogniser_at(place: Place | None, inspector: Inspector) -> Iterator[Recogniser | None]:
    """Open the library, if one is asked for, and only then import what reads it.

    Raises:
        LibraryError: It cannot be read, or does not fit the inspector.
    """
    if place is None:
        yield None
        return
    from engine.commands.region_library import to_read
    from engine.regions.recogniser import Recogniser

    with to_read(place) as library:
        yield Recogniser(inspector, library)
