"""Who may come in with a password, and how soon may they try again?

One turnstile serves all sessions: every wrong password makes the next attempt, whoever makes it,
wait twice as long, so that opening many sessions helps nobody to guess. Who has come in is given a
pass, which a browser keeps and shows when a page is loaded again.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable

FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 30.0
PASS_LASTS_S = 12 * 3600.0  # a shift and a half


class Turnstile:
    """Checks passwords, slowly after wrong ones, and gives passes; safe for many threads.

    ``now`` is a clock in seconds that never goes back.
    """

    def __init__(self, password: str, *, now: Callable[[], float] = time.monotonic) -> None:
        self._digest = _digest(password)
        self._now = now
        self._lock = threading.Lock()
        self._n_wrong = 0
        self._open_at = 0.0
        self._passes: dict[str, float] = {}

    def delay_s(self) -> float:
        """Return how long the next attempt must wait; 0 if it need not."""
        with self._lock:
            return max(0.0, self._open_at - self._now())

    def enter(self, password: str) -> str | None:
        """Return a new pass for the right password; None for a wrong one or an attempt too soon.

        An attempt too soon is not even looked at, and delays nothing further.
        """
        with self._lock:
            if self._now() < self._open_at:
                return None
            if not hmac.compare_digest(_digest(password), self._digest):
                self._n_wrong += 1
                delay = min(FIRST_DELAY_S * 2.0 ** min(self._n_wrong - 1, 16), LONGEST_DELAY_S)
                self._open_at = self._now() + delay
                return None
            self._n_wrong = 0
            return self._new_pass()

    def knows(self, token: str) -> bool:
        """Tell whether this is a pass that was given here and still holds."""
        with self._lock:
            ends_at = self._passes.get(_name(token))
            return ends_at is not None and self._now() < ends_at

    def revoke(self, token: str) -> None:
        """Let a pass hold no longer."""
        with self._lock:
            self._passes.pop(_name(token), None)

    def _new_pass(self) -> str:
        token, now = secrets.token_urlsafe(32), self._now()
        self._passes = {name: end for name, end in self._passes.items() if end > now}
        self._passes[_name(token)] = now + PASS_LASTS_S
        return token


def _digest(password: str) -> bytes:
    """Hash a password: digests have one length, so that comparing them takes one time."""
    return hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest()


def _name(token: str) -> str:
    """Name a pass by its hash: looking it up tells nothing about it by the time that takes."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
