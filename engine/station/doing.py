"""Which work is done for which kind of job?"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.commands.failures import explained
from engine.station import jobs
from engine.station.database import Database
from engine.station.places import Places
from engine.station.records import Job, JobKind, Limits
from engine.station.telling import JobCancelledError, Teller

_logger = logging.getLogger(__name__)

Result = dict[str, Any]


@dataclass(frozen=True)
class Order:
    """What a job is to do, and whom it tells: how far it is, and what there is already."""

    job: Job
    places: Places
    limits: Limits
    tell: Callable[[str, int, int], None]
    note: Callable[[Mapping[str, Any]], None]


def do(places: Places, number: int, limits: Limits) -> None:
    """Do a job and note its result, its cancellation or its error."""
    database = Database(places.database)
    try:
        job = jobs.get(database, number)
        order = Order(
            job,
            places,
            limits,
            Teller(database, number),
            lambda result: jobs.note(database, number, result),
        )
        try:
            result = _work_of(job.kind)(order)
        except JobCancelledError:
            jobs.end(database, number, "cancelled")
        except Exception as error:
            jobs.end(database, number, "failed", error=_words(error))
        else:
            jobs.end(database, number, "done", result=result)
    finally:
        database.close()


def _work_of(kind: JobKind) -> Callable[[Order], Result]:
    """Import what does this kind of job, and only that."""
    if kind == "fit":
        from engine.station.fitting import fit

        return fit
    if kind == "bench":
        from engine.station.measuring import measure

        return measure
    from engine.station.sampling import render_samples

    return render_samples


def _words(error: Exception) -> str:
    text = explained(error)
    if text is None:
        _logger.exception("a job failed")
        text = f"a fault of partwise ({type(error).__name__}: {error}); please report it"
    return " ".join(text.split())
