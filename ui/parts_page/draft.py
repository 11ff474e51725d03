"""What would an edit change? Computed with a way out, shown before anything is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.charts import DARK, LIGHT
from ui.parts_page.columns import two_columns
from ui.parts_page.picture import pick_reference, show_reference
from ui.parts_page.saving import ask_for
from ui.parts_page.state import Draft, draft, forget, set_draft, set_error
from ui.parts_page.verdicts import last_verdicts, show_verdicts
from ui.parts_page.view import sentence
from ui.parts_page.view_effect import count_lines, effect_words, totals_chart
from ui.table import show_table
from ui.view import plain

if TYPE_CHECKING:
    from engine.editing import Edit
    from engine.inspector import Inspector
    from ui.context import Context

PICTURE_PX = 230


def show_draft(context: Context, inspector: Inspector, edit: Edit) -> None:
    """Show what the edit changes, computed first if need be, and ask what is to become of it."""
    shown = draft()
    if shown is None or shown.edit is not edit or shown.before is not inspector:
        shown = _compute(context, inspector, edit)
        if shown is not None:
            set_draft(shown)
        st.rerun()
    _head(context, shown)
    left, right = two_columns(1, 1)
    with left:
        _show_effect(shown)
    with right:
        show_verdicts(context, shown)
        index = pick_reference(shown.after, key="parts_draft_reference")
        show_reference(
            shown.after, index, shown.shown_classes, height=PICTURE_PX, key="parts_draft_viewer"
        )


def _compute(context: Context, inspector: Inspector, edit: Edit) -> Draft | None:
    """Refit with the edit; Cancel ends the run of the script at the next step."""
    from engine.editing import ClassEditError, edited, effect

    st.subheader("Trying it out", anchor=False)
    bar = st.progress(0.0, "Waiting for the model …")
    st.button("Cancel", key="parts_cancel", on_click=forget, args=(context,))

    def report(step: str, done: int, total: int) -> None:
        bar.progress(done / max(total, 1), f"{sentence(step)} …")

    try:
        with context.lock:
            after = edited(inspector, edit, author=context.author, progress=report)
            changes = effect(inspector, after)
    except ClassEditError as error:
        forget(context)
        set_error(sentence(str(error)))
        return None
    return Draft(edit, inspector, after, changes, last_verdicts(context))


def _head(context: Context, shown: Draft) -> None:
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
                on_click=ask_for,
                args=("save",),
                help="Writes the model. It can be undone at any time, also tomorrow.",
            )
            st.button(
                "Discard",
                key="parts_discard",
                icon=":material/close:",
                on_click=forget,
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
    st.markdown(effect_words(effect))
    tones = DARK if st.context.theme.type == "dark" else LIGHT
    st.altair_chart(totals_chart(effect, tones), theme=None, key="parts_totals")
    st.caption("Dashed and hollow: before. Filled: with this draft.")
    lines = count_lines(effect)
    if lines:
        show_table(
            lines,
            headings=("Counts on the references", "before", "after"),
            label="Counts before and after",
            key="parts_counts",
        )
