"""Worker of a station: judges the queue, watches folders, runs jobs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from engine.errors import user_message
from engine.station import queue, results
from engine.station.database import Database
from engine.station.job_pool import JobPool
from engine.station.judge import Judge
from engine.station.paths import StationPaths
from engine.station.photographs import digest_of, photograph_of, read_photograph
from engine.station.queue import Claimed
from engine.station.records import Limits
from engine.station.result_view import draw_result
from engine.station.results import write_result
from engine.station.watcher import Watcher

_POLL_S = 0.05
_JOBS_EVERY_S = 0.2

_logger = logging.getLogger(__name__)


def work(
    paths: StationPaths,
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
    database = Database(paths.database)
    pool, judge, watcher = JobPool(database, paths, limits), Judge(), Watcher(database)
    try:
        queue.recover(database)
        results.sweep(paths.results)
        pool.recover()
        if first is not None:
            _prepare(judge, first)
        _run_loop(database, paths, limits, pool, judge, watcher, is_stopping, is_leaving_when_done)
    finally:
        pool.stop()
        queue.recover(database)
        judge.close()
        database.close()


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
    try:
        _judge(claimed, database, paths, judge, limits)
    except Exception as error:
        text = user_message(error)
        if text is None:
            _logger.exception("entry %d could not be judged", claimed.entry.id)
            text = f"a fault of partwise ({type(error).__name__}: {error}); please report it"
        queue.fail(database, claimed, text)
    return True


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
