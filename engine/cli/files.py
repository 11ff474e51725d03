"""Checks of the files that a command will write."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from engine.atomic import OutputError, atomic_write


class _RolledBackError(Exception):
    """Ends a trial of writing without an outcome."""


def check_writable(path: Path, *, inputs: Iterable[Path] = ()) -> None:
    """Find out before long work that its outcome could not be written; changes nothing.

    Raises:
        OutputError: The path cannot be written now, or is one of the inputs: ``-o *.png`` happens.
    """
    if path.exists() and any(path.samefile(each) for each in inputs if each.exists()):
        raise OutputError(f"cannot write {path}: it is one of the inputs; name another file")
    with suppress(_RolledBackError), atomic_write(path):
        raise _RolledBackError
