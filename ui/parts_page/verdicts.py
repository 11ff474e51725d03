"""What would a draft say of the images that were judged last? One by one, until it is stopped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from jaxtyping import UInt8

from engine.library.errors import LibraryError
from engine.station import StationError
from features import ImageError
from ui.live import live
from ui.parts_page.view_effect import Verdict, is_open, verdict_lines, verdict_of, verdict_words
from ui.table import show_table
from ui.view import counted

if TYPE_CHECKING:
    from engine.inspector import Inspector
    from engine.regions.report import RegionReport
    from ui.context import Context
    from ui.parts_page.state import Draft

N_LAST = 6
# between two images: long enough for a click on Stop to arrive
PAUSE_S = 0.3


def last_verdicts(context: Context, limit: int = N_LAST) -> list[Verdict]:
    """Return what the history says of the images that this model judged last."""
    entries = context.station.entries(model=context.model, states=("done",), limit=limit)
    return [verdict_of(each) for each in entries]


def show_verdicts(context: Context, draft: Draft) -> None:
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
        st.markdown(verdict_words(draft.verdicts))
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


def _recognised(
    context: Context, inspector: Inspector, photo: UInt8[np.ndarray, "_ _ 3"]
) -> RegionReport:
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
