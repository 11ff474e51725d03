"""File lock between processes, which the system takes away from whoever dies."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from features.files import open_to_append

_POLL_S = 0.1


@contextmanager
def file_lock(path: Path, *, is_waiting: Callable[[], bool]) -> Iterator[bool]:
    """Hold a lock; waits for it as long as ``is_waiting`` says, and tells whether it is held."""
    with open_to_append(path) as file:
        is_held = _try_lock(file.fileno())
        while not is_held and is_waiting():
            time.sleep(_POLL_S)
            is_held = _try_lock(file.fileno())
        yield is_held


def is_locked(path: Path) -> bool:
    """Tell whether anybody holds the lock now."""
    with open_to_append(path) as file:
        return not _try_lock(file.fileno())


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
