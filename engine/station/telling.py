"""How does a job say how far it is, and hear that it is to end?"""

from __future__ import annotations

import time

from engine.station import jobs
from engine.station.database import Database

EVERY_S = 0.2


class JobCancelledError(Exception):
    """Ends a job that was asked to end."""


class Teller:
    """Notes the progress of a job, at most five times a second; every new step is noted."""

    def __init__(self, database: Database, job: int) -> None:
        self._database, self._job = database, job
        self._step, self._told_at = "", 0.0

    def __call__(self, step: str, done: int, total: int) -> None:
        """Note that ``done`` of ``total`` units of a step are done.

        Raises:
            JobCancelledError: The job was asked to end.
        """
        at = time.monotonic()
        if step == self._step and at < self._told_at + EVERY_S and done < total:
            return
        self._step, self._told_at = step, at
        jobs.tell(self._database, self._job, step, done, total)
        if jobs.is_to_stop(self._database, self._job):
            raise JobCancelledError
