"""Errors that a caller can act on, and what any error means to the user."""

from __future__ import annotations

from features.errors import UserError


class ConfigError(UserError, ValueError):
    """A configuration with one or more problems, all named at once."""


class NotFittedError(UserError, RuntimeError):
    """A judgement was asked of an inspector that has seen no reference."""


def user_message(error: Exception) -> str | None:
    """Return what to tell the user, or None for a fault of our own."""
    from concurrent.futures import BrokenExecutor  # seldom needed, and slow to import

    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, MemoryError):
        return "out of memory; use fewer or smaller images, or fewer --jobs"
    if isinstance(error, BrokenExecutor):
        return "a worker process died, perhaps for lack of memory; run again with fewer --jobs"
    if isinstance(error, OSError):
        if error.strerror is None:
            return str(error)
        return f"{error.filename or 'the output'}: {error.strerror}"
    return None
