"""May this process write weights here, and is there room for them?"""

from __future__ import annotations

import errno
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from features.weights.errors import WeightsError
from features.weights.hashes import Tell

FreeBytes = Callable[[Path], int]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LOCK = ".lock"


def free_bytes(folder: Path) -> int:
    """Return how many bytes can still be written to the disk of a folder."""
    return shutil.disk_usage(folder).free


@contextmanager
def room_for(n_bytes: int, folder: Path, free: FreeBytes = free_bytes) -> Iterator[None]:
    """Write up to ``n_bytes`` into a folder within the block.

    Raises:
        WeightsError: There is not enough room, now or before the block has ended.
    """
    if free(folder) < n_bytes:
        raise _too_small(n_bytes, folder, free)
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _too_small(n_bytes, folder, free) from error
        raise


def _too_small(n_bytes: int, folder: Path, free: FreeBytes) -> WeightsError:
    return WeightsError(
        f"the disk of {folder} is full: {n_bytes:,} bytes more are needed, {free(folder):,} are "
        "free; make room, or set PARTWISE_WEIGHTS to a folder on another disk, then run again: "
        "what has arrived is kept"
    )


@contextmanager
def alone_in(folder: Path, tell: Tell) -> Iterator[None]:
    """Keep other processes from writing weights into a folder, which is made; waits for them.

    Raises:
        WeightsError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = (folder / _LOCK).open("wb")
    except OSError as error:
        raise WeightsError(
            f"cannot write to {folder} ({error.strerror}); set PARTWISE_WEIGHTS to a folder "
            "that you may write to"
        ) from error
    with stream:
        if not _lock(stream, is_waiting=False):
            tell("waiting for another process that fetches the same", 0, 0)
            _lock(stream, is_waiting=True)
        yield  # the lock ends with the file, even if this process is killed


def _lock(stream: BinaryIO, *, is_waiting: bool) -> bool:
    """Lock a file; whether it succeeded at once, or after waiting."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(stream.fileno(), msvcrt.LK_LOCK if is_waiting else msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | (0 if is_waiting else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            raise
        return False
    return True
