"""Page Parts: the classes of parts, and how a person makes them what is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.components import two_columns
from ui.parts_page.actions import show_actions
from ui.parts_page.classes import chosen, pick_reference, show_reference, show_table
from ui.parts_page.draft import show_draft
from ui.parts_page.history import apply_requested_change, show_history, show_undo
from ui.parts_page.notice import show_notice
from ui.parts_page.painting import show_painting
from ui.parts_page.state import last_error, painted_class, reset_for_model, tried_edit
from ui.parts_page.view import rows
from ui.text import counted, plain

if TYPE_CHECKING:
    from engine.inspector import Inspector
    from ui.context import Context

TABLE_PX = 470
PICTURE_PX = 300


def show(context: Context) -> None:
    """Draw the page."""
    from engine.model_file import ModelFileError

    st.title("Parts", anchor=False)
    if context.model is None:
        st.info("There is no model yet. Make one from photographs of a good product first.")
        st.page_link(context.pages["new"], label="New model")
        return
    try:
        inspector = context.inspector()
    except ModelFileError as failure:
        st.error(plain(str(failure)))
        return
    reset_for_model(context)
    apply_requested_change(context)
    edit = tried_edit(context)
    if last_error():
        st.error(plain(last_error()), icon=":material/error:")
    if edit is not None:
        show_draft(context, inspector, edit)
        return
    if painted_class() is not None:
        show_painting(context, inspector)
        return
    show_notice(context)
    _show_classes(context, inspector)


def _show_classes(context: Context, inspector: Inspector) -> None:
    from engine.editing import class_rows

    classes = class_rows(inspector)
    shown = rows(classes)
    left, right = two_columns(3, 2)
    with left:
        with st.container(horizontal=True, vertical_alignment="center"):
            n_references = counted(len(inspector.fitted.names), "reference")
            st.markdown(
                f"{counted(len(shown), 'class', 'classes')}, {n_references}", width="stretch"
            )
            show_undo(inspector)
        show_table(shown, inspector.fitted.names, height=TABLE_PX)
    ids = chosen(shown)
    with right:
        index = pick_reference(inspector, key="parts_reference")
        show_reference(inspector, index, ids, height=PICTURE_PX, key="parts_viewer")
        with st.container(border=True):
            show_actions(context, [each for each in classes if each.id in ids])
    show_history(inspector)
