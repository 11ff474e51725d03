"""Progress of the queue and the verdict in force, drawn again as they change.

Two small fragments look several times a second, and only while something can happen: one draws the
progress, the other the verdict, which is so on the screen before the rest of the page. The page is
drawn again when what it shows has changed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import streamlit as st

from engine.station import StationError
from ui.inspect_page.verdict import EMPTY, show_verdict, verdict_banner
from ui.inspect_page.verdict import HEIGHT_PX as BANNER_PX
from ui.live import live
from ui.session import is_following, open_entry_id
from ui.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.station import Entry, Tally
    from engine.station.records import State
    from ui.context import Context

# a verdict has to be on the screen half a second after it is there
VERDICT_EVERY_S = 0.15
PROGRESS_EVERY_S = 0.4
# the history is drawn again at most this often while images are judged
HISTORY_EVERY_S = 1.5
HEIGHT_PX = 62


@dataclass(frozen=True)
class PageSnapshot:
    """What the page shows, as it was when the page was drawn."""

    entry: Entry | None
    tally: Tally
    is_watching: bool
    at: float


def take_snapshot(context: Context, entry: Entry | None) -> PageSnapshot:
    """Note what the page is about to show."""
    is_watching = any(each.model == context.model for each in context.station.watches())
    return PageSnapshot(
        entry, context.station.tally(model=context.model), is_watching, time.monotonic()
    )


def show_progress(context: Context, snapshot: PageSnapshot, *, is_history: bool) -> None:
    """Draw how far the queue is, and have the page drawn again when it has begun or ended."""
    n_refreshed = count()

    def refresh() -> None:
        tally = context.station.tally(model=context.model)
        _draw_progress(context, tally)
        if next(n_refreshed) == 0:  # within the run of the page, which must get to its end
            return
        has_begun_or_ended = bool(tally.pending) != bool(snapshot.tally.pending)
        is_old = is_history and time.monotonic() - snapshot.at > HISTORY_EVERY_S
        if has_begun_or_ended or (is_old and tally != snapshot.tally):
            st.rerun()

    every = PROGRESS_EVERY_S if snapshot.tally.pending or snapshot.is_watching else None
    live(refresh, every_s=every, key="inspect-progress", height=HEIGHT_PX)()


def show_current(context: Context, snapshot: PageSnapshot) -> None:
    """Draw the verdict, and have the page drawn again as soon as it is another."""
    n_refreshed = count()

    def refresh() -> None:
        entry = _current_entry(context, snapshot)
        show_verdict(verdict_banner(entry) if entry is not None else EMPTY, key="inspect-verdict")
        is_first = next(n_refreshed) == 0
        is_other = snapshot.entry is not None and open_entry_id() != str(snapshot.entry.id)
        if not is_first and (entry != snapshot.entry or is_other):
            st.rerun()

    every = VERDICT_EVERY_S if _is_waited_for(snapshot) else None
    live(refresh, every_s=every, key="inspect-verdict-part", height=BANNER_PX)()


def _is_waited_for(snapshot: PageSnapshot) -> bool:
    """Whether the verdict, or the picture that follows it, may come by itself."""
    entry = snapshot.entry
    if entry is None or is_following():
        return bool(snapshot.tally.pending) or snapshot.is_watching
    is_pending = entry.state in ("queued", "running")
    return is_pending or (entry.state == "done" and not entry.is_drawn)


def _current_entry(context: Context, snapshot: PageSnapshot) -> Entry | None:
    """Return what the page should show, as it is now."""
    if snapshot.entry is None or is_following():
        states: Sequence[State] = ("done",) if snapshot.entry is not None else ()
        newest = context.station.entries(model=context.model, states=states, limit=1)
        return newest[0] if newest else snapshot.entry
    try:
        return context.station.entry(snapshot.entry.id)
    except StationError:  # removed
        return None


def _draw_progress(context: Context, tally: Tally) -> None:
    if not tally.pending:
        st.caption(settled_text(tally))
        return
    queued = context.station.entries(
        model=context.model, states=("queued", "running"), order="oldest", limit=1
    )
    batch = queued[0].batch if queued else None
    of_batch = context.station.tally(batch=batch) if batch is not None else tally
    share = (of_batch.total - of_batch.pending) / max(1, of_batch.total)
    bar, stop = st.columns([5, 1], vertical_alignment="center")
    bar.progress(share, progress_text(of_batch))
    stop.button(
        "Cancel",
        key="inspect-cancel",
        type="tertiary",
        icon=":material/close:",
        on_click=_cancel,
        args=(context, batch),
        help=f"Takes {counted(of_batch.queued, 'waiting image')} out of the queue; "
        "what was judged stays.",
    )


def _cancel(context: Context, batch: int | None) -> None:
    context.station.cancel(batch)


def progress_text(tally: Tally) -> str:
    """Say how much of a batch is judged, and what was found so far."""
    ended = tally.total - tally.pending
    said = f"{ended} of {counted(tally.total, 'image')} judged"
    return f"{said}, {_found(tally)}" if ended else said


def settled_text(tally: Tally) -> str:
    """Say what there is when nothing waits."""
    if not tally.total:
        return "No images yet: drop some above"
    return f"{counted(tally.total, 'image')}: {_found(tally)}"


def _found(tally: Tally) -> str:
    said = [counted(tally.anomaly, "anomaly", "anomalies"), f"{tally.normal} normal"]
    said += [f"{tally.failed} not judged"] if tally.failed else []
    said += [f"{tally.cancelled} cancelled"] if tally.cancelled else []
    return ", ".join(said)
