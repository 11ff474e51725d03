"""Worker process: ``python -m engine.station.worker_process FOLDER``.

One works at a time for each station; another waits until that one leaves. One that was started by a
process (``--parent``) and has lost it finishes the queue and leaves.
"""

from __future__ import annotations

import argparse
import os
import signal
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from engine.station.file_lock import file_lock
from engine.station.paths import StationPaths
from engine.station.records import MAX_PIXELS, Limits
from features.names import log_to_stderr

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
MAX_LOG_BYTES = 2_000_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Wait for the lock of the station, then work until told to stop."""
    given = _parse(arguments)
    # our matrices are small; NumPy reads this when imported, which has not happened yet
    for name, value in THREADS.items():
        os.environ.setdefault(name, value)
    log_to_stderr("%(asctime)s %(levelname)s %(name)s: %(message)s")
    is_stopping = _stopped_by_signals()
    paths = StationPaths.create(given.folder)

    def is_orphan() -> bool:
        # whoever loses its parent is given another one
        return given.parent is not None and os.getppid() != given.parent

    def is_waiting() -> bool:
        return not is_stopping() and not is_orphan()

    with file_lock(paths.lock, is_waiting=is_waiting) as is_ours:
        if is_ours:
            from engine.station.worker import work  # brings NumPy

            limits = Limits(max_pixels=given.max_pixels)

            def is_over() -> bool:
                _bound_log()
                return is_stopping()

            work(
                paths,
                limits,
                first=given.model,
                is_stopping=is_over,
                is_leaving_when_done=is_orphan,
            )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m engine.station.worker_process", description=__doc__
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parent", type=int)
    parser.add_argument("--max-pixels", type=int, default=MAX_PIXELS)
    parser.add_argument("--model", type=Path, help="to be loaded at once")
    return parser.parse_args(arguments)


class _StopSignal:
    """Remembers whether a signal came."""

    def __init__(self) -> None:
        self._is_requested = False

    def receive(self, number: int, frame: FrameType | None) -> None:
        self._is_requested = True

    def __call__(self) -> bool:
        return self._is_requested


def _stopped_by_signals() -> _StopSignal:
    """Let the image at hand be finished; Ctrl-C at a terminal is for the parent to handle."""
    stop = _StopSignal()
    signal.signal(signal.SIGTERM, stop.receive)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return stop


def _bound_log() -> None:
    """Empty the log when it has grown large; it was opened to be appended to."""
    status = os.fstat(2)
    if stat.S_ISREG(status.st_mode) and status.st_size > MAX_LOG_BYTES:
        os.ftruncate(2, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
