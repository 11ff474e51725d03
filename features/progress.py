"""Progress of long work, as whoever waits for it is told."""

from __future__ import annotations

from collections.abc import Callable

ProgressReporter = Callable[[str, int, int], None]
"""Takes a stage, how much of it is done and how much there is, 0 if that is not known."""


def silent(stage: str, done: int, total: int) -> None:
    """Report nothing: nobody waits."""
