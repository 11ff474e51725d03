"""What stands in for a library where nothing was taught yet?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.regions.library.library import Library


@contextmanager
def empty_library() -> Iterator[Library]:
    """Open a library of nothing, which is gone when it is closed."""
    with (
        TemporaryDirectory(prefix="partwise-") as folder,
        Library(Path(folder) / "empty.db") as library,
    ):
        yield library
