"""Atomic writes: a file appears whole or not at all.

The bytes go to a temporary file in the same folder, reach the disk, and only then take the name.
Whoever looks meanwhile, or after a crash, finds the old file or the new one, never a half. What a
crash leaves beside it is deleted by the next who writes into that folder.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from features.errors import UserError
from features.temporary_files import is_temporary, keep, temporary_file

_NO_PERMISSION = "no permission to write there; choose another folder or change its permissions"
_DISK_FULL = "the disk is full; free some space or choose another disk"

_REASONS = {
    errno.ENOENT: "the folder does not exist; create it first",
    errno.ENOTDIR: "part of its path is a file, not a folder; choose another path",
    errno.EACCES: _NO_PERMISSION,
    errno.EPERM: _NO_PERMISSION,
    errno.EROFS: "the disk is read-only; choose another one",
    errno.ENOSPC: _DISK_FULL,
    errno.EDQUOT: _DISK_FULL,
    errno.EFBIG: "it exceeds the largest size allowed for a file; check `ulimit -f` or the disk",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}


class OutputError(UserError, OSError):
    """A file that cannot be written; the message is one line and names the cure."""


@contextmanager
def atomic_write(path: str | Path) -> Iterator[BinaryIO]:
    """Open a binary stream that becomes the file ``path`` when the block ends well.

    If the block ends by any exception, Ctrl-C included, ``path`` stays as it was and nothing is
    left beside it. A symbolic link is followed. An ``OSError`` that names no other file is taken to
    come from the stream. Pipes, devices of characters and open files such as ``/dev/stdout`` are
    written as they are: nothing could take their place.

    Raises:
        OutputError: ``path`` cannot be written; it stays as it was.
    """
    if is_stream(path):
        with _written_through(path) as stream:
            yield stream
        return
    target = Path(os.path.realpath(path))
    try:
        _check_replaceable(target)
        with temporary_file(target.parent) as stream:
            yield stream
            keep(stream, target)
    except OSError as error:
        is_other = error.filename is not None and not is_temporary(error.filename)
        if isinstance(error, OutputError) or is_other:
            raise
        reason = _REASONS.get(error.errno or 0, f"{error.strerror or error}; choose another path")
        raise OutputError(f"cannot write {path}: {reason}") from error


def write_text(path: Path, text: str) -> None:
    """Write a text whole or not at all.

    Raises:
        OutputError: The file cannot be written.
    """
    with atomic_write(path) as stream:
        stream.write(text.encode(errors="replace"))


class _RolledBackError(Exception):
    """Ends a trial of writing without an outcome."""


def check_writable(path: Path, *, inputs: Iterable[Path] = ()) -> None:
    """Find out before long work that its outcome could not be written; changes nothing.

    Raises:
        OutputError: The path cannot be written now, or is one of the inputs: ``-o *.png`` happens.
    """
    if is_stream(path):  # opening a pipe would wait for its reader
        return
    if path.exists() and any(path.samefile(each) for each in inputs if each.exists()):
        raise OutputError(f"cannot write {path}: it is one of the inputs; name another file")
    with suppress(_RolledBackError), atomic_write(path):
        raise _RolledBackError


def check_no_stream(path: str | Path, what: str) -> None:
    """Refuse a pipe or device where only a file makes sense; changes nothing.

    Raises:
        OutputError: The path is a stream; ``what`` begins the reason.
    """
    if is_stream(path):
        raise OutputError(
            f"cannot write {path}: {what} must be a file, got a pipe or device; name a file"
        )


# files that this process has open already; the links of /dev lead there, too
_MAX_LINKS = 40  # as many as Linux follows
_OPEN_FILES = {"/dev/stdout": 1, "/dev/stderr": 2}
_OPEN_FILE = re.compile(r"(?:/dev|/proc/self|/proc/(?P<process>\d+))/fd/(?P<number>\d+)")


def is_stream(path: str | Path) -> bool:
    """Whether a path is written as it goes: an open file, a pipe, or a device of characters."""
    if _open_file(path) is not None:
        return True
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def is_standard_output(path: str | Path) -> bool:
    """Whether a path or a link means the standard output stream of this process."""
    return _open_file(path) == 1


def _open_file(path: str | Path) -> int | None:
    """Return the number of the open file that a path or a link means, if it means one."""
    text = os.path.abspath(path)
    for _ in range(_MAX_LINKS):
        if text in _OPEN_FILES:
            return _OPEN_FILES[text]
        if match := _OPEN_FILE.fullmatch(text):
            is_own = match["process"] in (None, str(os.getpid()))
            return int(match["number"]) if is_own else None
        if not os.path.islink(text):
            return None
        text = os.path.abspath(os.path.join(os.path.dirname(text), os.readlink(text)))
    return None


@contextmanager
def _written_through(path: str | Path) -> Iterator[BinaryIO]:
    """Open what is no file, or is open already, to be written from where it is.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        sys.stdout.flush()  # what was printed before comes before
        number = _open_file(path)
        with open(path if number is None else os.dup(number), "wb") as stream:
            yield stream
    except OSError as error:
        if isinstance(error, OutputError | BrokenPipeError) or error.filename not in (None, path):
            raise
        reason = _REASONS.get(error.errno or 0, f"{error.strerror or error}; choose another path")
        raise OutputError(f"cannot write {path}: {reason}") from error


def _check_replaceable(target: Path) -> None:
    """Refuse folders, disks and sockets, which no file may replace."""
    # os.path answers False where it may not look; opening will then say why.
    if os.path.isdir(target):
        raise OutputError(f"cannot write {target}: it is a folder; add a file name")
    if os.path.exists(target) and not os.path.isfile(target):
        raise OutputError(f"cannot write {target}: it is a disk or socket; choose a file name")
