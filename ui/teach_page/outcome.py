"""Outcome of a lesson: verdicts of the last images before and after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from ui.context import Context
from ui.live import live
from ui.session import open_entry
from ui.teach_page.images import entry_picture
from ui.teach_page.lessons import toggle_lessons
from ui.teach_page.library_view import outcome_title
from ui.teach_page.state import VIEW, Outcome, current_outcome, set_outcome
from ui.teach_page.view import ChangeRow, change_rows, change_summary, n_settled
from ui.text import plain

if TYPE_CHECKING:
    from engine.station import Entry

# while the station judges
POLL_S = 1.0
LIST_PX = 340


def show_outcome(context: Context) -> None:
    """Show the effect of the last lesson of this visitor, which fills as the station judges."""
    shown = current_outcome()
    if shown is None:
        return
    is_waiting = _n_waiting(_rows(context, shown)) > 0
    live(_show, every_s=POLL_S if is_waiting else None, key="teach_effect")(context, shown)


def _show(context: Context, shown: Outcome) -> None:
    rows = _rows(context, shown)
    n_waiting = _n_waiting(rows)
    with st.container(border=True, key="teach_outcome"):
        _head(context, shown)
        st.markdown(f"**{change_summary(rows)}**")
        if n_waiting:
            _progress(context, rows)
        with st.container(height=LIST_PX if len(rows) > 4 else "content", border=False):
            for each in sorted(rows, key=lambda each: each.state != "turned"):
                _line(context, each)
    if not n_waiting and st.session_state.pop("_teach_waiting", False):
        st.rerun()  # as a whole, so that nobody asks again every second
    st.session_state["_teach_waiting"] = n_waiting > 0


def _head(context: Context, shown: Outcome) -> None:
    words, close = st.columns([8, 1], vertical_alignment="top")
    words.markdown(f"{outcome_title(shown.lessons)}")
    close.button(
        ":material/close:",
        key="teach_outcome_close",
        help="Close; what was taught stays taught",
        type="tertiary",
        on_click=set_outcome,
        args=(None,),
    )
    is_undone = shown.lessons[0].is_undone
    what = "this lesson" if len(shown.lessons) == 1 else f"these {len(shown.lessons)} lessons"
    st.button(
        f"Redo {what}" if is_undone else f"Undo {what}",
        key="teach_outcome_turn",
        icon=":material/redo:" if is_undone else ":material/undo:",
        on_click=_toggle,
        args=(context, shown),
        help="Nothing is lost: what is undone can be redone, here or under Lessons.",
    )


def _toggle(context: Context, shown: Outcome) -> None:
    own = _entry(context, next(iter(shown.known), None))
    lessons = [each.id for each in shown.lessons]
    toggle_lessons(context, lessons, is_undone=shown.lessons[0].is_undone, entry=own)


def _progress(context: Context, rows: Sequence[ChangeRow]) -> None:
    n_done = n_settled(rows)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.progress(n_done / len(rows), text=f"{n_done} of {len(rows)} judged again")
        st.button(
            "Stop",
            key="teach_outcome_stop",
            on_click=_stop,
            args=(context, [each.entry_id for each in rows if each.state == "waiting"]),
            help="The lesson stays; the other images keep the verdict that they had.",
        )


def _stop(context: Context, ids: Sequence[int]) -> None:
    context.station.cancel(ids=ids)


def _line(context: Context, row: ChangeRow) -> None:
    picture, words, jump = st.columns([3, 9, 2], vertical_alignment="center", gap="small")
    if (found := entry_picture(context, row.entry_id)) is not None:
        picture.image(found, width="stretch")
    with words.container(gap=None):
        st.markdown(f"**{row.text}**" if row.state == "turned" else row.text)
        st.caption(plain(" · ".join(filter(None, (str(row.entry_id), row.name, row.reason)))))
    jump.button(
        ":material/arrow_forward:",
        key=f"teach_open_{row.entry_id}",
        type="tertiary",
        help=f"Show image {row.entry_id} here",
        on_click=_open,
        args=(row.entry_id,),
    )


def _open(entry_id: int) -> None:
    st.session_state[VIEW] = "Paint"
    open_entry(entry_id)


def _rows(context: Context, shown: Outcome) -> list[ChangeRow]:
    found = [_entry(context, number) for number in shown.before]
    now = [each for each in found if each is not None]
    return change_rows(shown.before, now, shown.known, shown.at)


def _entry(context: Context, number: int | None) -> Entry | None:
    """Return an entry, unless it was removed meanwhile."""
    from engine.station import StationError

    try:
        return None if number is None else context.station.entry(number)
    except StationError:
        return None


def _n_waiting(rows: Sequence[ChangeRow]) -> int:
    return len(rows) - n_settled(rows)
