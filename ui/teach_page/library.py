"""What has been taught: classes with the pictures of their examples, to be changed or forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from ui.context import Context
from ui.teach_page.questions import Question, ask, show_question
from ui.teach_page.state import outcome
from ui.teach_page.view import KIND_BADGES
from ui.teach_page.view_library import (
    class_chip,
    class_line,
    example_details,
    example_line,
    other_kind,
)
from ui.view import counted, plain

if TYPE_CHECKING:
    from engine.library import Example, Library, RegionClass

N_COLUMNS, N_COLUMNS_BESIDE = 6, 4
# pictures of a class before somebody asks for all
N_SHOWN = 12
CHIP_PX = 26


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
    show_question(context, classes)


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
        st.image(class_chip(known), width=CHIP_PX)
        st.markdown(f"**{plain(known.name)}** {KIND_BADGES[known.kind]}")
    st.caption(plain(class_line(known)))
    examples = library.examples(known.name, with_features=False)
    is_all = len(examples) <= N_SHOWN or st.session_state.get(f"teach_all_{known.id}", False)
    shown = examples if is_all else examples[-N_SHOWN:]
    n_columns = N_COLUMNS_BESIDE if outcome() is not None else N_COLUMNS
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
        on_click=ask,
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
            on_click=ask,
            args=(Question(what, known.id),),
        )
