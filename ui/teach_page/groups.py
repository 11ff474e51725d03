"""Which unknown things keep coming back, so that one name could be given to all of them?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from ui.context import Context
from ui.teach_page.group import show_group
from ui.teach_page.images import judged, reader
from ui.teach_page.view_groups import groups_summary

if TYPE_CHECKING:
    from engine.library import RegionClass
    from engine.regions.suggestion import Suggestion, Survey
    from engine.station import Entry

N_IMAGES = (12, 24, 48, 96)

_SEARCH = "_teach_search"


@dataclass
class Search:
    """A look through images, which goes on where it was when a page runs again."""

    survey: Survey
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
        _go_on(context, search)
        return
    many, look = st.columns([2, 3], vertical_alignment="bottom")
    n_images = many.selectbox(
        "Images to look through", N_IMAGES, key="teach_groups_n", format_func="the last {}".format
    )
    label = "Look for groups" if search is None else "Look again"
    if look.button(label, key="teach_groups_look", icon=":material/search:"):
        _begin(context, n_images)
    if search is None or search.groups is None:
        return
    st.caption(groups_summary(search.groups, search.n_images - search.n_failed))
    for number, group in enumerate(search.groups):
        if number not in search.taught:
            show_group(context, number, group, classes, partial(search.taught.add, number))


def _begin(context: Context, n_images: int) -> None:
    from engine.regions.suggestion import Survey

    entries = judged(context, n_images)
    with context.lock:
        st.session_state[_SEARCH] = Search(Survey(reader(context)), entries, len(entries))
    st.rerun()


def _go_on(context: Context, search: Search) -> None:
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
