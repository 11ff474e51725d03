"""What does the worker do all day?"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from engine.station import queue, results
from engine.station.crew import Crew
from engine.station.database import Database
from engine.station.judging import Judge
from engine.station.places import Places
from engine.station.records import Limits
from engine.station.watching import Watcher
from engine.station.work import work_once

_logger = logging.getLogger(__name__)

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
