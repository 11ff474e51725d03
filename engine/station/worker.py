"""The process that judges what is queued: ``python -m engine.station.worker FOLDER``.

One works at a time for each station; another waits until that one leaves. One that was started by a
process (``--parent``) and has lost it finishes the queue and leaves.

How is the next image of the queue judged?

What does the worker do all day?
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from engine.errors import user_message
from engine.station import queue, results
from engine.station.database import Database
from engine.station.file_lock import turn
from engine.station.job_pool import Crew
from engine.station.judge import Judge
from engine.station.paths import Places
from engine.station.photographs import digest_of, photograph_of, read_photograph
from engine.station.queue import Claimed
from engine.station.records import MAX_PIXELS, Limits
from engine.station.result_view import draw
from engine.station.results import write_result
from engine.station.watcher import Watcher

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
MAX_LOG_BYTES = 2_000_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Wait for the turn, then work until told to stop."""
    given = _parsed(arguments)
    # our matrices are small; NumPy reads this when imported, which has not happened yet
    for name, value in THREADS.items():
        os.environ.setdefault(name, value)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    is_stopping = _stopped_by_signals()
    places = Places.made(given.folder)

    def is_orphan() -> bool:
        # whoever loses its parent is given another one
        return given.parent is not None and os.getppid() != given.parent

    def is_waiting() -> bool:
        return not is_stopping() and not is_orphan()

    with turn(places.lock, is_waiting=is_waiting) as is_ours:
        if is_ours:
            limits = Limits(max_pixels=given.max_pixels)

            def is_over() -> bool:
                _bound_log()
                return is_stopping()

            work(
                places,
                limits,
                first=given.model,
                is_stopping=is_over,
                is_leaving_when_done=is_orphan,
            )


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m engine.station.worker", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parent", type=int)
    parser.add_argument("--max-pixels", type=int, default=MAX_PIXELS)
    parser.add_argument("--model", type=Path, help="to be loaded at once")
    return parser.parse_args(arguments)


class _Stop:
    """Remembers whether a signal came."""

    def __init__(self) -> None:
        self._has_come = False

    def come(self, number: int, frame: FrameType | None) -> None:
        self._has_come = True

    def __call__(self) -> bool:
        return self._has_come


def _stopped_by_signals() -> _Stop:
    """Let the image at hand be finished; Ctrl-C at a terminal is for the parent to handle."""
    stop = _Stop()
    signal.signal(signal.SIGTERM, stop.come)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return stop


def _bound_log() -> None:
    """Empty the log when it has grown large; it was opened to be appended to."""
    status = os.fstat(2)
    if stat.S_ISREG(status.st_mode) and status.st_size > MAX_LOG_BYTES:
        os.ftruncate(2, 0)


if __name__ == "__main__":
    main(sys.argv[1:])


_logger = logging.getLogger(__name__)


def work_once(database: Database, places: Places, judge: Judge, limits: Limits) -> bool:
    """Judge the next image; tells whether there was one. One that cannot be judged stops nothing.

    Only one process may do this at a time; ``engine.station.file_lock`` sees to that.
    """
    claimed = queue.claim(database)
    if claimed is None:
        return False
    try:
        _judge(claimed, database, places, judge, limits)
    except Exception as error:
        text = user_message(error)
        if text is None:
            _logger.exception("entry %d could not be judged", claimed.entry.id)
            text = f"a fault of partwise ({type(error).__name__}: {error}); please report it"
        queue.fail(database, claimed, text)
    return True


def _judge(
    claimed: Claimed, database: Database, places: Places, judge: Judge, limits: Limits
) -> None:
    entry = claimed.entry
    path = photograph_of(entry, places.images)
    image = read_photograph(path, entry.name, limits)
    judged = judge.judge(image, entry.model, entry.library)
    # whoever waits for the verdict should not wait for the pictures
    if queue.finish(database, claimed, judged):
        drawn = draw(judged)
        write_result(
            entry.id, places.results, drawn.facts, drawn.photo, drawn.reference, drawn.layers
        )
        queue.note_drawn(database, entry.id, _digest(path, entry.path))


def _digest(path: Path, original: Path | None) -> str | None:
    """Return the digest of an image that stays in its folder; that of an upload is known."""
    return digest_of(path) if original is not None else None


LOOK_S = 0.05
_TEND_S = 0.2


def work(
    places: Places,
    limits: Limits,
    *,
    first: Path | None = None,
    is_stopping: Callable[[], bool],
    is_leaving_when_done: Callable[[], bool] = lambda: False,
) -> None:
    """Judge images, look at watched folders and start jobs, until told to stop or to leave.

    Whoever calls holds the lock of the station. ``first`` is a model to be loaded before its first
    image comes.
    """
    database = Database(places.database)
    crew, judge, watcher = Crew(database, places, limits), Judge(), Watcher(database)
    try:
        queue.recover(database)
        results.sweep(places.results)
        crew.recover()
        if first is not None:
            _prepare(judge, first)
        _go_on(database, places, limits, crew, judge, watcher, is_stopping, is_leaving_when_done)
    finally:
        crew.stop()
        queue.recover(database)
        judge.close()
        database.close()


def _prepare(judge: Judge, model: Path) -> None:
    """Load a model; whatever is wrong with it is said of the first image that asks for it."""
    try:
        judge.prepare(model)
    except (OSError, ValueError) as error:
        _logger.warning("%s cannot be loaded yet: %s", model, error)


def _go_on(
    database: Database,
    places: Places,
    limits: Limits,
    crew: Crew,
    judge: Judge,
    watcher: Watcher,
    is_stopping: Callable[[], bool],
    is_leaving_when_done: Callable[[], bool],
) -> None:
    version, tended_at = -1, 0.0
    while not is_stopping():
        seen = database.version()
        has_changed, version = seen != version, seen
        if has_changed or time.monotonic() > tended_at + _TEND_S:
            crew.tend()
            tended_at = time.monotonic()
        has_found = watcher.look(has_changed=has_changed)
        if has_changed or has_found:
            while not is_stopping() and work_once(database, places, judge, limits):
                watcher.look(has_changed=False)
                if time.monotonic() > tended_at + _TEND_S:
                    crew.tend()
                    tended_at = time.monotonic()
        elif is_leaving_when_done() and not crew.is_busy:
            return
        else:
            time.sleep(LOOK_S)
