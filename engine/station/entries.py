"""Entries of a station: images with their verdicts, and queries over them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from engine.station.connection import Connection
from engine.station.database import Database, Row, now, reads_row, utc_time, utc_time_or_none
from engine.station.photographs import FolderImage
from engine.station.records import Entry, Review, Source, State, StationError, Tally, Verdict
from features.files import parse_json
from features.names import one_line

Order = Literal["newest", "oldest", "worst", "best", "name"]

# what has no figure yet comes last, whichever way
_ORDERS: dict[str, str] = {
    "newest": "id DESC",
    "oldest": "id",
    "worst": "severity DESC, id DESC",
    "best": "severity IS NULL, severity, id DESC",
    "name": "name COLLATE NOCASE, id",
}

# who is waited for comes first: an entry asked for again by hand, then a camera or a person;
# last comes what was being judged whenever a worker died
URGENT, SOON, LATER, LAST = 2, 1, 0, -1


class Filters(TypedDict, total=False):
    """What entries must have in common; what is left out, None or empty asks for nothing.

    ``classes``: at least one of them is concerned. ``reviews`` may hold None for those that nobody
    has reviewed. ``since`` and ``until`` bound the time of adding, the first included; a time
    without a zone is that of this computer.
    """

    model: Path | None
    states: Sequence[State]
    verdicts: Sequence[Verdict]
    classes: Sequence[str]
    reviews: Sequence[Review | None]
    since: datetime | None
    until: datetime | None
    batch: int | None


def add_upload(
    database: Database,
    name: str,
    digest: str,
    size: tuple[int, int],
    *,
    model: Path,
    library: str | None,
    batch: int | None,
) -> int:
    """Queue an image that has been kept; returns the entry's id.

    Raises:
        StationError: There is no such batch.
    """
    with database.change() as connection:
        if batch is not None:
            _check_batch(connection, batch)
        cursor = connection.execute(
            "INSERT INTO entries (name, source, batch, model, library, sha256, height, width,"
            " urgency, added_at) VALUES (?, 'upload', ?, ?, ?, ?, ?, ?, ?, ?)",
            (name, batch, stored_path(model), library, digest, *size, SOON, now()),
        )
        return int(cursor.lastrowid or 0)


def add_files(
    connection: Connection,
    files: Iterable[FolderImage],
    *,
    source: Source,
    model: str,
    library: str | None,
    batch: int,
) -> None:
    """Queue images that stay where they are."""
    urgency = SOON if source == "watch" else LATER
    at = now()
    connection.executemany(
        "INSERT INTO entries (name, source, batch, model, library, path, file_size, file_mtime_ns,"
        " urgency, added_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                one_line(each.name),
                source,
                batch,
                model,
                library,
                str(each.path),
                each.size,
                each.mtime_ns,
                urgency,
                at,
            )
            for each in files
        ),
    )


def add_broken(
    database: Database,
    name: str,
    error: str,
    *,
    model: Path,
    library: str | None,
    batch: int,
) -> None:
    """Note an image that was to be kept and could not be read, among the others of its batch."""
    with database.change() as connection:
        connection.execute(
            "INSERT INTO entries (name, source, batch, model, library, state, error, added_at)"
            " VALUES (?, 'upload', ?, ?, ?, 'failed', ?, ?)",
            (name, batch, stored_path(model), library, one_line(error), now()),
        )


def add_batch(connection: Connection, label: str, model: str) -> int:
    """Make a batch without images; returns its id."""
    cursor = connection.execute(
        "INSERT INTO batches (label, model, created_at) VALUES (?, ?, ?)", (label, model, now())
    )
    return int(cursor.lastrowid or 0)


def _check_batch(connection: Connection, batch: int) -> None:
    """Refuse a batch that is not there.

    Raises:
        StationError: It is not.
    """
    if not connection.execute("SELECT 1 FROM batches WHERE id = ?", (batch,)).fetchone():
        raise StationError(f"there is no batch {batch}; make one with new_batch")


def find(
    database: Database,
    order: Order = "newest",
    limit: int | None = None,
    offset: int = 0,
    **filters: Unpack[Filters],
) -> list[Entry]:
    """Return the entries asked for, in order."""
    where, values = condition(**filters)
    rows = database.rows(
        f"SELECT * FROM entries WHERE {where} ORDER BY {ordering(order)} LIMIT ? OFFSET ?",
        (*values, -1 if limit is None else limit, offset),
    )
    return [entry_of(row) for row in rows]


def get(database: Database, entry: int) -> Entry:
    """Return one entry.

    Raises:
        StationError: There is none of this id.
    """
    row = database.row("SELECT * FROM entries WHERE id = ?", (entry,))
    if row is None:
        raise StationError(f"there is no entry {entry} in this station; it may have been removed")
    return entry_of(row)


def all_ids(database: Database) -> set[int]:
    """Return the ids of all entries."""
    return {int(row["id"]) for row in database.rows("SELECT id FROM entries")}


def neighbours(
    database: Database, entry: int, order: Order, **filters: Unpack[Filters]
) -> tuple[int | None, int | None]:
    """Return the ids before and after an entry, which need not be among those asked for."""
    where, values = condition(**filters)
    rows = database.rows(
        f"SELECT id FROM entries WHERE ({where}) OR id = ? ORDER BY {ordering(order)}",
        (*values, entry),
    )
    ids = [int(row["id"]) for row in rows]
    if entry not in ids:
        return None, None
    at = ids.index(entry)
    return (ids[at - 1] if at else None), (ids[at + 1] if at + 1 < len(ids) else None)


def review(database: Database, entry: int, opinion: str | None, author: str) -> None:
    """Note what a person thinks of the verdict.

    Raises:
        StationError: There is no such entry, or no such opinion.
    """
    if opinion not in ("accepted", "rejected", None):
        raise StationError(f"a review must be accepted, rejected or None, got {opinion!r}")
    with database.change() as connection:
        cursor = connection.execute(
            "UPDATE entries SET review = ?, reviewed_by = ?, reviewed_at = ? WHERE id = ?",
            (opinion, author if opinion else None, now() if opinion else None, entry),
        )
        if not cursor.rowcount:
            raise StationError(f"there is no entry {entry} in this station; nothing was reviewed")


def rejudge(database: Database, ids: Sequence[int], *, is_urgent: bool) -> None:
    """Queue entries again; until then they keep what was said of them."""
    urgency = URGENT if is_urgent else LATER
    with database.change() as connection:
        connection.executemany(
            "UPDATE entries SET state = 'queued', urgency = ?, attempts = 0, error = NULL"
            " WHERE id = ?",
            [(urgency, each) for each in ids],
        )


def cancel(database: Database, batch: int | None, ids: Sequence[int] | None = None) -> int:
    """Take what waits out of the queue; what was judged before is done again. Returns how many."""
    with database.change() as connection:
        cursor = connection.execute(
            "UPDATE entries SET state = CASE WHEN judged_at IS NULL THEN 'cancelled' ELSE 'done'"
            " END WHERE state = 'queued' AND (? IS NULL OR batch = ?)"
            " AND (? IS NULL OR id IN (SELECT value FROM json_each(?)))",
            (batch, batch, *2 * (None if ids is None else json.dumps(list(ids)),)),
        )
        return cursor.rowcount


def remove(database: Database, ids: Sequence[int]) -> list[str]:
    """Delete entries; returns the digests of uploads that nothing needs any more."""
    with database.change() as connection:
        digests = set()
        for each in ids:
            row = connection.execute(
                "DELETE FROM entries WHERE id = ? RETURNING sha256, source", (each,)
            ).fetchone()
            if row and row["source"] == "upload" and row["sha256"]:
                digests.add(str(row["sha256"]))
        needed = (
            "SELECT 1 FROM entries WHERE sha256 = :sha256 AND source = 'upload' UNION ALL"
            " SELECT 1 FROM jobs WHERE state IN ('queued', 'running') AND instr(spec, :sha256)"
        )
        return [
            each for each in digests if not connection.execute(needed, {"sha256": each}).fetchone()
        ]


@reads_row
def entry_of(row: Row) -> Entry:
    """Read a row of the table."""
    return Entry(
        id=row["id"],
        name=row["name"],
        source=row["source"],
        batch=row["batch"],
        model=Path(row["model"]),
        state=row["state"],
        added_at=utc_time(row["added_at"]),
        judged_at=utc_time_or_none(row["judged_at"]),
        seconds=row["seconds"],
        total=row["total"],
        threshold=row["threshold"],
        verdict=row["verdict"],
        reason=row["worst"] if row["verdict"] == "anomaly" else row["calm"],
        classes=_names_in(row["classes"]),
        is_by_region=bool(row["is_by_region"]),
        review=row["review"],
        reviewed_by=row["reviewed_by"],
        error=row["error"],
        image_sha256=row["sha256"],
        image_size=None if row["height"] is None else (row["height"], row["width"]),
        path=None if row["path"] is None else Path(row["path"]),
        is_drawn=bool(row["is_drawn"]),
        library=row["library"],
    )


def _names_in(text: str) -> tuple[str, ...]:
    """Read a list of names; one that was damaged has none, so that the others can be listed."""
    try:
        return tuple(str(each) for each in parse_json(text, "its classes"))
    except (ValueError, TypeError):
        return ()


def tally(database: Database, **filters: Unpack[Filters]) -> Tally:
    """Count entries by state and, of those done, by verdict and review."""
    where, values = condition(**filters)
    counts: dict[str, int] = {}
    for row in database.rows(
        f"SELECT state, verdict, review, count(*) AS n FROM entries WHERE {where}"
        " GROUP BY state, verdict, review",
        values,
    ):
        names = [row["state"]]
        if row["state"] == "done":
            names += [each for each in (row["verdict"], row["review"]) if each]
        for name in names:
            counts[name] = counts.get(name, 0) + int(row["n"])
    # others may be of a newer release
    return Tally(**{each.name: counts.get(each.name, 0) for each in fields(Tally)})


def class_names(database: Database, model: Path | None) -> list[str]:
    """Return the names of all classes concerned by any entry, or by those of a model."""
    where, values = condition(model=model)
    query = f"WHERE entry IN (SELECT id FROM entries WHERE {where})" if values else ""
    rows = database.rows(f"SELECT DISTINCT name FROM entry_classes {query} ORDER BY name", values)
    return [str(row["name"]) for row in rows]


def threshold(database: Database, model: Path) -> float | None:
    """Return the threshold set by hand for a model, if any."""
    row = database.row("SELECT value FROM thresholds WHERE model = ?", (stored_path(model),))
    return None if row is None else _value_of(row)


@reads_row
def _value_of(row: Row) -> float:
    return float(row["value"])


def set_threshold(database: Database, model: Path, value: float | None) -> None:
    """Set or drop the threshold of a model; its verdicts follow at once."""
    name = stored_path(model)
    with database.change() as connection:
        connection.execute("DELETE FROM thresholds WHERE model = ?", (name,))
        if value is not None:
            connection.execute("INSERT INTO thresholds VALUES (?, ?)", (name, float(value)))
        connection.execute(
            "UPDATE entries SET threshold = coalesce(?, learnt), verdict = CASE"
            " WHEN is_by_region THEN verdict"
            " WHEN total > coalesce(?, learnt) THEN 'anomaly' ELSE 'normal' END"
            " WHERE model = ? AND total IS NOT NULL",
            (value, value, name),
        )


def condition(**filters: Unpack[Filters]) -> tuple[str, list[object]]:
    """Return the condition in SQL, and its values."""
    conditions: list[str] = []
    values: list[object] = []

    def ask(condition: str, *asked: object) -> None:
        conditions.append(condition)
        values.extend(asked)

    if (model := filters.get("model")) is not None:
        ask("model = ?", stored_path(model))
    if (batch := filters.get("batch")) is not None:
        ask("batch = ?", batch)
    if states := filters.get("states"):
        ask(f"state IN ({_marks(states)})", *states)
    if verdicts := filters.get("verdicts"):
        ask(f"verdict IN ({_marks(verdicts)})", *verdicts)
    if classes := filters.get("classes"):
        found = f"SELECT entry FROM entry_classes WHERE name IN ({_marks(classes)})"
        ask(f"id IN ({found})", *classes)
    if reviews := filters.get("reviews"):
        ask(f"coalesce(review, '') IN ({_marks(reviews)})", *(each or "" for each in reviews))
    if (since := filters.get("since")) is not None:
        ask("added_at >= ?", since.timestamp())
    if (until := filters.get("until")) is not None:
        ask("added_at < ?", until.timestamp())
    return " AND ".join(conditions) or "1", values


def ordering(order: str) -> str:
    """Return the order in SQL.

    Raises:
        StationError: There is no such order.
    """
    if order not in _ORDERS:
        raise StationError(f"order must be one of {', '.join(_ORDERS)}, got {order!r}")
    return _ORDERS[order]


def stored_path(path: Path) -> str:
    """Write a path as tables hold it: absolute, with symbolic links as they are."""
    return str(path.absolute())


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
