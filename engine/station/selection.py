"""Which entries are asked for, and in which order?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from engine.station.errors import StationError
from engine.station.records import Review, State, Verdict

Order = Literal["newest", "oldest", "worst", "best", "name"]

# what has no figure yet comes last, whichever way
_ORDERS: dict[str, str] = {
    "newest": "id DESC",
    "oldest": "id",
    "worst": "severity DESC, id DESC",
    "best": "severity IS NULL, severity, id DESC",
    "name": "name COLLATE NOCASE, id",
}


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


def condition(**filters: Unpack[Filters]) -> tuple[str, list[object]]:
    """Return the condition in SQL, and its values."""
    words: list[str] = []
    values: list[object] = []

    def ask(condition: str, *asked: object) -> None:
        words.append(condition)
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
    return " AND ".join(words) or "1", values


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
