"""How is the next image of the queue judged?"""

from __future__ import annotations

import logging
from pathlib import Path

from engine.commands.failures import explained
from engine.station import queue
from engine.station.database import Database
from engine.station.drawing import draw
from engine.station.judging import Judge
from engine.station.photographs import digest_of, photograph_of, read_photograph
from engine.station.places import Places
from engine.station.queue import Claimed
from engine.station.records import Limits
from engine.station.results import write_result

_logger = logging.getLogger(__name__)


def work_once(database: Database, places: Places, judge: Judge, limits: Limits) -> bool:
    """Judge the next image; tells whether there was one. One that cannot be judged stops nothing.

    Only one process may do this at a time; ``engine.station.turn`` sees to that.
    """
    claimed = queue.claim(database)
    if claimed is None:
        return False
    try:
        _judge(claimed, database, places, judge, limits)
    except Exception as error:
        text = explained(error)
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
