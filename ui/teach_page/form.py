"""Form of a lesson: name of the marked thing, and accepted or a defect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from ui.context import Context
from ui.teach_page.images import examination_of
from ui.teach_page.lessons import give_lessons
from ui.teach_page.state import (
    KIND,
    NAME,
    NOTE,
    Conflict,
    current_conflict,
    reset_form,
    set_conflict,
)
from ui.teach_page.view import KIND_MEANS, class_label, conflict_text, offered
from ui.text import counted, plain

if TYPE_CHECKING:
    from engine.library import Lesson, RegionClass
    from engine.library.records import Kind
    from engine.regions.pointing import Preview
    from engine.regions.recogniser import ClassMatch, Recogniser
    from engine.regions.teaching import Outlined
    from engine.station import Entry

# classes offered by name; others are typed
N_OFFERED = 12
KINDS: tuple[Kind, ...] = ("accepted", "defect")


def show_form(
    context: Context, entry: Entry, shown: Preview, classes: Sequence[RegionClass]
) -> None:
    """Ask for name and kind of what is shown, and teach just that."""
    question = current_conflict()
    if question is not None and question.entry_id == entry.id:
        _answer(context, entry, _outlined(entry, shown, question.note), classes, question)
        return
    name = ask_name(classes, shown.matches)
    kind = ask_kind(name, classes)
    outlined = _outlined(entry, shown, st.session_state.get(NOTE, ""))
    if st.button(
        "Teach", key="teach_button", type="primary", icon=":material/school:", width="stretch"
    ):
        if problem := missing(name, kind):
            st.warning(problem, icon=":material/edit:")
        else:
            _teach(context, entry, outlined, name, kind)
    with st.expander("Add a note", icon=":material/sticky_note_2:"):
        st.text_input(
            "Note", key=NOTE, placeholder="What others should know", label_visibility="collapsed"
        )


def ask_name(
    classes: Sequence[RegionClass], matches: Sequence[ClassMatch] = (), key: str = NAME
) -> str:
    """Ask for a name, a new one or one of the classes; what looks like the outline comes first."""
    name = st.text_input(
        "Name",
        key=key,
        placeholder="Such as button, scratch, label",
        max_chars=100,
        help="One name for one look. A name that is known already adds an example to its class.",
    )
    names = offered(classes, matches)[:N_OFFERED]
    if names:
        known = f"{key}_known"
        # another name than the one that was pressed belongs to nothing
        if st.session_state.get(known) not in (None, name):
            st.session_state[known] = None
        st.pills(
            "Taught already",
            names,
            format_func=lambda each: plain(class_label(each, classes, matches)),
            key=known,
            on_change=_take_name,
            args=(key, known),
        )
    return name.strip()


def ask_kind(name: str, classes: Sequence[RegionClass], key: str = KIND) -> Kind | None:
    """Ask whether a new class is accepted or a defect; a known one has said so."""
    known = next((each for each in classes if each.name == name), None)
    if known is not None:
        st.info(
            f"**{plain(known.name)}** is known as {_kind_text(known.kind)} with "
            f"{counted(known.n_examples, 'example')}; this becomes one more.",
            icon=":material/library_add:",
        )
        return known.kind
    chosen: Kind | None = st.radio(
        "It is",
        KINDS,
        index=None,
        format_func=str.capitalize,
        captions=[KIND_MEANS[each] for each in KINDS],
        key=key,
    )
    return chosen


def _answer(
    context: Context,
    entry: Entry,
    outlined: Outlined,
    classes: Sequence[RegionClass],
    question: Conflict,
) -> None:
    """Let a person decide between two names for one look."""
    other = next((each for each in classes if each.name == question.other), None)
    st.warning(
        conflict_text(question.other, other.kind if other else "forgotten", question.wanted),
        icon=":material/call_split:",
    )
    if other is not None and st.button(
        plain(f"Teach as {question.other}"), key="teach_as_other", type="primary", width="stretch"
    ):
        _teach(context, entry, outlined, question.other, other.kind)
    if st.button(
        plain(f"Teach as {question.wanted} nevertheless"), key="teach_forced", width="stretch"
    ):
        _teach(context, entry, outlined, question.wanted, question.kind, is_forced=True)
    st.button(
        "Change the name",
        key="teach_conflict_back",
        on_click=_take_back,
        args=(question,),
        type="tertiary",
    )


def _take_back(question: Conflict) -> None:
    """Show the form again as it was filled in."""
    set_conflict(None)
    st.session_state[NAME], st.session_state[NOTE] = question.wanted, question.note
    st.session_state[KIND] = question.kind


def _teach(
    context: Context,
    entry: Entry,
    outlined: Outlined,
    name: str,
    kind: Kind | None,
    *,
    is_forced: bool = False,
) -> None:
    from engine.library import LibraryError
    from engine.model_file import ModelFileError
    from engine.regions.proposals import check_product
    from engine.regions.teaching import ConflictError, teach
    from features.images import ImageError

    def lesson(recogniser: Recogniser) -> list[Lesson]:
        examination = examination_of(context, entry)
        check_product(entry.name, examination.image_size, recogniser.inspector.fitted.photo_size)
        return [teach(recogniser, examination, outlined, name, kind, is_forced=is_forced)]

    try:
        with st.spinner("Learning …"):
            (given,) = give_lessons(context, lesson, entry)
    except ConflictError as error:
        set_conflict(Conflict(entry.id, error.class_name, name, kind, outlined.note))
    except (LibraryError, ModelFileError, ImageError) as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    else:
        reset_form(given.id)
    st.rerun()


def _outlined(entry: Entry, shown: Preview, note: str) -> Outlined:
    from engine.regions.teaching import Outlined

    return Outlined(shown.region, entry.name, image_sha256=entry.image_sha256 or "", note=note)


def missing(name: str, kind: Kind | None) -> str:
    """Say what must be told before anything can be taught; empty if nothing is missing."""
    if not name:
        return "Give it a name first."
    if kind is None:
        return "Say first whether it is accepted or a defect."
    return ""


def _take_name(key: str, known: str) -> None:
    if st.session_state[known] is not None:
        st.session_state[key] = st.session_state[known]


def _kind_text(kind: str) -> str:
    return "an accepted class" if kind == "accepted" else "a defect"
