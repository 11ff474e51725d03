"""Supervisor of a worker process: starts it, and starts it again whenever it dies.

The process that shows the pages has one for each station that it opens.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from engine.station.paths import StationPaths
from engine.station.records import Limits
from engine.station.worker_process import THREADS
from features.files import open_to_append

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
# a worker that lived as long as this was sound; the next pause is the first again
SOUND_S = 60.0
STOP_S = 10.0
_POLL_S = 0.1

_supervisors: dict[Path, Supervisor] = {}
_lock = threading.Lock()


class Supervisor:
    """A worker process that is started again whenever it dies, until ``stop``."""

    def __init__(self, folder: Path, limits: Limits, options: Sequence[str] = ()) -> None:
        self._paths = StationPaths.create(folder)
        self._options = ["--max-pixels", str(limits.max_pixels), *options]
        self._is_stopping = threading.Event()
        self._process = self._start_process()
        name = f"station {self._paths.folder.name}"
        self._thread = threading.Thread(target=self._restart_when_dead, name=name, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the process is there now; it may wait for that of another server to leave."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process; another one after a crash."""
        return self._process.pid

    def stop(self) -> None:
        """End the worker, after the image at hand; jobs go on with the next one."""
        self._is_stopping.set()
        self._thread.join()
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with _lock:
            if _supervisors.get(self._paths.folder) is self:
                del _supervisors[self._paths.folder]

    def _restart_when_dead(self) -> None:
        pause, started_at = FIRST_PAUSE_S, time.monotonic()
        while not self._is_stopping.wait(_POLL_S):
            if self.is_alive:
                continue
            if time.monotonic() > started_at + SOUND_S:
                pause = FIRST_PAUSE_S
            if self._is_stopping.wait(pause):
                return
            pause, started_at = min(2 * pause, LONGEST_PAUSE_S), time.monotonic()
            with suppress(OSError):  # no memory, or no room for a log, just now
                self._process = self._start_process()

    def _start_process(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "engine.station.worker_process", str(self._paths.folder)]
        options = ["--parent", str(os.getpid()), *self._options]
        with open_to_append(self._paths.log) as log:
            return subprocess.Popen(
                [*command, *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=os.environ | THREADS,
                # Ctrl-C at the terminal is for the server, which stops its worker or leaves it
                start_new_session=True,
            )


def keep_working(
    folder: Path,
    *,
    limits: Limits | None = None,
    model: Path | None = None,
) -> Supervisor:
    """Have a station worked on as long as this process lives, and until its queue is empty.

    Called again for the same folder it returns the same supervisor. ``model``, with the library
    beside it, is loaded at once: its first image need not wait for that.
    """
    options = ["--model", str(model)] if model else []
    station = StationPaths.create(folder).folder
    with _lock:
        known = _supervisors.get(station)
        if known is None:
            known = _supervisors[station] = Supervisor(station, limits or Limits(), options)
        return known
