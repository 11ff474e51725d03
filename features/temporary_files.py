"""Temporary files and folders that no crash leaves for ever.

Each is locked by the process that fills it, and the system takes the lock from whoever dies. So the
next one that makes a temporary file in that folder can tell what is left over, and deletes it. A
lock tells nothing of what was made on another computer, or before this one was started anew, which
its name shows; nor does it where the file system has none. There, what has not changed for an hour
is left over.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO, TypeVar

# the slowest writer, of a data set of rendered scenes, takes minutes
LEFT_OVER_S = 3600.0

# the first release named no computer, and locked nothing
_NAME = re.compile(
    r"\.partwise-(?:(?P<computer>[0-9a-f]{8})-)?[0-9a-f]{16}\.tmp"
    r"|\.(?:partwise|hashes)\.json\.[0-9a-f]{16}\.tmp"
)


@contextmanager
def temporary_file(folder: Path) -> Iterator[BinaryIO]:
    """Open a new file in a folder to write; it is gone at the end unless ``keep`` renamed it.

    ``stream.name`` is its path. What others left over in the folder is deleted.

    Raises:
        OSError: It cannot be made.
    """
    path, stream = _make(folder, lambda path: path.open("xb"))
    try:
        with stream:
            sweep(folder, now=os.fstat(stream.fileno()).st_mtime)
            yield stream
    finally:
        with suppress(OSError):  # renamed, or the disk has become read-only
            path.unlink()


def keep(stream: BinaryIO, target: Path) -> None:
    """Give a temporary file its name, in the same folder, once its bytes are on the disk.

    Raises:
        OSError: The disk is full, say; the file is as it was.
    """
    stream.flush()
    os.fsync(stream.fileno())
    if sys.platform == "win32":  # an open file keeps its name there
        stream.close()
    os.replace(stream.name, target)
    _flush_folder(target.parent)


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """Make a folder in another, by default that for temporary files; it is gone at the end.

    What others left over there is deleted. Only the owner may look into it.

    Raises:
        OSError: It cannot be made.
    """
    parent = _default() if parent is None else parent

    def open_new(path: Path) -> _Handle:
        path.mkdir(mode=0o700)
        return _Handle(path)

    path, handle = _make(parent, open_new)
    try:
        sweep(parent)
        yield path
    finally:
        # while it is locked: nobody else takes it for left over
        shutil.rmtree(path, ignore_errors=True)
        handle.close()


def _default() -> Path:
    return Path(tempfile.gettempdir())


def is_temporary(path: str | Path) -> bool:
    """Tell whether a file is called like one of these."""
    return _NAME.fullmatch(os.path.basename(path)) is not None


def sweep(folder: Path | None = None, *, now: float | None = None) -> None:
    """Delete what was left over directly in a folder; what cannot be deleted stays.

    The folder is by default that for temporary files. ``now`` is the time by the clock of the disk,
    if that is known.
    """
    folder = _default() if folder is None else folder
    with suppress(OSError), os.scandir(folder) as entries:
        names = [each.name for each in entries if is_temporary(each.name)]
        for name in names:
            with suppress(OSError):  # gone meanwhile, or another user's
                _delete_if_left_over(folder / name, time.time() if now is None else now)


def _delete_if_left_over(path: Path, now: float) -> None:
    """Delete a file or folder that nobody fills any more; links and devices are never ours.

    Raises:
        OSError: It is gone, or may not be looked at or deleted.
    """
    found = path.lstat()
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        return
    with _Handle(path) as handle:
        is_ours = handle.lock()
        matched = _NAME.fullmatch(path.name)
        is_of_here = matched is not None and matched["computer"] == _computer()
        age_s = now - max(found.st_mtime, found.st_ctime)
        if is_ours is False or (age_s < LEFT_OVER_S and not (is_ours and is_of_here)):
            return
        if stat.S_ISDIR(found.st_mode):
            shutil.rmtree(path)
        else:
            path.unlink()


class _Handle:
    """A file or folder that is open, so that it can be locked; never what a link leads to."""

    def __init__(self, path: Path) -> None:
        self._descriptor = -1
        if sys.platform != "win32":  # folders cannot be opened there, nor open files be deleted
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            self._descriptor = os.open(path, flags)

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def lock(self) -> bool | None:
        """Lock it, if nobody has; None where there is no such thing as a lock."""
        return _lock(self._descriptor)

    def close(self) -> None:
        """Give the lock back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def __enter__(self) -> _Handle:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _lock(descriptor: int) -> bool | None:
    """Lock an open file; whether that succeeded, None where locks do not exist."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


T = TypeVar("T", BinaryIO, _Handle)


def _make(folder: Path, open_new: Callable[[Path], T]) -> tuple[Path, T]:
    """Make something of a new name and lock it.

    Somebody may take it for left over before it is locked; then another one is made.
    """
    while True:
        path = folder / f".partwise-{_computer()}-{secrets.token_hex(8)}.tmp"
        try:
            opened = open_new(path)
        except FileNotFoundError:
            if folder.is_dir():
                continue
            raise
        if _lock(opened.fileno()) is not False and path.exists():
            return path, opened
        opened.close()


@cache
def _computer() -> str:
    """Name this computer since it was started: locks of the same name are known here."""
    try:
        name = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    except OSError:
        name = platform.node().encode(errors="replace")
    return hashlib.sha256(name).hexdigest()[:8]


def _flush_folder(folder: Path) -> None:
    """Make sure that a name is on the disk, where folders can be flushed."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
