"""How many of each verdict are there, and which threshold decides?"""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

from engine.station.database import Database
from engine.station.records import Tally
from engine.station.selection import Filters, condition, stored_path


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
    return Tally(**counts)


def class_names(database: Database, model: Path | None) -> list[str]:
    """Return the names of all classes concerned by any entry, or by those of a model."""
    where, values = condition(model=model)
    query = f"WHERE entry IN (SELECT id FROM entries WHERE {where})" if values else ""
    rows = database.rows(f"SELECT DISTINCT name FROM entry_classes {query} ORDER BY name", values)
    return [str(row["name"]) for row in rows]


def threshold(database: Database, model: Path) -> float | None:
    """Return the threshold set by hand for a model, if any."""
    row = database.row("SELECT value FROM thresholds WHERE model = ?", (stored_path(model),))
    return None if row is None else float(row["value"])


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
