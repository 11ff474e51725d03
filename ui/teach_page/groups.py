"""Groups of unknown things that keep coming back, to be named at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from ui.context import Context
from ui.teach_page.form import ask_kind, ask_name, missing
from ui.teach_page.images import examination_of, judged_entries, shared_recogniser
from ui.teach_page.lessons import give_lessons
from ui.teach_page.state import current_outcome
from ui.teach_page.view import conflict_text, group_title, groups_summary
from ui.text import counted, plain

if TYPE_CHECKING:
    from engine.library import Lesson, RegionClass
    from engine.library.records import Kind
    from engine.regions.recogniser import Recogniser
    from engine.regions.suggestion import Member, Suggestion, SuggestionCollector
    from engine.station import Entry

N_COLUMNS, N_COLUMNS_BESIDE = 6, 4
# pictures of a group; its other members are taught with them
N_SHOWN = 18

N_IMAGES = (12, 24, 48, 96)

_SEARCH = "_teach_search"


@dataclass
class Search:
    """A look through images, which goes on where it was when a page runs again."""

    survey: SuggestionCollector
    waiting: list[Entry]
    n_images: int
    n_failed: int = 0
    groups: tuple[Suggestion, ...] | None = None
    taught: set[int] = field(default_factory=set)
    """Groups that have a name by now."""


def show_groups(context: Context, classes: Sequence[RegionClass]) -> None:
    """Offer to look for groups, and let each be named at once."""
    st.markdown(
        "Unknown things that look alike on several images are gathered here; "
        "name a group once, and all of it is taught."
    )
    search: Search | None = st.session_state.get(_SEARCH)
    if search is not None and search.groups is None:
        _continue_search(context, search)
        return
    many, look = st.columns([2, 3], vertical_alignment="bottom")
    n_images = many.selectbox(
        "Images to look through", N_IMAGES, key="teach_groups_n", format_func="the last {}".format
    )
    label = "Look for groups" if search is None else "Look again"
    if look.button(label, key="teach_groups_look", icon=":material/search:"):
        _begin_search(context, n_images)
    if search is None or search.groups is None:
        return
    st.caption(groups_summary(search.groups, search.n_images - search.n_failed))
    for number, group in enumerate(search.groups):
        if number not in search.taught:
            _show_group(context, number, group, classes, partial(search.taught.add, number))


def _begin_search(context: Context, n_images: int) -> None:
    from engine.regions.suggestion import SuggestionCollector

    entries = judged_entries(context, n_images)
    with context.lock:
        st.session_state[_SEARCH] = Search(
            SuggestionCollector(shared_recogniser(context)), entries, len(entries)
        )
    st.rerun()


def _continue_search(context: Context, search: Search) -> None:
    """Look at one image after the other; any press of a button comes in between."""
    from features.images import ImageError

    bar = st.progress(0.0, text="Looking for what is new …")
    st.button("Cancel", key="teach_groups_cancel", on_click=st.session_state.pop, args=(_SEARCH,))
    while search.waiting:
        n_done = search.n_images - len(search.waiting)
        bar.progress(n_done / search.n_images, text=f"Image {n_done + 1} of {search.n_images}")
        entry = search.waiting[0]
        try:
            image = context.station.photo(entry.id)
        except ImageError:  # Inspect says what is wrong with it
            search.n_failed += 1
        else:
            with context.lock:
                search.survey.look(str(entry.id), image)
        search.waiting.pop(0)
    search.groups = tuple(search.survey.groups())
    st.rerun()


def _show_group(
    context: Context,
    number: int,
    group: Suggestion,
    classes: Sequence[RegionClass],
    done: Callable[[], None],
) -> None:
    """Show a group, ask for a name and teach all members that are chosen; then tell ``done``."""
    key = f"teach_group_{number}"
    with st.container(border=True, key=key):
        st.markdown(f"**{group_title(group)}**")
        chosen = _chosen(group, key)
        naming, deciding = st.columns(2)
        with naming:
            name = ask_name(classes, key=f"{key}_name")
        with deciding:
            kind = ask_kind(name, classes, key=f"{key}_kind")
        question: tuple[str, str] | None = st.session_state.get(f"{key}_conflict")
        if question is not None and question[1] == name:
            _answer(context, key, chosen, question, classes, kind, done)
            return
        label = f"Teach all {len(chosen)}" if len(chosen) > 1 else "Teach this one"
        if st.button(label, key=f"{key}_teach", type="primary", disabled=not chosen):
            if problem := missing(name, kind):
                st.warning(problem, icon=":material/edit:")
            else:
                _teach(context, key, chosen, name, kind, done)


def _chosen(group: Suggestion, key: str) -> list[Member]:
    """Show members with their pictures; who does not belong is left out."""
    n_columns = N_COLUMNS_BESIDE if current_outcome() is not None else N_COLUMNS
    columns = st.columns(n_columns)
    chosen = []
    for index, member in enumerate(group.members[:N_SHOWN]):
        with columns[index % n_columns]:
            st.image(member.thumbnail, width="stretch")
            words = f"image {member.image_name}"
            if st.checkbox(words, value=True, key=f"{key}_member_{index}"):
                chosen.append(member)
    rest = group.members[N_SHOWN:]
    if rest:
        st.caption(f"and {counted(len(rest), 'more thing')} like these")
    return [*chosen, *rest]


def _answer(
    context: Context,
    key: str,
    chosen: Sequence[Member],
    question: tuple[str, str],
    classes: Sequence[RegionClass],
    kind: Kind | None,
    done: Callable[[], None],
) -> None:
    other_name, wanted = question
    other = next((each for each in classes if each.name == other_name), None)
    st.warning(
        conflict_text(other_name, other.kind if other else "forgotten", wanted),
        icon=":material/call_split:",
    )
    with st.container(horizontal=True):
        as_other = other is not None and st.button(
            plain(f"Teach as {other_name}"), key=f"{key}_as_other", type="primary"
        )
        as_wanted = st.button(plain(f"Teach as {wanted} nevertheless"), key=f"{key}_forced")
    if as_other and other is not None:
        _teach(context, key, chosen, other.name, other.kind, done)
    if as_wanted:
        _teach(context, key, chosen, wanted, kind, done, is_forced=True)


def _teach(
    context: Context,
    key: str,
    members: Sequence[Member],
    name: str,
    kind: Kind | None,
    done: Callable[[], None],
    *,
    is_forced: bool = False,
) -> None:
    from engine.errors import NotFittedError
    from engine.library import LibraryError
    from engine.regions.teaching import ConflictError, Outlined, teach
    from engine.station import StationError
    from features.images import ImageError

    bar = st.progress(0.0, text="Learning …")

    def lessons(recogniser: Recogniser) -> list[Lesson]:
        given: list[Lesson] = []
        for member in members:
            entry = context.station.entry(int(member.image_name))
            outlined = Outlined(member.region, entry.name, image_sha256=entry.image_sha256 or "")
            examination = examination_of(context, entry)
            # the first one settles whether the name may be; the others look like it
            forced = is_forced or bool(given)
            given.append(teach(recogniser, examination, outlined, name, kind, is_forced=forced))
            bar.progress(len(given) / len(members), text=f"{len(given)} of {len(members)} learnt")
        return given

    try:
        give_lessons(context, lessons)
    except ConflictError as error:
        st.session_state[f"{key}_conflict"] = (error.class_name, name)
    except (LibraryError, StationError, ImageError, NotFittedError) as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    else:
        done()
    st.rerun()
