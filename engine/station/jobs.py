"""Long jobs of a station: queued by their specs, with progress, result and end.

A spec says what is to be done:

- ``fit``: ``references``, a list of {"sha256": an image that was kept} or {"path": below a root},
  each with a ``name`` if it should not be the file's; ``name`` of the model; ``profile`` (embedded)
  and ``config`` (a preset) if they should not be the defaults.
- ``bench``: ``root``, a data set below a root; ``categories``, ``shots``, ``seeds`` and ``profile``
  if they should not be all, those of the protocol, and embedded.
- ``samples``: ``seed`` if it should not be 0.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, get_args, runtime_checkable

from engine.station.connection import Connection
from engine.station.database import Database, Row, now, reads_row, utc_time, utc_time_or_none
from engine.station.records import JOB_KINDS, Job, JobKind, State, StationError, label, model_name
from features.files import parse_json
from features.names import one_line

_ACTIVE = "('queued', 'running')"
PROFILES = ("embedded", "cnn", "foundation", "foundation-fast")
PRESETS = ("competition", "default", "paper")  # equal engine.config.PRESETS, whose import is slow


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
    return _job_of(row)


def find(database: Database, kind: JobKind | None, *, is_active: bool | None) -> list[Job]:
    """Return jobs, the newest first; of one kind, active ones or ended ones if asked."""
    conditions, values = ["1"], []
    if kind is not None:
        conditions.append("kind = ?")
        values.append(kind)
    if is_active is not None:
        conditions.append(f"state {'IN' if is_active else 'NOT IN'} {_ACTIVE}")
    rows = database.rows(
        f"SELECT * FROM jobs WHERE {' AND '.join(conditions)} ORDER BY id DESC", values
    )
    return [_job_of(row) for row in rows]


def is_any_active(database: Database) -> bool:
    """Tell whether a job waits or runs."""
    return database.row(f"SELECT 1 FROM jobs WHERE state IN {_ACTIVE} LIMIT 1") is not None


def unknown(database: Database) -> list[tuple[int, str]]:
    """Return id and kind of jobs that wait and are of a kind that this release does not know."""
    marks = ", ".join("?" * len(JOB_KINDS))
    rows = database.rows(
        f"SELECT id, kind FROM jobs WHERE state = 'queued' AND kind NOT IN ({marks})", JOB_KINDS
    )
    return [(row["id"], str(row["kind"])) for row in rows]


def refuse(database: Database, job: int, error: str) -> None:
    """Note why a job that waits cannot be done."""
    with database.change() as connection:
        connection.execute(
            "UPDATE jobs SET state = 'failed', error = ?, ended_at = ?"
            " WHERE id = ? AND state = 'queued'",
            (error, now(), job),
        )


def put_back(database: Database, job: int) -> None:
    """Let a job wait again that could not go on, through no fault of its own."""
    with database.change() as connection:
        connection.execute(
            "UPDATE jobs SET state = 'queued', attempts = max(0, attempts - 1)"
            " WHERE id = ? AND state = 'running'",
            (job,),
        )


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


def set_progress(database: Database, job: int, step: str, done: int, total: int) -> None:
    """Note how far a job is; one that gets on is not to blame if the worker dies."""
    with database.change() as connection:
        connection.execute(
            "UPDATE jobs SET attempts = CASE WHEN done < ?1 THEN 1 ELSE attempts END,"
            " step = ?2, done = ?1, total = ?3 WHERE id = ?4",
            (done, step, total, job),
        )


def set_result(database: Database, job: int, result: Mapping[str, Any]) -> None:
    """Note what a job has brought so far."""
    with database.change() as connection:
        connection.execute(
            "UPDATE jobs SET result = ? WHERE id = ?", (json.dumps(result, default=_as_text), job)
        )


def finish(
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
            (state, text, None if error is None else one_line(error), now(), job),
        )


@reads_row
def _job_of(row: Row) -> Job:
    """Read a row of the table; what another release or program wrote there has failed."""
    spec, result = _object_in(row["spec"]), _object_in(row["result"])
    state, error = row["state"], row["error"]
    if state not in get_args(State) or spec is None:
        error = (
            f"job {row['id']} cannot be read: its state is {state!r}, or its spec no JSON object; "
            "start it again"
        )
        state = "failed"
    return Job(
        id=row["id"],
        kind=row["kind"],
        spec=spec or {},
        state=state,
        step=row["step"],
        done=row["done"],
        total=row["total"],
        result=result,
        error=error,
        created_at=utc_time(row["created_at"]),
        started_at=utc_time_or_none(row["started_at"]),
        ended_at=utc_time_or_none(row["ended_at"]),
    )


def _object_in(text: str | None) -> dict[str, Any] | None:
    """Read a JSON object; None where there is none."""
    try:
        found = parse_json(text or "null", "it")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _as_text(value: object) -> str:
    """Write a path as text; anything else is no JSON."""
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"a value of type {type(value).__name__}")


@runtime_checkable
class PathResolver(Protocol):
    """Resolves the paths and digests of a spec, as ``Station`` does."""

    def allowed(self, path: str | Path) -> Path:
        """Return a path resolved, if it may be read."""

    def image_path(self, sha256: str) -> Path:
        """Return where a kept image lies."""


def checked_spec(resolver: PathResolver, kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec with its paths resolved and what was left out filled in.

    Raises:
        StationError: It lacks something, has something unknown, or names a path that is closed.
    """
    check: dict[str, Callable[[PathResolver, Mapping[str, Any]], dict[str, Any]]] = {
        "fit": _fit_spec,
        "bench": _bench_spec,
        "samples": _samples_spec,
    }
    if kind not in check:
        raise StationError(f"a job must be one of {', '.join(check)}, got {kind!r}")
    return check[kind](resolver, spec)


