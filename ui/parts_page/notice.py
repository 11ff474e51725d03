"""Notice of what was saved, and new verdicts on the last images if asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from engine.station import StationError
from ui.live import live
from ui.parts_page.draft import last_verdicts
from ui.parts_page.effect_view import Verdict, is_open, verdict_lines, verdict_text
from ui.parts_page.state import Notice, current_notice, set_notice
from ui.tables import show_table
from ui.text import counted, plain

if TYPE_CHECKING:
    from ui.context import Context

N_REJUDGED = 20
POLL_S = 0.5


def show_notice(context: Context) -> None:
    """Say what was done last, and offer to judge the last images again."""
    said = current_notice()
    if said is None:
        return
    if said.before:
        _show_rejudged(context, said)
        return
    n_last = len(last_verdicts(context, N_REJUDGED))
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/check_circle: {plain(said.text)}", width="stretch")
        if n_last:
            st.button(
                "Judge the last images again",
                key="parts_rejudge",
                icon=":material/refresh:",
                on_click=_rejudge,
                args=(context, said),
                help=f"The last {counted(n_last, 'image')} of the history were judged before this. "
                "New images are judged by the new classes anyway.",
            )
        _close_button()


def _close_button() -> None:
    st.button(
        ":material/close:",
        key="parts_notice_close",
        on_click=set_notice,
        args=(None,),
        type="tertiary",
        help="Close",
    )


def _rejudge(context: Context, said: Notice) -> None:
    before = {each.entry_id: each for each in last_verdicts(context, N_REJUDGED)}
    context.station.rejudge(list(before))
    set_notice(Notice(said.text, before))


def _show_rejudged(context: Context, said: Notice) -> None:
    is_waiting = any(is_open(each) for each in _current_verdicts(context, said))
    every = POLL_S if is_waiting else None
    live(_show_progress_or_turned, every_s=every, key="parts_notice")(context, said, is_waiting)


def _show_progress_or_turned(context: Context, said: Notice, was_waiting: bool) -> None:
    now = _current_verdicts(context, said)
    n_open = sum(is_open(each) for each in now)
    if current_notice() is not said or (was_waiting and not n_open):
        st.rerun()  # as a whole, so that nobody asks again
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            words = "" if n_open else f" Judged again: {verdict_text(now, 'turned')}."
            st.markdown(f":material/check_circle: {plain(said.text)}{words}", width="stretch")
            _close_button()
        if n_open:
            _show_progress(context, now, n_open)
        if turned := [each for each in now if each.is_turned]:
            show_table(
                verdict_lines(turned),
                headings=("Image", "before", "now"),
                label="Verdicts that turned",
                key="parts_turned",
            )


def _show_progress(context: Context, now: list[Verdict], n_open: int) -> None:
    bar, stop = st.columns([5, 1], vertical_alignment="center")
    bar.progress(1 - n_open / len(now), f"{len(now) - n_open} of {len(now)} judged again")
    stop.button(
        "Cancel",
        key="parts_rejudge_cancel",
        on_click=_cancel,
        args=(context, [each.entry_id for each in now if is_open(each)]),
        help="Those that wait keep the verdict that they had.",
    )


def _cancel(context: Context, ids: list[int]) -> None:
    context.station.cancel(ids=ids)


def _current_verdicts(context: Context, said: Notice) -> list[Verdict]:
    """Say what has become of the verdicts; images that were removed meanwhile are left out."""
    found = []
    for before in said.before.values():
        try:
            entry = context.station.entry(before.entry_id)
        except StationError:
            continue
        after = entry.verdict if entry.state == "done" else None
        error = (entry.error or "not judged") if entry.state == "failed" else None
        found.append(replace(before, after=after, total_after=entry.total, error=error))
    return found
