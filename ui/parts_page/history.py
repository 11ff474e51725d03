"""Which edits were made, by whom, and how is one taken back?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.parts_page.saving import ask_for
from ui.parts_page.view import history_lines, last_counting, last_undone
from ui.table import show_table
from ui.view import counted, plain

if TYPE_CHECKING:
    from engine.inspector import Inspector

LIST_PX = 260


def show_undo(inspector: Inspector) -> None:
    """Offer to take back the last edit that counts, or to bring back what was taken back."""
    history = inspector.class_history_
    counting, undone = last_counting(history), last_undone(history)
    st.button(
        "Undo",
        key="parts_undo",
        icon=":material/undo:",
        disabled=counting is None,
        on_click=ask_for,
        args=("undo",),
        help=f"Takes back: {plain(counting.text)}" if counting else "No edit counts",
    )
    st.button(
        "Redo",
        key="parts_redo",
        icon=":material/redo:",
        disabled=undone is None,
        on_click=ask_for,
        args=("redo",),
        help=f"Brings back: {plain(undone.text)}" if undone else "Nothing was undone",
    )


def show_history(inspector: Inspector) -> None:
    """List all edits of this model, the newest first."""
    history = inspector.class_history_
    if not history:
        st.caption("No edit yet: the classes are as they were found. What is saved is listed here.")
        return
    with (
        st.expander(counted(len(history), "edit"), icon=":material/history:"),
        st.container(height=LIST_PX if len(history) > 4 else "content", border=False),
    ):
        show_table(history_lines(history), label="Edits of the classes", key="parts_history")
