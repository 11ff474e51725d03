"""Who does the long jobs? Each has a process of its own, one of a kind at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

from engine.station import jobs
from engine.station.database import Database, now
from engine.station.paths import Places
from engine.station.records import JOB_KINDS, Limits

MAX_ATTEMPTS = 3
# a job that is asked to end looks for that whenever it tells how far it is
GRACE_S = 3.0


@dataclass
class _Member:
    """A job's process, and when it was asked to end."""

    kind: str
    process: subprocess.Popen[bytes]
    asked_at: float | None = None


class Crew:
    """The processes of the jobs that run now."""

    def __init__(self, database: Database, places: Places, limits: Limits) -> None:
        self._database, self._places, self._limits = database, places, limits
        self._members: dict[int, _Member] = {}

    @property
    def is_busy(self) -> bool:
        """Whether a job runs or waits."""
        return bool(self._members) or bool(jobs.find(self._database, None, is_active=True))

    def recover(self) -> None:
        """Queue again what ran when a worker died; give up on what did so thrice."""
        with self._database.change() as connection:
            connection.execute(
                "UPDATE jobs SET state = 'failed', ended_at = ?, error = 'the job ended the worker "
                "' || attempts || ' times; look into the log of the station'"
                " WHERE state = 'running' AND attempts >= ?",
                (now(), MAX_ATTEMPTS),
            )
            connection.execute(
                "UPDATE jobs SET state = 'cancelled', ended_at = ?"
                " WHERE state = 'running' AND is_to_stop",
                (now(),),
            )
            connection.execute("UPDATE jobs SET state = 'queued' WHERE state = 'running'")

    def tend(self) -> None:
        """Note who has ended, end who was asked to, and start who is next."""
        for number, member in list(self._members.items()):
            status = member.process.poll()
            if status is not None:
                del self._members[number]
                self._note_end(number, status)
            elif jobs.is_to_stop(self._database, number):
                _end(member)
        busy = {member.kind for member in self._members.values()}
        for kind in JOB_KINDS:
            if kind not in busy:
                self._start_next(kind)

    def stop(self) -> None:
        """End all processes; what they did is queued again, for the next worker."""
        for member in self._members.values():
            member.process.terminate()
        for number, member in self._members.items():
            try:
                status = member.process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                member.process.kill()
                status = member.process.wait()
            if status == 0:
                self._note_end(number, status)
        self._members.clear()
        self.recover()

    def _start_next(self, kind: str) -> None:
        with self._database.change() as connection:
            row = connection.execute(
                "UPDATE jobs SET state = 'running', attempts = attempts + 1, started_at = ?,"
                " error = NULL WHERE id = (SELECT id FROM jobs WHERE state = 'queued' AND kind = ?"
                " ORDER BY id LIMIT 1) RETURNING id",
                (now(), kind),
            ).fetchone()
        if row is None:
            return
        command = [sys.executable, "-m", "engine.station.job_process", str(self._places.folder)]
        options = ["--parent", str(os.getpid()), "--max-pixels", str(self._limits.max_pixels)]
        process = subprocess.Popen(
            [*command, str(row["id"]), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        self._members[row["id"]] = _Member(kind, process)

    def _note_end(self, number: int, status: int) -> None:
        """Note the end of a job that could not do so itself."""
        if jobs.is_to_stop(self._database, number):
            jobs.end(self._database, number, "cancelled")
        elif status != 0:
            cause = f"signal {-status}" if status < 0 else f"exit code {status}"
            jobs.end(
                self._database,
                number,
                "failed",
                error=f"the job's process died ({cause}), perhaps for lack of memory; try again, "
                "or look into the log of the station",
            )
        else:
            jobs.end(self._database, number, "failed", error="the job ended without a result")


def _end(member: _Member) -> None:
    """End a process: it may do so itself, then it is asked by a signal, then it is killed."""
    at = time.monotonic()
    if member.asked_at is None:
        member.asked_at = at
    elif at > member.asked_at + 2 * GRACE_S:
        member.process.send_signal(signal.SIGKILL)
    elif at > member.asked_at + GRACE_S:
        member.process.terminate()
