"""Which lessons were given, by whom, and which of them are undone?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.context import Context
from ui.teach_page.lessons import turn
from ui.teach_page.view_library import LessonRow, lesson_rows
from ui.view import counted, plain

if TYPE_CHECKING:
    from engine.library import Library

# lessons on a page of the list
N_SHOWN = 25


def show_lessons(context: Context, library: Library | None) -> None:
    """List all lessons, the newest first, each with a button that undoes or redoes it."""
    rows = lesson_rows([] if library is None else library.lessons())
    if not rows:
        st.info(
            "No lesson has been given yet. Every one will be listed here, and can be undone and "
            "redone at any time.",
            icon=":material/history:",
        )
        return
    n_pages = -(-len(rows) // N_SHOWN)
    page = 1
    if n_pages > 1:
        page = int(st.number_input("Page", 1, n_pages, key="teach_lessons_page", width=140))
    n_undone = sum(each.turn == "Redo" for each in rows)
    st.caption(f"{counted(len(rows), 'lesson')}, {n_undone} undone. Nothing is ever lost.")
    for row in rows[(page - 1) * N_SHOWN : page * N_SHOWN]:
        _line(context, row)


def _line(context: Context, row: LessonRow) -> None:
    is_undone = row.turn == "Redo"
    with st.container(border=True, key=f"teach_lesson_{row.id}"):
        number, words, act = st.columns([1, 9, 2.4], vertical_alignment="center")
        number.markdown(f"**{row.id}**")
        with words:
            text = plain(row.words)
            st.markdown(f"~~{text}~~" if is_undone else text)
            st.caption(plain(" · ".join(filter(None, (row.who, row.when, row.reversal)))))
        act.button(
            row.turn,
            key=f"teach_turn_{row.id}",
            icon=":material/redo:" if is_undone else ":material/undo:",
            width="stretch",
            on_click=_turn,
            args=(context, row.id, is_undone),
        )


def _turn(context: Context, lesson_id: int, is_undone: bool) -> None:
    turn(context, [lesson_id], is_undone=is_undone)
