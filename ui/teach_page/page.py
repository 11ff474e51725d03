"""Page Teach: what is new gets a name, and from then on it is recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.context import Context
from ui.painter import painter, viewport_of
from ui.teach_page.form import show_form
from ui.teach_page.groups import show_groups
from ui.teach_page.images import (
    announce_lessons,
    choose_entry,
    current_entry,
    judged_entries,
    last_lesson,
    shared_library,
    sharp_tile,
    watch_library,
)
from ui.teach_page.lessons import DEFAULT_LAST, LAST, pop_refusal
from ui.teach_page.library import show_lessons, show_library
from ui.teach_page.outcome import show_outcome
from ui.teach_page.outline import show_outline
from ui.teach_page.state import (
    PAINTER,
    VIEW,
    current_outcome,
    painting_subject,
    picked_region,
    reset_for_model,
)
from ui.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.library import Library, RegionClass

VIEWS = {
    "Paint": ":material/brush:",
    "Groups": ":material/workspaces:",
    "Library": ":material/photo_library:",
    "Lessons": ":material/history:",
}
PAINTER_PX = 470
N_LAST = (6, 12, 24, 48)


def show(context: Context) -> None:
    """Draw the page."""
    from engine.library import LibraryError
    from engine.model_file import ModelFileError

    st.subheader(
        "Teach",
        help="Give a name to what the references do not show. From the next image on it is "
        "recognised, and either accepted or called a defect. Nothing else changes.",
    )
    if context.model is None:
        st.info(
            "Teaching needs a model. Make one under **New model** first.", icon=":material/info:"
        )
        return
    reset_for_model(context.model)
    try:
        announce_lessons(context)
        _show(context, shared_library(context))
        watch_library(context)
    except (LibraryError, ModelFileError) as error:
        st.error(plain(str(error)), icon=":material/error:")


def _show(context: Context, library: Library | None) -> None:
    chosen, last = st.columns([3, 1.1], vertical_alignment="bottom")
    with chosen:
        view = st.segmented_control(
            "What to do",
            list(VIEWS),
            default="Paint",
            key=VIEW,
            format_func=lambda each: f"{VIEWS[each]} {each}",
            label_visibility="collapsed",
        )
    last.selectbox(
        "Judge again",
        N_LAST,
        index=N_LAST.index(DEFAULT_LAST),
        key=LAST,
        format_func="re-judge last {}".format,
        help="After every lesson, so many of the newest images are judged again.",
        label_visibility="collapsed",
    )
    if words := pop_refusal():
        st.error(plain(words), icon=":material/error:")
    classes = [] if library is None else library.classes()
    if view == "Paint" or view is None:
        _paint(context, classes)
        return
    main, side = (
        st.columns([4, 3]) if current_outcome() is not None else (st.container(), st.container())
    )
    with main:
        if view == "Groups":
            show_groups(context, classes)
        elif view == "Library":
            show_library(context, library)
        else:
            show_lessons(context, library)
    with side:
        show_outcome(context)


def _paint(context: Context, classes: Sequence[RegionClass]) -> None:
    entries = judged_entries(context)
    if not entries:
        st.info(
            "There is no image yet to teach from. Judge some under **Inspect** first.",
            icon=":material/image_search:",
        )
        return
    entry = current_entry(context, entries)
    canvas, form = st.columns([3, 2])
    with canvas:
        choose_entry(entries, entry)
        result = context.station.result(entry.id)
        painting = painter(
            result.photo,
            image_size=result.image_size,
            tools=("brush", "eraser", "box", "polygon", "click"),
            tile=sharp_tile(context, entry, result, viewport_of(PAINTER)),
            subject=painting_subject(entry.id, last_lesson()),
            height=PAINTER_PX,
            key=PAINTER,
        )
    with form:
        is_painted = painting is not None and bool(painting.shapes)
        if not is_painted and picked_region(entry.id) is None:
            show_outcome(context)
        shown = show_outline(context, entry, painting)
        if shown is not None:
            show_form(context, entry, shown, classes)
