"""Worker of a station: judges the queue, watches folders, runs jobs.

What one image, folder or job raises is noted on it, and the rest goes on. A full disk is no fault
of any of them: the worker waits, and goes on once there is room. What was at hand thrice when a
worker died comes last and is judged by a process of its own, so that its death shows who caused it.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from engine.errors import user_message
from engine.station import entries, queue, results
from engine.station.database import Database
from engine.station.job_pool import JobPool
from engine.station.judge import Judge
from engine.station.paths import StationPaths
from engine.station.photographs import digest_of, photograph_of, read_photograph
from engine.station.queue import Claimed
from engine.station.records import DiskFullError, Limits
from engine.station.result_view import draw_result
from engine.station.results import write_result
from engine.station.room import EXIT_STATUS, has_room, lack_of_room
from engine.station.watcher import Watcher
from features.images import ImageError

_POLL_S = 0.05
_JOBS_EVERY_S = 0.2
# whoever kills a worker and its process from outside does so within a moment
_KILLED_S = 1.0
# between two tries to go on where the disk was full; a quota shows by trying only
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0

_logger = logging.getLogger(__name__)


def work(
    paths: StationPaths,
    limits: Limits,
    *,
    first: Path | None = None,
    is_stopping: Callable[[], bool],
    is_leaving_when_done: Callable[[], bool] = lambda: False,
    is_patient: bool = True,
) -> None:
    """Judge images, look at watched folders and start jobs, until told to stop or to leave.

    Whoever calls holds the lock of the station. ``first`` is a model to be loaded before its first
    image comes.

    Raises:
        DiskFullError: There is no room, and the caller is not patient.
    """
    pause_s, is_told = _FIRST_PAUSE_S, False
    while not is_stopping():
        began = time.monotonic()
        try:
            _work(paths, limits, first, is_stopping, is_leaving_when_done)
        except Exception as error:
            full = lack_of_room(error, [paths.folder])
            if full is None:
                raise
            if not is_patient:
                raise full from error
            if time.monotonic() > began + _LONGEST_PAUSE_S:
                pause_s, is_told = _FIRST_PAUSE_S, False
            if not is_told:
                _logger.error("%s", full)
            is_told = True
            _wait_for_room(paths.folder, pause_s, is_stopping)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        else:
            return


def _wait_for_room(folder: Path, pause_s: float, is_stopping: Callable[[], bool]) -> None:
    until = time.monotonic() + pause_s
    while not is_stopping() and (time.monotonic() < until or not has_room(folder)):
        time.sleep(_POLL_S)


def _work(
    paths: StationPaths,
    limits: Limits,
    first: Path | None,
    is_stopping: Callable[[], bool],
    is_leaving_when_done: Callable[[], bool],
) -> None:
    """Work until told to stop or to leave, or until the disk is full."""
    with ExitStack() as resources:
        database = Database(paths.database)
        resources.callback(database.close)
        pool, judge, watcher = JobPool(database, paths, limits), Judge(), Watcher(database)
        resources.callback(judge.close)
        resources.callback(queue.recover, database)
        resources.callback(pool.stop)
        queue.recover(database)
        results.sweep(paths.results, lambda: entries.all_ids(database))
        paths.sweep()
        pool.recover()
        if first is not None:
            _prepare(judge, first)
        _run_loop(database, paths, limits, pool, judge, watcher, is_stopping, is_leaving_when_done)


def _prepare(judge: Judge, model: Path) -> None:
    """Load a model; whatever is wrong with it is said of the first image that asks for it."""
    try:
        judge.prepare(model)
    except (OSError, ValueError) as error:
        _logger.warning("%s cannot be loaded yet: %s", model, error)


def _run_loop(
    database: Database,
    paths: StationPaths,
    limits: Limits,
    pool: JobPool,
    judge: Judge,
    watcher: Watcher,
    is_stopping: Callable[[], bool],
    is_leaving_when_done: Callable[[], bool],
) -> None:
    version, jobs_at = -1, 0.0
    while not is_stopping():
        seen = database.version()
        has_changed, version = seen != version, seen
        if has_changed or time.monotonic() > jobs_at + _JOBS_EVERY_S:
            pool.update()
            jobs_at = time.monotonic()
        has_found = watcher.poll(has_changed=has_changed)
        if has_changed or has_found:
            while not is_stopping() and work_once(database, paths, judge, limits):
                watcher.poll(has_changed=False)
                if time.monotonic() > jobs_at + _JOBS_EVERY_S:
                    pool.update()
                    jobs_at = time.monotonic()
        elif is_leaving_when_done() and not pool.is_busy:
            return
        else:
            time.sleep(_POLL_S)


def work_once(database: Database, paths: StationPaths, judge: Judge, limits: Limits) -> bool:
    """Judge the next image; tells whether there was one. One that cannot be judged stops nothing.

    Only one process may do this at a time; ``engine.station.file_lock`` sees to that.
    """
    claimed = queue.claim(database)
    if claimed is None:
        return False
    if claimed.is_suspect:
        _judge_alone(claimed, database, paths, limits)
    else:
        judge_claimed(claimed, database, paths, judge, limits)
    return True


def judge_claimed(
    claimed: Claimed, database: Database, paths: StationPaths, judge: Judge, limits: Limits
) -> None:
    """Judge an image, and note why that is not possible.

    Raises:
        DiskFullError: There is no room to do so; the image waits.
    """
    try:
        _judge(claimed, database, paths, judge, limits)
    except Exception as error:
        places = [paths.folder, claimed.entry.model.parent, Path(tempfile.gettempdir())]
        full = None if isinstance(error, ImageError) else lack_of_room(error, places)
        if full is not None:
            queue.release(database, claimed)
            raise full from error
        text = user_message(error)
        if text is None:
            _logger.exception("entry %d could not be judged", claimed.entry.id)
            text = f"a fault of partwise ({type(error).__name__}: {error}); please report it"
        queue.fail(database, claimed, text)


def _judge_alone(claimed: Claimed, database: Database, paths: StationPaths, limits: Limits) -> None:
    """Have an image judged by a process of its own: if that dies, it was the image.

    Raises:
        DiskFullError: There is no room to do so; the image waits.
    """
    command = [sys.executable, "-m", "engine.station.worker_process", str(paths.folder)]
    only = ["--entry", str(claimed.entry.id), "--attempt", str(claimed.attempt)]
    options = ["--parent", str(os.getpid()), "--max-pixels", str(limits.max_pixels)]
    status = subprocess.run(
        [*command, *only, *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ).returncode
    if status == EXIT_STATUS:
        raise DiskFullError(paths.folder)
    if status != 0:
        time.sleep(_KILLED_S)
        cause = f"signal {-status}" if status < 0 else f"exit code {status}"
        queue.fail(
            database,
            claimed,
            f"{claimed.entry.name} ended the process that judged it and nothing else ({cause}); "
            "reduce the image, or look into the log of the station",
        )


def _judge(
    claimed: Claimed, database: Database, paths: StationPaths, judge: Judge, limits: Limits
) -> None:
    entry = claimed.entry
    path = photograph_of(entry, paths.images)
    bits = judge.significant_bits(entry.model, entry.library)
    image = read_photograph(path, entry.name, limits, bits)
    judged = judge.judge(image, entry.model, entry.library)
    # whoever waits for the verdict should not wait for the pictures
    if queue.finish(database, claimed, judged):
        drawn = draw_result(judged)
        write_result(
            entry.id, paths.results, drawn.facts, drawn.photo, drawn.reference, drawn.layers
        )
        queue.note_drawn(database, entry.id, _digest(path, entry.path))


def _digest(path: Path, original: Path | None) -> str | None:
    """Return the digest of an image that stays in its folder; that of an upload is known."""
    return digest_of(path) if original is not None else None
