"""Draft of an edit: what it would change, shown before anything is saved.

It can be cancelled while it is computed. Verdicts on the images that were judged last follow one by
one, until that is stopped.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from engine.library.errors import LibraryError
from engine.station import StationError
from features import ImageError
from features.images import AnyImage
from ui.charts import chart_theme
from ui.components import two_columns
from ui.live import live
from ui.parts_page.classes import pick_reference, show_reference
from ui.parts_page.effect_view import (
    Verdict,
    count_lines,
    effect_text,
    is_open,
    totals_chart,
    verdict_lines,
    verdict_of,
    verdict_text,
)
from ui.parts_page.history import request_change
from ui.parts_page.state import Draft, current_draft, discard_draft, set_draft, set_error
from ui.parts_page.view import sentence
from ui.tables import show_table
from ui.text import counted, plain

if TYPE_CHECKING:
    from engine.editing import Edit
    from engine.inspector import Inspector
    from engine.regions.report import RegionReport
    from ui.context import Context

N_LAST = 6
# between two images: long enough for a click on Stop to arrive
PAUSE_S = 0.3

PICTURE_PX = 230


def show_draft(context: Context, inspector: Inspector, edit: Edit) -> None:
    """Show what the edit changes, computed first if need be, and ask what is to become of it."""
    shown = current_draft()
    if shown is None or shown.edit is not edit or shown.before is not inspector:
        shown = _refit(context, inspector, edit)
        if shown is not None:
            set_draft(shown)
        st.rerun()
    _show_buttons(context, shown)
    left, right = two_columns(1, 1)
    with left:
        _show_effect(shown)
    with right:
        _show_verdicts(context, shown)
        index = pick_reference(shown.after, key="parts_draft_reference")
        show_reference(
            shown.after, index, shown.shown_classes, height=PICTURE_PX, key="parts_draft_viewer"
        )


def _refit(context: Context, inspector: Inspector, edit: Edit) -> Draft | None:
    """Refit with the edit; Cancel ends the run of the script at the next step."""
    from engine.editing import ClassEditError, edited, effect

    st.subheader("Trying it out", anchor=False)
    bar = st.progress(0.0, "Waiting for the model …")
    st.button("Cancel", key="parts_cancel", on_click=discard_draft, args=(context,))

    def report(step: str, done: int, total: int) -> None:
        bar.progress(done / max(total, 1), f"{sentence(step)} …")

    try:
        with context.lock:
            after = edited(inspector, edit, author=context.author, progress=report)
            changes = effect(inspector, after)
    except ClassEditError as error:
        discard_draft(context)
        set_error(sentence(str(error)))
        return None
    return Draft(edit, inspector, after, changes, last_verdicts(context))


def _show_buttons(context: Context, shown: Draft) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":material/science: **Draft, not saved:** {plain(shown.text)}", width="stretch"
        )
        with st.container(horizontal=True, width="content"):
            st.button(
                "Save",
                key="parts_save",
                type="primary",
                icon=":material/save:",
                on_click=request_change,
                args=("save",),
                help="Writes the model. It can be undone at any time, also tomorrow.",
            )
            st.button(
                "Discard",
                key="parts_discard",
                icon=":material/close:",
                on_click=discard_draft,
                args=(context,),
                help="Forgets this draft; the model stays as it is.",
            )


def _show_effect(shown: Draft) -> None:
    effect = shown.effect
    st.markdown(
        "**References**",
        help="Each reference is judged by the others. Normal images should lie below the "
        "threshold; the lower their totals, the clearer a real defect stands out.",
    )
    st.markdown(effect_text(effect))
    st.altair_chart(totals_chart(effect, chart_theme()), theme=None, key="parts_totals")
    st.caption("Dashed and hollow: before. Filled: with this draft.")
    lines = count_lines(effect)
    if lines:
        show_table(
            lines,
            headings=("Counts on the references", "before", "after"),
            label="Counts before and after",
            key="parts_counts",
        )


def last_verdicts(context: Context, limit: int = N_LAST) -> list[Verdict]:
    """Return what the history says of the images that this model judged last."""
    entries = context.station.entries(model=context.model, states=("done",), limit=limit)
    return [verdict_of(each) for each in entries]


def _show_verdicts(context: Context, draft: Draft) -> None:
    """Show the last verdicts beside those of the draft, which come in one by one."""
    if not draft.verdicts:
        st.caption(
            "No image was judged with this model yet; verdicts before and after follow then."
        )
        return
    is_going_on = draft.is_judging and any(is_open(each) for each in draft.verdicts)
    live(_show, every_s=PAUSE_S if is_going_on else None, key="parts_last")(context, draft)


def _show(context: Context, draft: Draft) -> None:
    n_open = sum(is_open(each) for each in draft.verdicts)
    if draft.is_judging and n_open:
        _judge_next(context, draft)
        n_open -= 1
        if not n_open:
            st.rerun()  # as a whole, so that nobody asks again
    n_done = len(draft.verdicts) - n_open
    st.markdown(
        f"**Last {counted(len(draft.verdicts), 'image')}**",
        help="What the history says of them now, and what this draft says.",
    )
    if draft.is_judging and n_open:
        bar, stop = st.columns([3, 1], vertical_alignment="center")
        bar.progress(n_done / len(draft.verdicts), f"{n_done} of {len(draft.verdicts)} tried")
        stop.button("Stop", key="parts_verdicts_stop", on_click=_stop, args=(draft,))
    elif n_open:
        st.button("Go on", key="parts_verdicts_go_on", on_click=_go_on, args=(draft,))
    if n_done:
        st.markdown(verdict_text(draft.verdicts))
    show_table(
        verdict_lines(draft.verdicts),
        headings=("Image", "before", "with the draft"),
        label="Verdicts before and with the draft",
        key="parts_verdicts",
    )


def _judge_next(context: Context, draft: Draft) -> None:
    index = next(i for i, each in enumerate(draft.verdicts) if is_open(each))
    verdict = draft.verdicts[index]
    try:
        draft.verdicts[index] = _judged(context, draft.after, verdict)
    except (ImageError, LibraryError, StationError) as error:
        draft.verdicts[index] = replace(verdict, error=str(error))


def _judged(context: Context, inspector: Inspector, verdict: Verdict) -> Verdict:
    """Judge one image as the station would, with another inspector."""
    photo = context.station.photo(verdict.entry_id)
    assert context.model is not None, "a draft has a model"
    with context.lock:
        found = _recognised(context, inspector, photo)
    limit = context.station.threshold(context.model) or found.report.threshold
    is_anomaly = bool(found.defects) or found.total > limit
    return replace(verdict, after="anomaly" if is_anomaly else "normal", total_after=found.total)


def _recognised(context: Context, inspector: Inspector, photo: AnyImage) -> RegionReport:
    """Judge with what was taught, or with a library of nothing, as the station does."""
    from engine.library import empty_library
    from engine.regions.recogniser import Recogniser

    has_library = context.has_library()
    opening = context.library(is_read_only=True) if has_library else empty_library()
    with opening as library:
        return Recogniser(inspector, library).inspect(photo)


def _stop(draft: Draft) -> None:
    draft.is_judging = False


def _go_on(draft: Draft) -> None:
    draft.is_judging = True
