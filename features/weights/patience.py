"""How long is a server borne with that is slow, busy or out of reach?"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from features.weights.errors import WeightsError

Result = TypeVar("Result")


@dataclass(frozen=True)
class Patience:
    """How long servers are borne with."""

    timeout_s: float = 30.0
    """Silence of a server that counts as a broken line."""
    waits_s: tuple[float, ...] = (1.0, 4.0, 15.0, 30.0)
    """Before each further attempt; counted anew once an attempt got on."""
    longest_wait_s: float = 120.0
    """A server that asks for more with Retry-After is left alone."""


class UnreachableError(WeightsError):
    """A server cannot be had from here, or not now."""


class InterruptionError(Exception):
    """A server could not be reached, fell silent or asked to wait: another attempt may succeed."""

    def __init__(self, reason: str, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


def patiently(
    attempt: Callable[[], Result],
    patience: Patience,
    *,
    progress: Callable[[], int] = lambda: 0,
) -> Result:
    """Repeat an attempt while it is interrupted; ``progress`` tells how far the last one got.

    Raises:
        UnreachableError: The server cannot be had.
    """
    failures, reached = 0, progress()
    while True:
        try:
            return attempt()
        except InterruptionError as error:
            failures = failures + 1 if progress() <= reached else 1
            reached = progress()
            if error.retry_after_s > patience.longest_wait_s:
                raise UnreachableError(
                    f"{error} and asks to wait {error.retry_after_s:,.0f} s; run again then"
                ) from error
            if failures > len(patience.waits_s):
                raise UnreachableError(
                    f"{error}; gave up after {failures} attempts, run again to go on"
                ) from error
            time.sleep(max(patience.waits_s[failures - 1], error.retry_after_s))
