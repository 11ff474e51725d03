"""How is the model file changed: by saving a draft, by undoing, by redoing?

What is to be done is noted by a button and done by the next run of the page, in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import streamlit as st

from ui.parts_page.state import Notice, forget, set_error, set_notice, tried
from ui.parts_page.table import choose
from ui.parts_page.view import sentence

if TYPE_CHECKING:
    from engine.editing import Edit
    from engine.inspector import Inspector
    from ui.context import Context

Way = Literal["save", "undo", "redo"]

_WAY = "_parts_way"
_DOING = {"save": "Saving …", "undo": "Undoing …", "redo": "Redoing …"}
# where everything has its place, a count that is only learnt moves the total little
_COUNT_HINT = " If its count must always be right, set it below: that is a rule."
_DONE = {"save": "Saved", "undo": "Undone", "redo": "Redone"}


def ask_for(way: Way) -> None:
    """Have this done by the next run of the page."""
    st.session_state[_WAY] = way


def carry_out(context: Context) -> None:
    """Do what was asked for, if anything, and run the page again."""
    way: Way | None = st.session_state.get(_WAY)
    edit = tried(context)
    if way is None or (way == "save" and edit is None):
        st.session_state.pop(_WAY, None)
        return
    # one element, in the place of the frame whose button was pressed; should the run be given up
    # here, for another click say, the next one does what was asked for
    st.info(_DOING[way], icon="spinner")
    with context.lock:
        _change(context, way, edit)
        st.session_state.pop(_WAY, None)
    st.rerun()


def _change(context: Context, way: Way, edit: Edit | None) -> None:
    """Change the model file, whatever others have saved meanwhile."""
    from engine.atomic import OutputError
    from engine.editing import ClassEditError, change
    from engine.model_file import ModelFileError

    assert context.model is not None, "only a model has classes"
    before = context.inspector()
    what = edit if way == "save" else way
    assert what is not None, "a draft is saved only if there is one"
    try:
        after, _ = change(context.model, what, author=context.author)
    except (ClassEditError, ModelFileError, OutputError) as error:
        set_error(sentence(str(error)))
        return
    forget(context)
    new = _new_classes(before, after)
    set_notice(Notice(f"{_DONE[way]}: {_text(before, after)}.{_COUNT_HINT if new else ''}"))
    if new:
        choose(*new)


def _text(before: Inspector, after: Inspector) -> str:
    """Return the words of the edit that was made, undone or redone."""
    was = {each.number: each.is_undone for each in before.class_history_}
    changed = [each for each in after.class_history_ if was.get(each.number) != each.is_undone]
    return changed[-1].text if changed else "nothing"


def _new_classes(before: Inspector, after: Inspector) -> list[int]:
    from engine.editing import class_rows

    known = {row.id for row in class_rows(before)}
    return [row.id for row in class_rows(after) if row.id not in known]
