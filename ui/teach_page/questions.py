"""Which change of the library waits for a yes?

A question stays open until it is answered or dismissed, whatever else runs the page again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from ui.context import Context
from ui.teach_page.lessons import attempt
from ui.teach_page.view import KIND_BADGES, KIND_MEANS
from ui.teach_page.view_library import other_kind
from ui.view import counted, plain

if TYPE_CHECKING:
    from engine.library import Lesson, RegionClass
    from engine.regions.recogniser import Recogniser

_OPEN = "_teach_question"


@dataclass(frozen=True)
class Question:
    """A change that a person asked for: ``rename``, ``kind``, ``forget`` or ``example``."""

    what: str
    class_id: int
    example_id: int = 0


@dataclass(frozen=True)
class _Wording:
    title: str
    words: str
    yes: str
    lesson: Callable[[Recogniser], Lesson]


def ask(question: Question) -> None:
    """Open a question."""
    st.session_state[_OPEN] = question


def show_question(context: Context, classes: Sequence[RegionClass]) -> None:
    """Show the open question, if it is about one of these classes."""
    question: Question | None = st.session_state.get(_OPEN)
    known = next((each for each in classes if question and each.id == question.class_id), None)
    if question is None or known is None:
        _close()
        return
    wording = _renaming(known) if question.what == "rename" else _wording(question, known)

    @st.dialog(wording.title, on_dismiss=_close)
    def confirm() -> None:
        st.markdown(wording.words)
        if question.what == "rename":
            st.text_input("New name", value=known.name, key=_name_key(known), max_chars=100)
        st.caption("It can be undone under Lessons.")
        with st.container(horizontal=True, horizontal_alignment="right"):
            is_no = st.button("Cancel", key="teach_no")
            is_yes = st.button(wording.yes, key="teach_yes", type="primary")
        if is_yes:
            attempt(context, lambda own: [wording.lesson(own)])
        if is_no or is_yes:
            _close()
            st.rerun()

    confirm()


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
