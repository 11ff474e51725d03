"""Which long work is asked for, and how far is it?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from sqlite3 import Connection
from typing import Any, get_args

from engine.station.database import Database, Row, known_moment, moment, now
from engine.station.errors import StationError
from engine.station.records import JOB_KINDS, Job, JobKind, State

_ACTIVE = "('queued', 'running')"


def start(database: Database, kind: str, spec: Mapping[str, Any]) -> int:
    """Queue a job; returns its id.

    Raises:
        StationError: There is no such kind of job, or its spec is no JSON.
    """
    if kind not in JOB_KINDS:
        raise StationError(f"a job must be one of {', '.join(JOB_KINDS)}, got {kind!r}")
    try:
        text = json.dumps(spec, default=_as_text)
    except (TypeError, ValueError) as error:
        raise StationError(f"the spec of a job must be JSON, got {error}") from error
    with database.change() as connection:
        cursor = connection.execute(
            "INSERT INTO jobs (kind, spec, created_at) VALUES (?, ?, ?)", (kind, text, now())
        )
        return int(cursor.lastrowid or 0)


def get(database: Database, job: int) -> Job:
    """Return one job.

    Raises:
        StationError: There is none of this id.
    """
    row = database.row("SELECT * FROM jobs WHERE id = ?", (job,))
    if row is None:
        raise StationError(f"there is no job {job} in this station")
    return job_of(row)


def find(database: Database, kind: JobKind | None, *, is_active: bool | None) -> list[Job]:
    """Return jobs, the newest first; of one kind, active ones or ended ones if asked."""
    words, values = ["1"], []
    if kind is not None:
        words.append("kind = ?")
        values.append(kind)
    if is_active is not None:
        words.append(f"state {'IN' if is_active else 'NOT IN'} {_ACTIVE}")
    rows = database.rows(f"SELECT * FROM jobs WHERE {' AND '.join(words)} ORDER BY id DESC", values)
    return [job_of(row) for row in rows]


def cancel(database: Database, job: int) -> None:
    """Ask a job to end; one that waits ends at once, an ended one stays as it is.

    Raises:
        StationError: There is none of this id.
    """
    with database.change() as connection:
        _check_there(connection, job)
        connection.execute(
            "UPDATE jobs SET is_to_stop = 1,"
            " ended_at = CASE state WHEN 'queued' THEN ? ELSE ended_at END,"
            " state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END"
            f" WHERE id = ? AND state IN {_ACTIVE}",
            (now(), job),
        )


def resume(database: Database, job: int) -> None:
    """Queue a job again that was cancelled or has failed; others stay as they are.

    Raises:
        StationError: There is none of this id.
    """
    with database.change() as connection:
        _check_there(connection, job)
        connection.execute(
            "UPDATE jobs SET state = 'queued', is_to_stop = 0, attempts = 0, error = NULL,"
            " ended_at = NULL"
            " WHERE id = ? AND state IN ('cancelled', 'failed')",
            (job,),
        )


def _check_there(connection: Connection, job: int) -> None:
    if not connection.execute("SELECT 1 FROM jobs WHERE id = ?", (job,)).fetchone():
        raise StationError(f"there is no job {job} in this station")


def is_to_stop(database: Database, job: int) -> bool:
    """Tell whether a job was asked to end, or is gone."""
    row = database.row("SELECT is_to_stop FROM jobs WHERE id = ?", (job,))
    return row is None or bool(row["is_to_stop"])


def tell(database: Database, job: int, step: str, done: int, total: int) -> None:
    """Note how far a job is."""
    with database.change() as connection:
        connection.execute(
            "UPDATE jobs SET step = ?, done = ?, total = ? WHERE id = ?", (step, done, total, job)
        )


def note(database: Database, job: int, result: Mapping[str, Any]) -> None:
    """Note what a job has brought so far."""
    with database.change() as connection:
        connection.execute(
            "UPDATE jobs SET result = ? WHERE id = ?", (json.dumps(result, default=_as_text), job)
        )


def end(
    database: Database,
    job: int,
    state: State,
    *,
    result: Mapping[str, Any] | None = None,
    error: str | None = None,
) -> None:
    """Note how a job that ran has ended; what it brought before stays unless there is a result."""
    text = None if result is None else json.dumps(result, default=_as_text)
    with database.change() as connection:
        connection.execute(
            "UPDATE jobs SET state = ?, result = coalesce(?, result), error = ?, ended_at = ?"
            " WHERE id = ? AND state = 'running'",
            (state, text, error, now(), job),
        )


def job_of(row: Row) -> Job:
    """Read a row of the table."""
    assert row["state"] in get_args(State)
    return Job(
        id=row["id"],
        kind=row["kind"],
        spec=json.loads(row["spec"]),
        state=row["state"],
        step=row["step"],
        done=row["done"],
        total=row["total"],
        result=None if row["result"] is None else json.loads(row["result"]),
        error=row["error"],
        created_at=known_moment(row["created_at"]),
        started_at=moment(row["started_at"]),
        ended_at=moment(row["ended_at"]),
    )


def _as_text(value: object) -> str:
    """Write a path as text; anything else is no JSON."""
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"a value of type {type(value).__name__}")
