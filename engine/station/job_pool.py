"""Pool of job processes: one process a job, one job of a kind at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

from engine.station import jobs
from engine.station.database import Database, now
from engine.station.paths import StationPaths
from engine.station.records import JOB_KINDS, DiskFullError, Limits
from engine.station.room import EXIT_STATUS

# of a job that gets nowhere before the worker dies
MAX_ATTEMPTS = 3
# a job that is asked to end notices that whenever it reports its progress
GRACE_S = 3.0


@dataclass
class _JobProcess:
    """A job's process, and when it was asked to end."""

    kind: str
    process: subprocess.Popen[bytes]
    asked_at: float | None = None


class JobPool:
    """The processes of the jobs that run now."""

    def __init__(self, database: Database, paths: StationPaths, limits: Limits) -> None:
        self._database, self._paths, self._limits = database, paths, limits
        self._running: dict[int, _JobProcess] = {}

    @property
    def is_busy(self) -> bool:
        """Whether a job runs or waits."""
        return bool(self._running) or jobs.is_any_active(self._database)

    def recover(self) -> None:
        """Queue again what ran when a worker died; give up on what did so thrice without progress.

        What no release of this age can do is given up, too.
        """
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
        self._refuse_unknown()

    def _refuse_unknown(self) -> None:
        """Note on jobs of a newer release that this one cannot do them."""
        for number, kind in jobs.unknown(self._database):
            jobs.refuse(
                self._database,
                number,
                f"a job of the kind {kind!r} is unknown to this release of partwise, which knows "
                f"{', '.join(JOB_KINDS)}; upgrade with `pip install --upgrade partwise`",
            )

    def update(self) -> None:
        """Note who has ended, end who was asked to, and start who is next."""
        for number, running in list(self._running.items()):
            status = running.process.poll()
            if status is not None:
                del self._running[number]
                self._note_end(number, status)
            elif jobs.is_to_stop(self._database, number):
                _end_process(running)
        self._refuse_unknown()
        busy = {each.kind for each in self._running.values()}
        for kind in JOB_KINDS:
            if kind not in busy:
                self._start_next(kind)

    def stop(self) -> None:
        """End all processes; what they did is queued again, for the next worker."""
        for each in self._running.values():
            each.process.terminate()
        for number, running in self._running.items():
            try:
                status = running.process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                running.process.kill()
                status = running.process.wait()
            if status == 0:
                self._note_end(number, status)
            elif status == EXIT_STATUS:
                jobs.put_back(self._database, number)
        self._running.clear()
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
        command = [sys.executable, "-m", "engine.station.job_process", str(self._paths.folder)]
        options = ["--parent", str(os.getpid()), "--max-pixels", str(self._limits.max_pixels)]
        try:
            process = subprocess.Popen(
                [*command, str(row["id"]), *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        except OSError as error:
            text = f"the job's process could not be started ({error.strerror}); try again"
            jobs.finish(self._database, row["id"], "failed", error=text)
            return
        self._running[row["id"]] = _JobProcess(kind, process)

    def _note_end(self, number: int, status: int) -> None:
        """Note the end of a job that could not do so itself.

        Raises:
            DiskFullError: There was no room to go on; it waits.
        """
        if jobs.is_to_stop(self._database, number):
            jobs.finish(self._database, number, "cancelled")
        elif status == EXIT_STATUS:
            jobs.put_back(self._database, number)
            raise DiskFullError(self._paths.folder)
        elif status != 0:
            cause = f"signal {-status}" if status < 0 else f"exit code {status}"
            jobs.finish(
                self._database,
                number,
                "failed",
                error=f"the job's process died ({cause}), perhaps for lack of memory; try again, "
                "or look into the log of the station",
            )
        else:
            jobs.finish(self._database, number, "failed", error="the job ended without a result")


def _end_process(running: _JobProcess) -> None:
    """End a process: it may do so itself, then it is asked by a signal, then it is killed."""
    at = time.monotonic()
    if running.asked_at is None:
        running.asked_at = at
    elif at > running.asked_at + 2 * GRACE_S:
        running.process.send_signal(signal.SIGKILL)
    elif at > running.asked_at + GRACE_S:
        running.process.terminate()
