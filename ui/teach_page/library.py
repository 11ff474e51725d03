"""Library of what was taught: classes with their examples, and all lessons.

Classes are renamed, changed and forgotten after a question, which stays open until it is answered
or dismissed, whatever else runs the page again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from ui.context import Context
from ui.teach_page.lessons import toggle_lessons, try_lessons
from ui.teach_page.library_view import (
    LessonRow,
    class_badge,
    class_line,
    example_details,
    example_line,
    lesson_rows,
    other_kind,
)
from ui.teach_page.state import current_outcome
from ui.teach_page.view import KIND_BADGES, KIND_MEANS
from ui.text import counted, plain

if TYPE_CHECKING:
    from engine.library import Example, Lesson, Library, RegionClass
    from engine.regions.recogniser import Recogniser

_OPEN = "_teach_question"

N_COLUMNS, N_COLUMNS_BESIDE = 6, 4
# pictures of a class before somebody asks for all
N_SHOWN = 12
CHIP_PX = 26

# lessons on a page of the list
N_LESSONS_SHOWN = 25


def show_library(context: Context, library: Library | None) -> None:
    """Show every class with its examples."""
    classes = [] if library is None else library.classes()
    if library is None or not classes:
        st.info(
            "Nothing has been taught yet. Mark something new on a photograph under **Paint** and "
            "give it a name; it will be listed here with its picture.",
            icon=":material/photo_library:",
        )
        return
    kind = _filter(classes)
    for known in classes:
        if kind is None or known.kind == kind:
            with st.container(border=True, key=f"teach_class_{known.id}"):
                _show_class(library, known)
    _show_question(context, classes)


def _filter(classes: Sequence[RegionClass]) -> str | None:
    n_examples = sum(each.n_examples for each in classes)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{counted(len(classes), 'class', 'classes')}**, {counted(n_examples, 'example')}"
        )
        kind: str | None = st.pills(
            "Show only",
            ["accepted", "defect"],
            key="teach_library_kind",
            label_visibility="collapsed",
            format_func=lambda each: f"only {'defects' if each == 'defect' else each}",
        )
    return kind


def _show_class(library: Library, known: RegionClass) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.image(class_badge(known), width=CHIP_PX)
        st.markdown(f"**{plain(known.name)}** {KIND_BADGES[known.kind]}")
    st.caption(plain(class_line(known)))
    examples = library.examples(known.name, with_features=False)
    is_all = len(examples) <= N_SHOWN or st.session_state.get(f"teach_all_{known.id}", False)
    shown = examples if is_all else examples[-N_SHOWN:]
    n_columns = N_COLUMNS_BESIDE if current_outcome() is not None else N_COLUMNS
    columns = st.columns(n_columns)
    for number, example in enumerate(shown):
        with columns[number % n_columns].container(gap=None):
            _show_example(example)
    if len(examples) > N_SHOWN:
        st.toggle(f"All {len(examples)} examples", key=f"teach_all_{known.id}")
    with st.container(horizontal=True, gap="small"):
        _actions(known)


def _show_example(example: Example) -> None:
    st.image(example.thumbnail, width="stretch")
    st.caption(plain(example_line(example)), help=plain(example_details(example)))
    st.button(
        "Forget",
        key=f"teach_forget_example_{example.id}",
        type="tertiary",
        icon=":material/delete:",
        help="Forget this example",
        on_click=_open_question,
        args=(Question("example", example.class_id, example.id),),
    )


def _actions(known: RegionClass) -> None:
    other = other_kind(known.kind)
    words = "Make it a defect" if other == "defect" else "Make it accepted"
    for what, label, icon in (
        ("rename", "Rename", ":material/edit:"),
        ("kind", words, ":material/swap_horiz:"),
        ("forget", "Forget class", ":material/delete:"),
    ):
        st.button(
            label,
            key=f"teach_{what}_{known.id}",
            icon=icon,
            on_click=_open_question,
            args=(Question(what, known.id),),
        )


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
    n_pages = -(-len(rows) // N_LESSONS_SHOWN)
    page = 1
    if n_pages > 1:
        page = int(st.number_input("Page", 1, n_pages, key="teach_lessons_page", width=140))
    n_undone = sum(each.action == "Redo" for each in rows)
    st.caption(f"{counted(len(rows), 'lesson')}, {n_undone} undone. Nothing is ever lost.")
    for row in rows[(page - 1) * N_LESSONS_SHOWN : page * N_LESSONS_SHOWN]:
        _line(context, row)


def _line(context: Context, row: LessonRow) -> None:
    is_undone = row.action == "Redo"
    with st.container(border=True, key=f"teach_lesson_{row.id}"):
        number, words, act = st.columns([1, 9, 2.4], vertical_alignment="center")
        number.markdown(f"**{row.id}**")
        with words:
            text = plain(row.text)
            st.markdown(f"~~{text}~~" if is_undone else text)
            st.caption(plain(" · ".join(filter(None, (row.who, row.when, row.reversal)))))
        act.button(
            row.action,
            key=f"teach_turn_{row.id}",
            icon=":material/redo:" if is_undone else ":material/undo:",
            width="stretch",
            on_click=_toggle,
            args=(context, row.id, is_undone),
        )


def _toggle(context: Context, lesson_id: int, is_undone: bool) -> None:
    toggle_lessons(context, [lesson_id], is_undone=is_undone)


@dataclass(frozen=True)
class Question:
    """A change that a person asked for: ``rename``, ``kind``, ``forget`` or ``example``."""

    what: str
    class_id: int
    example_id: int = 0


def _open_question(question: Question) -> None:
    """Open a question."""
    st.session_state[_OPEN] = question


def _show_question(context: Context, classes: Sequence[RegionClass]) -> None:
    """Show the open question, if it is about one of these classes."""
    question: Question | None = st.session_state.get(_OPEN)
    known = next((each for each in classes if question and each.id == question.class_id), None)
    if question is None or known is None:
        _close()
        return
    wording = _renaming(known) if question.what == "rename" else _wording(question, known)

    @st.dialog(wording.title, on_dismiss=_close)
    def confirm() -> None:
        st.markdown(wording.text)
        if question.what == "rename":
            st.text_input("New name", value=known.name, key=_name_key(known), max_chars=100)
        st.caption("It can be undone under Lessons.")
        with st.container(horizontal=True, horizontal_alignment="right"):
            is_no = st.button("Cancel", key="teach_no")
            is_yes = st.button(wording.yes, key="teach_yes", type="primary")
        if is_yes:
            try_lessons(context, lambda own: [wording.lesson(own)])
        if is_no or is_yes:
            _close()
            st.rerun()

    confirm()


@dataclass(frozen=True)
class _Wording:
    title: str
    text: str
    yes: str
    lesson: Callable[[Recogniser], Lesson]


def _wording(question: Question, known: RegionClass) -> _Wording:
    name, other = plain(known.name), other_kind(known.kind)
    if question.what == "example":
        return _Wording(
            f"Forget example {question.example_id}?",
            f"It is one of **{name}**. Things are no longer recognised by it.",
            "Forget this example",
            lambda own: own.library.forget_example(question.example_id),
        )
    if question.what == "kind":
        words = "Make it a defect" if other == "defect" else "Make it accepted"
        return _Wording(
            f"{words}?",
            f"**{name}** becomes {KIND_BADGES[other]} with all its examples. {KIND_MEANS[other]}",
            words,
            lambda own: own.library.change_kind(known.name, other),
        )
    return _Wording(
        "Forget this class?",
        f"**{name}** has {counted(known.n_examples, 'example')}. What looks like it becomes "
        "unknown again.",
        "Forget this class",
        lambda own: own.library.forget(known.name),
    )


def _renaming(known: RegionClass) -> _Wording:
    return _Wording(
        "Rename this class",
        f"**{plain(known.name)}** is called by its new name everywhere from now on.",
        "Rename",
        lambda own: own.library.rename(known.name, str(st.session_state[_name_key(known)])),
    )


def _name_key(known: RegionClass) -> str:
    return f"teach_new_name_{known.id}"


def _close() -> None:
    st.session_state.pop(_OPEN, None)
