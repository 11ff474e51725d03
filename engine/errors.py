"""Errors that a caller can act on, and what any error means to the user."""

from __future__ import annotations

import errno
import os

from features.errors import UserError
from features.names import one_line, show_name

# PyTorch, the loader of libraries, OpenCV, threads
_NO_MEMORY = (
    "out of memory",
    "allocate memory",
    "failed to map segment",
    "insufficient memory",
    "can't start new thread",
)


class ConfigError(UserError, ValueError):
    """A configuration with one or more problems, all named at once."""


class NotFittedError(UserError, RuntimeError):
    """A judgement was asked of an inspector that has seen no reference."""


def user_message(error: Exception) -> str | None:
    """Return what to tell the user, or None for a fault of our own."""
    from concurrent.futures import BrokenExecutor  # seldom needed, and slow to import

    if isinstance(error, UserError):
        return str(error)
    if _is_out_of_memory(error):
        return "out of memory; use fewer or smaller images, or fewer --jobs"
    if isinstance(error, BrokenExecutor):
        return "a worker process died, perhaps for lack of memory; run again with fewer --jobs"
    if isinstance(error, OSError):
        if error.strerror is None:
            return one_line(str(error))
        where = os.fsdecode(error.filename) if error.filename else "the output"
        return f"{show_name(where)}: {error.strerror}"
    return None


def _is_out_of_memory(error: Exception) -> bool:
    """Whether memory was wanting, which each library says in its own way."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    is_of_library = isinstance(error, ImportError | RuntimeError) or _is_of_opencv(error)
    return is_of_library and any(each in str(error).lower() for each in _NO_MEMORY)


def _is_of_opencv(error: Exception) -> bool:
    return (type(error).__module__, type(error).__name__) == ("cv2", "error")
