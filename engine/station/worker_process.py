"""Worker process: ``python -m engine.station.worker_process FOLDER``.

One works at a time for each station; another waits until that one leaves. One that was started by a
process (``--parent``) and has lost it finishes the queue and leaves. With ``--entry`` and
``--attempt`` it judges one image, for the worker that has claimed it, and ends with that.
"""

from __future__ import annotations

import argparse
import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from engine.station.file_lock import file_lock
from engine.station.paths import StationPaths
from engine.station.records import MAX_PIXELS, DiskFullError, Limits
from engine.station.room import EXIT_STATUS
from features.names import log_to_stderr

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
MAX_LOG_BYTES = 2_000_000
_POLL_S = 0.5


def main(arguments: Sequence[str] | None = None) -> None:
    """Wait for the lock of the station, then work until told to stop."""
    given = _parse(arguments)
    # our matrices are small; NumPy reads this when imported, which has not happened yet
    for name, value in THREADS.items():
        os.environ.setdefault(name, value)
    log_to_stderr("%(asctime)s %(levelname)s %(name)s: %(message)s")
    is_stopping = _stopped_by_signals()
    paths = StationPaths.create(given.folder)
    if given.entry is not None:
        _judge_one(paths, given)
        return

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


def _judge_one(paths: StationPaths, given: argparse.Namespace) -> None:
    """Judge the image that the parent has claimed; if this process dies, the parent notes that."""
    if given.parent is not None:
        exit_with_parent(given.parent)
    from engine.station.database import Database
    from engine.station.judge import Judge
    from engine.station.queue import claimed_again
    from engine.station.worker import judge_claimed

    database, judge = Database(paths.database), Judge()
    claimed = claimed_again(database, given.entry, given.attempt)
    try:
        if claimed is not None:
            judge_claimed(claimed, database, paths, judge, Limits(max_pixels=given.max_pixels))
    except DiskFullError:
        sys.exit(EXIT_STATUS)
    finally:
        judge.close()
        database.close()


def exit_with_parent(parent: int) -> None:
    """End this process at once when its parent is gone: the next one does the same anew."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_POLL_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m engine.station.worker_process", description=__doc__
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parent", type=int)
    parser.add_argument("--max-pixels", type=int, default=MAX_PIXELS)
    parser.add_argument("--model", type=Path, help="to be loaded at once")
    parser.add_argument("--entry", type=int, help="to be judged, and no other")
    parser.add_argument("--attempt", type=int, default=0)
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
