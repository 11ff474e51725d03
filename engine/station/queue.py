"""Queue of images: which one is judged next, and what is written of it then."""

from __future__ import annotations

import json
from dataclasses import dataclass

from engine.regions.report import RegionReport
from engine.regions.wording import reason_line
from engine.report import Report
from engine.station.database import Database, Row, now
from engine.station.entries import LAST, entry_of
from engine.station.judge import Judged
from engine.station.records import Entry
from features.names import one_line

# whatever was at hand when a worker died as often as this may be the cause: then it comes last, and
# is judged by a process of its own
MAX_DEATHS = 3

_LIKE_THE_REFERENCES = "like the references"


@dataclass(frozen=True)
class Claimed:
    """An entry that is being judged; ``attempt`` tells this time from others."""

    entry: Entry
    attempt: int

    @property
    def is_suspect(self) -> bool:
        """Whether it was at hand so often when a worker died that it is to be judged alone."""
        return self.attempt > MAX_DEATHS


def recover(database: Database) -> None:
    """Queue again what was being judged or drawn when a worker died.

    Whoever kills a worker kills it beside some image, mostly a sound one: none is given up for
    that. After three times it comes last.
    """
    with database.change() as connection:
        connection.execute(
            "UPDATE entries SET state = 'queued',"
            " urgency = CASE WHEN attempts >= ? THEN ? ELSE urgency END"
            " WHERE state = 'running' OR (state = 'done' AND NOT is_drawn AND error IS NULL)",
            (MAX_DEATHS, LAST),
        )


def claim(database: Database) -> Claimed | None:
    """Take the next image out of the queue, the most urgent and then the oldest."""
    with database.change() as connection:
        row: Row | None = connection.execute(
            "UPDATE entries SET state = 'running', attempts = attempts + 1 WHERE id = ("
            "SELECT id FROM entries WHERE state = 'queued' ORDER BY urgency DESC, id LIMIT 1)"
            " RETURNING *"
        ).fetchone()
    return None if row is None else Claimed(entry_of(row), row["attempts"])


def claimed_again(database: Database, entry: int, attempt: int) -> Claimed | None:
    """Return what another process has claimed, unless it was removed or asked for again since."""
    row = database.row(
        "SELECT * FROM entries WHERE id = ? AND attempts = ? AND state = 'running'",
        (entry, attempt),
    )
    return None if row is None else Claimed(entry_of(row), attempt)


def release(database: Database, claimed: Claimed) -> None:
    """Put back what could not be judged now, through no fault of its own."""
    with database.change() as connection:
        connection.execute(
            "UPDATE entries SET state = 'queued', attempts = attempts - 1"
            " WHERE id = ? AND attempts = ? AND (state = 'running'"
            " OR (state = 'done' AND NOT is_drawn))",
            (claimed.entry.id, claimed.attempt),
        )


def finish(database: Database, claimed: Claimed, judged: Judged) -> bool:
    """Note what was said of an image; the threshold in force decides. Its pictures may follow.

    An entry that was removed or asked for again meanwhile stays as it is; tells whether it did not.
    """
    report, regions = judged.report, judged.regions
    names = _class_names(report, regions)
    total, is_by_region = regions.total, bool(regions.defects)
    severity = max(total / report.threshold, 1.0 if is_by_region else 0.0)
    height, width = report.image_size
    with database.change() as connection:
        cursor = connection.execute(
            "UPDATE entries SET state = 'done', error = NULL, judged_at = ?,"
            " seconds = ?, total = ?, learnt = ?, severity = ?, is_by_region = ?, worst = ?,"
            " calm = ?, classes = ?, height = ?, width = ?, is_drawn = 0,"
            " threshold = coalesce((SELECT value FROM thresholds WHERE model = entries.model), ?)"
            " WHERE id = ? AND state = 'running' AND attempts = ?",
            (
                now(),
                judged.seconds,
                total,
                float(report.threshold),
                float(severity),
                is_by_region,
                _anomaly_reason(report, regions),
                _normal_reason(regions),
                json.dumps(names, ensure_ascii=False),
                height,
                width,
                float(report.threshold),
                claimed.entry.id,
                claimed.attempt,
            ),
        )
        if not cursor.rowcount:
            return False
        connection.execute(
            "UPDATE entries SET verdict = CASE WHEN is_by_region OR total > threshold"
            " THEN 'anomaly' ELSE 'normal' END WHERE id = ?",
            (claimed.entry.id,),
        )
        connection.execute("DELETE FROM entry_classes WHERE entry = ?", (claimed.entry.id,))
        connection.executemany(
            "INSERT INTO entry_classes VALUES (?, ?)", [(each, claimed.entry.id) for each in names]
        )
    return True


def note_drawn(database: Database, entry: int, digest: str | None) -> None:
    """Note that the pictures are there, and the digest of an image that was not uploaded."""
    with database.change() as connection:
        connection.execute(
            "UPDATE entries SET is_drawn = 1, attempts = 0, sha256 = coalesce(?, sha256)"
            " WHERE id = ?",
            (digest, entry),
        )


def fail(database: Database, claimed: Claimed, error: str) -> None:
    """Note why an image could not be judged; what was said of it before is dropped.

    One that has been judged, and could not be drawn, keeps its verdict.
    """
    number, reason = claimed.entry.id, one_line(" ".join(error.split()))
    with database.change() as connection:
        cursor = connection.execute(
            "UPDATE entries SET state = 'failed', error = ?, judged_at = NULL, total = NULL,"
            " verdict = NULL, severity = NULL, classes = '[]' WHERE id = ? AND attempts = ?"
            " AND state = 'running'",
            (reason, number, claimed.attempt),
        )
        if cursor.rowcount:
            connection.execute("DELETE FROM entry_classes WHERE entry = ?", (number,))
            return
        connection.execute(
            "UPDATE entries SET error = ?, attempts = 0"
            " WHERE id = ? AND attempts = ? AND state = 'done' AND NOT is_drawn",
            (
                f"the verdict stands, but its pictures could not be drawn: {reason}",
                number,
                claimed.attempt,
            ),
        )


def _anomaly_reason(report: Report, regions: RegionReport) -> str:
    """Say what most speaks against an image, whether or not that makes it an anomaly."""
    if regions.defects:
        return reason_line(regions)
    if report.headline is not None:
        return report.headline.text
    if regions.unknown:
        return reason_line(regions) or regions.reason
    return "the image as a whole differs, no place or part by itself"


def _normal_reason(regions: RegionReport) -> str:
    """Say why an image is normal."""
    if not regions.accepted:
        return _LIKE_THE_REFERENCES
    names = dict.fromkeys(each.class_name for each in regions.accepted)
    return f"only accepted novelties ({', '.join(names)})"


def _class_names(report: Report, regions: RegionReport) -> tuple[str, ...]:
    """Name the classes concerned: those that deviate, and those of recognised regions."""
    deviating = (each.class_name for each in report.deviations if each.class_id >= 0)
    found = (each.class_name for each in regions.regions if each.kind != "unknown")
    return tuple(dict.fromkeys(name for name in (*deviating, *found) if name))
