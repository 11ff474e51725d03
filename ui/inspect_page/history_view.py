"""Filters, rows and texts of the history; pure."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from features.names import show_name
from ui.text import counted

if TYPE_CHECKING:
    from engine.station import Entry
    from engine.station.entries import Order

PAGE_SIZE = 20

ORDERS: dict[Order, str] = {
    "newest": "Newest first",
    "oldest": "Oldest first",
    "worst": "Highest total first",
    "best": "Lowest total first",
    "name": "By name",
}
VERDICTS = {"anomaly": "✕ Anomaly", "normal": "✓ Normal"}
STATES = {
    "queued": "… Waiting",
    "running": "… Judging",
    "failed": "! Not judged",
    "cancelled": "– Cancelled",
}
REVIEWS = {"accepted": "Accepted", "rejected": "Rejected", "none": "Not reviewed"}


@dataclass(frozen=True)
class Filters:
    """What is shown; empty means all. ``until`` is included."""

    verdicts: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    reviews: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    batch: int | None = None
    order: Order = "newest"

    def as_query(self) -> dict[str, Any]:
        """Return the arguments of ``Station.entries``, except for the order."""
        return {
            "verdicts": self.verdicts,
            "classes": self.classes,
            "reviews": tuple(None if each == "none" else each for each in self.reviews),
            "since": self.since and _midnight(self.since),
            "until": self.until and _midnight(self.until + timedelta(days=1)),
            "batch": self.batch,
        }

    @property
    def is_empty(self) -> bool:
        """Whether everything is shown, in whatever order."""
        return replace(self, order="newest") == Filters()

    @property
    def n_chosen(self) -> int:
        """How many things are asked for, whatever the order."""
        return sum(bool(each) for each in self.as_query().values())

    @property
    def summary(self) -> str:
        """Say what is shown, such as ``anomaly, not reviewed, since 2024-05-01``."""
        said = [
            *(VERDICTS[each].partition(" ")[2].lower() for each in self.verdicts),
            *self.classes,
            *(REVIEWS[each].lower() for each in self.reviews),
        ]
        said += [f"since {self.since}"] if self.since else []
        said += [f"until {self.until}"] if self.until else []
        said += ["of one batch"] if self.batch is not None else []
        return ", ".join(said)


def table_rows(
    entries: Sequence[Entry], thumbnail: Callable[[Entry], bytes | None]
) -> list[dict[str, Any]]:
    """Make a row for each entry; ``thumbnail`` gives a small JPEG of it."""
    return [
        {
            "Image": _address(thumbnail(each)),
            "Verdict": VERDICTS[each.verdict] if each.verdict else STATES[each.state],
            "Why": each.reason or each.error or "",
            "Total": each.total,
            "Name": show_name(each.name),
            "Review": review_text(each),
            "When": each.judged_at or each.added_at,
        }
        for each in entries
    ]


def review_text(entry: Entry) -> str:
    """Say what a person said of the verdict, and who; empty where nobody did."""
    if entry.review is None:
        return ""
    sign = "✓" if entry.review == "accepted" else "✕"
    return f"{sign} {entry.review}" + (f" by {entry.reviewed_by}" if entry.reviewed_by else "")


def n_pages(n: int, page_size: int = PAGE_SIZE) -> int:
    """Count the pages of a table; an empty one has a page, too."""
    return max(1, -(-n // page_size))


def page_text(page: int, n: int, page_size: int = PAGE_SIZE) -> str:
    """Say which rows the page (from 0) holds, such as ``21 to 40 of 134 images``."""
    if n == 0:
        return "No images"
    first = page * page_size
    return f"{first + 1} to {min(first + page_size, n)} of {counted(n, 'image')}"


def neighbours_text(among: str) -> str:
    """Say what previous and next go through; ``among`` are the filters in words."""
    return f"Among the images of the history: {among}" if among else "Among all images, in time"


def _address(jpeg: bytes | None) -> str | None:
    return None if jpeg is None else f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min).astimezone()
