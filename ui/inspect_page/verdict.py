"""Verdict banner over an image: what, why, and how far from the threshold.

One glance is enough: a component of constant height.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import streamlit as st

from ui.components import static_text
from ui.text import figure

if TYPE_CHECKING:
    from engine.station import Entry

Tone = Literal["good", "bad", "idle", "broken"]

TOTAL_HINT = (
    "The total says how much the image differs from the references; 1 is the most that the "
    "references differ among themselves. Above the threshold it is an anomaly."
)
NOTHING_DEVIATES = "Nothing differs more than good parts do"
WAITING = "It is in the queue and will be judged by itself"
RUNNING = "It is being compared with the references"
CANCELLED = "It was cancelled before it was judged"
NO_REASON = "As a whole it differs more than good parts do"

# the longest bar, in units of the larger of total and threshold
_ROOM = 1.25

# as in the style sheet: the banner is as high before a verdict as after it
HEIGHT_PX = 104

_COMPONENT = st.components.v2.component(
    "partwise_verdict",
    html=static_text("inspect_verdict.html"),
    css=static_text("inspect_verdict.css"),
    js=static_text("inspect_verdict.js"),
)


@dataclass(frozen=True)
class Gauge:
    """Total and threshold in words, and as places on a bar, 0 … 1."""

    total: str
    limit: str
    hint: str
    at: float
    limit_at: float


@dataclass(frozen=True)
class VerdictBanner:
    """One glance: a colour, a sign and a word that all say the same, the reason, and of what."""

    tone: Tone
    sign: str
    word: str
    reason: str
    label: str = ""
    is_busy: bool = False
    gauge: Gauge | None = None


EMPTY = VerdictBanner(
    "idle", "+", "Nothing to judge yet", "Drop photographs above, or choose a folder"
)


def show_verdict(banner: VerdictBanner, *, key: str) -> None:
    """Draw the banner; nothing in it is read as HTML or Markdown."""
    _COMPONENT(data=asdict(banner), key=key, height=HEIGHT_PX)


def verdict_banner(entry: Entry, threshold: float | None = None) -> VerdictBanner:
    """Say what is known of an entry, its verdict by another threshold if one is given."""
    label = _label(entry)
    if entry.state == "queued":
        return VerdictBanner("idle", "…", "Waiting", WAITING, label, is_busy=True)
    if entry.state == "running":
        return VerdictBanner("idle", "…", "Judging", RUNNING, label, is_busy=True)
    if entry.state == "cancelled":
        return VerdictBanner("idle", "–", "Cancelled", CANCELLED, label)
    if entry.state == "failed":
        return VerdictBanner(
            "broken", "!", "Not judged", entry.error or "No reason was given", label
        )
    limit = entry.threshold if threshold is None else threshold
    verdict = entry.verdict if threshold is None else entry.verdict_at(threshold)
    gauge = _gauge(entry, limit)
    if verdict == "anomaly":
        return VerdictBanner("bad", "✕", "Anomaly", entry.reason or NO_REASON, label, gauge=gauge)
    return VerdictBanner(
        "good", "✓", "Normal", entry.reason or NOTHING_DEVIATES, label, gauge=gauge
    )


def _label(entry: Entry) -> str:
    if entry.review is None:
        return entry.name
    by = f" by {entry.reviewed_by}" if entry.reviewed_by else ""
    return f"{entry.name}, verdict {entry.review}{by}"


def _gauge(entry: Entry, limit: float | None) -> Gauge | None:
    if entry.total is None or limit is None:
        return None
    longest = _ROOM * max(entry.total, limit, 1e-9)
    return Gauge(
        total=figure(entry.total),
        limit=f"threshold {figure(limit)}",
        hint=TOTAL_HINT,
        at=max(entry.total, 0.0) / longest,
        limit_at=max(limit, 0.0) / longest,
    )