def _fit_spec(resolver: PathResolver, spec: Mapping[str, Any]) -> dict[str, Any]:
    _check_keys(spec, "references", "names", "name", "profile", "config")
    given = spec.get("references")
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise StationError(f"fit needs a list of references, got {given!r}; choose 1 to 8 images")
    names = spec.get("names") or [None] * len(given)
    if len(names) != len(given):
        raise StationError(f"names must fit the {len(given)} references, got {len(names)}")
    references = [_reference(resolver, each, name) for each, name in zip(given, names, strict=True)]
    return {
        "references": references,
        "name": model_name(str(spec.get("name", ""))),
        "profile": _one_of("profile", spec.get("profile"), PROFILES),
        "config": _one_of("config", spec.get("config"), PRESETS),
    }


def _reference(
    resolver: PathResolver, given: Mapping[str, Any], name: str | None
) -> dict[str, str]:
    if "sha256" in given:
        path = resolver.image_path(str(given["sha256"]))
        return {"path": str(path), "name": label(str(name or given.get("name") or ""))}
    if "path" in given:
        path = resolver.allowed(str(given["path"]))
        return {"path": str(path), "name": label(str(name or given.get("name") or path.name))}
    raise StationError(f"a reference must have a sha256 or a path, got {sorted(given)}")


def _bench_spec(resolver: PathResolver, spec: Mapping[str, Any]) -> dict[str, Any]:
    _check_keys(spec, "root", "categories", "shots", "seeds", "profile")
    if not spec.get("root"):
        raise StationError("bench needs the root of a data set, got none; choose a folder")
    return {
        "root": str(resolver.allowed(str(spec["root"]))),
        "categories": [str(each) for each in spec.get("categories") or ()],
        "shots": _whole_numbers("shots", spec.get("shots"), least=1),
        "seeds": _whole_numbers("seeds", spec.get("seeds"), least=0),
        "profile": _one_of("profile", spec.get("profile"), PROFILES),
    }


def _samples_spec(resolver: PathResolver, spec: Mapping[str, Any]) -> dict[str, Any]:
    _check_keys(spec, "seed")
    return {"seed": (_whole_numbers("seed", [spec.get("seed", 0)], least=0))[0]}


def _check_keys(spec: Mapping[str, Any], *known: str) -> None:
    unknown = sorted(set(spec) - set(known))
    if unknown:
        raise StationError(f"a spec may have {', '.join(known)}, got {', '.join(unknown)}, too")


def _one_of(name: str, given: object, known: Sequence[str]) -> str | None:
    if given not in (None, *known):
        raise StationError(f"{name} must be one of {', '.join(known)}, got {given!r}")
    return None if given is None else str(given)


def _whole_numbers(name: str, given: Sequence[Any] | None, least: int) -> list[int]:
    numbers = list(given or ())
    if any(type(each) is not int or each < least for each in numbers):
        raise StationError(f"{name} must be whole numbers from {least} on, got {numbers}")
    return numbers
