"""History of the edits of a model, and changes of its file: save, undo, redo.

What is to be done is noted by a button and done by the next run of the page, in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import streamlit as st

from ui.parts_page.classes import choose
from ui.parts_page.state import Notice, discard_draft, set_error, set_notice, tried_edit
from ui.parts_page.view import history_lines, last_counting, last_undone, sentence
from ui.tables import show_table
from ui.text import counted, plain

if TYPE_CHECKING:
    from engine.editing import Edit
    from engine.inspector import Inspector
    from ui.context import Context

ChangeKind = Literal["save", "undo", "redo"]

_REQUESTED = "_parts_requested"
_BUSY_TEXTS = {"save": "Saving …", "undo": "Undoing …", "redo": "Redoing …"}
# where everything has its place, a count that is only learnt moves the total little
_COUNT_HINT = " If its count must always be right, set it below: that is a rule."
_DONE_TEXTS = {"save": "Saved", "undo": "Undone", "redo": "Redone"}

LIST_PX = 260


def show_history(inspector: Inspector) -> None:
    """List all edits of this model, the newest first."""
    history = inspector.fitted.class_history
    if not history:
        st.caption("No edit yet: the classes are as they were found. What is saved is listed here.")
        return
    with (
        st.expander(counted(len(history), "edit"), icon=":material/history:"),
        st.container(height=LIST_PX if len(history) > 4 else "content", border=False),
    ):
        show_table(history_lines(history), label="Edits of the classes", key="parts_history")


def show_undo(inspector: Inspector) -> None:
    """Offer to take back the last edit that counts, or to bring back what was taken back."""
    history = inspector.fitted.class_history
    counting, undone = last_counting(history), last_undone(history)
    st.button(
        "Undo",
        key="parts_undo",
        icon=":material/undo:",
        disabled=counting is None,
        on_click=request_change,
        args=("undo",),
        help=f"Takes back: {plain(counting.text)}" if counting else "No edit counts",
    )
    st.button(
        "Redo",
        key="parts_redo",
        icon=":material/redo:",
        disabled=undone is None,
        on_click=request_change,
        args=("redo",),
        help=f"Brings back: {plain(undone.text)}" if undone else "Nothing was undone",
    )


def request_change(kind: ChangeKind) -> None:
    """Have this done by the next run of the page."""
    st.session_state[_REQUESTED] = kind


def apply_requested_change(context: Context) -> None:
    """Do what was asked for, if anything, and run the page again."""
    kind: ChangeKind | None = st.session_state.get(_REQUESTED)
    edit = tried_edit(context)
    if kind is None or (kind == "save" and edit is None):
        st.session_state.pop(_REQUESTED, None)
        return
    # one element, in the place of the frame whose button was pressed; should the run be given up
    # here, for another click say, the next one does what was asked for
    st.info(_BUSY_TEXTS[kind], icon="spinner")
    with context.lock:
        _change(context, kind, edit)
        st.session_state.pop(_REQUESTED, None)
    st.rerun()


def _change(context: Context, kind: ChangeKind, edit: Edit | None) -> None:
    """Change the model file, whatever others have saved meanwhile."""
    from engine.atomic import OutputError
    from engine.editing import ClassEditError, change
    from engine.model_file import ModelFileError

    assert context.model is not None, "only a model has classes"
    before = context.inspector()
    what = edit if kind == "save" else kind
    assert what is not None, "a draft is saved only if there is one"
    try:
        after, _ = change(context.model, what, author=context.author)
    except (ClassEditError, ModelFileError, OutputError) as error:
        set_error(sentence(str(error)))
        return
    discard_draft(context)
    new = _new_classes(before, after)
    set_notice(Notice(f"{_DONE_TEXTS[kind]}: {_text(before, after)}.{_COUNT_HINT if new else ''}"))
    if new:
        choose(*new)


def _text(before: Inspector, after: Inspector) -> str:
    """Return the words of the edit that was made, undone or redone."""
    was = {each.number: each.is_undone for each in before.fitted.class_history}
    changed = [
        each for each in after.fitted.class_history if was.get(each.number) != each.is_undone
    ]
    return changed[-1].text if changed else "nothing"


def _new_classes(before: Inspector, after: Inspector) -> list[int]:
    from engine.editing import class_rows

    known = {row.id for row in class_rows(before)}
    return [row.id for row in class_rows(after) if row.id not in known]
