"""Lock on a model file, so that edits of two people at once both survive.

Who changes the file holds a lock beside it while it loads, edits and saves. The system takes the
lock from a process that dies, so that none is ever left behind.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from engine.atomic import OutputError
from engine.class_edits import ClassEditError, Edit
from engine.editing.refit import Effect, edited, effect, redone, undone
from features.names import real_path

if TYPE_CHECKING:
    from engine.inspector import Inspector

PATIENCE_S = 60.0
_POLL_S = 0.05


def change(
    path: str | Path,
    edit: Edit | Literal["undo", "redo"],
    *,
    author: str = "",
    patience_s: float = PATIENCE_S,
) -> tuple[Inspector, Effect]:
    """Edit a model file, whoever else does; return the new inspector and what has changed.

    Raises:
        ClassEditError: The edit cannot be made, or the file stays locked for ``patience_s``.
        ModelFileError: There is no model.
        OutputError: The file cannot be written.
    """
    return change_by(path, lambda inspector: edit, author=author, patience_s=patience_s)


def change_by(
    path: str | Path,
    choose: Callable[[Inspector], Edit | Literal["undo", "redo"]],
    *,
    author: str = "",
    patience_s: float = PATIENCE_S,
) -> tuple[Inspector, Effect]:
    """Do the same with an edit that is chosen when the model is loaded and locked."""
    from engine.inspector import Inspector

    with locked(Path(path), patience_s):
        before = Inspector.load(path)
        after = apply(before, choose(before), author=author)
        after.save(path)
    return after, effect(before, after)


def apply(
    inspector: Inspector, edit: Edit | Literal["undo", "redo"], *, author: str = ""
) -> Inspector:
    """Edit, undo or redo, as asked for."""
    if edit == "undo":
        return undone(inspector, author=author)
    if edit == "redo":
        return redone(inspector, author=author)
    return edited(inspector, edit, author=author)


@contextmanager
def locked(path: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Keep all others from changing a file; the lock is a hidden file beside it.

    Raises:
        ClassEditError: Another process held it for ``patience_s``.
        OutputError: The lock cannot be made.
    """
    target = real_path(path)
    beside = target.with_name(f".{target.name}.lock")
    try:
        stream = beside.open("ab")
    except OSError as error:
        raise OutputError(
            f"cannot lock {path}: {error.strerror}; check the folder and its permissions"
        ) from error
    with stream:
        _wait(stream.fileno(), path, patience_s)
        # closing the file gives the lock back
        yield


def _wait(descriptor: int, path: Path, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise ClassEditError(
                    f"{path} is being edited by another process for {patience_s:g} s; "
                    "wait until that is done, and try again"
                ) from error
            time.sleep(_POLL_S)
