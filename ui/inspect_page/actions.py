"""What can a person do with an image: go on to the next, and say what they think of its verdict?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import streamlit as st

from engine.station import StationError
from ui.inspect_page.more import more_menu
from ui.inspect_page.state import FOLLOW, filters, keep, kept, open_entry, shown
from ui.inspect_page.view_history import neighbours_in_words
from ui.view import plain

if TYPE_CHECKING:
    from engine.station import Entry
    from engine.station.records import Review
    from ui.context import Context

Way = Literal["Previous", "Next"]


def show_actions(context: Context, entry: Entry) -> None:
    """Offer the neighbours and an opinion, each by a key of the keyboard, too."""
    before, after = _neighbours(context, entry)
    row = st.container(horizontal=True, vertical_alignment="center", key="inspect-buttons")
    with row:
        _go(context, "Previous", "P", ":material/chevron_left:", is_there=before is not None)
        _go(context, "Next", "N", ":material/chevron_right:", is_there=after is not None)
        _say(context, entry, "accepted", "Accept", "A", ":material/thumb_up:")
        _say(context, entry, "rejected", "Reject", "X", ":material/thumb_down:")
        st.toggle(
            "Follow the newest",
            key=kept(FOLLOW, False),
            help="Shows each verdict as soon as it is there, for a camera that writes into a "
            "watched folder. Previous and Next end it.",
        )
        keep(FOLLOW)
        more_menu(context, entry)


def _neighbours(context: Context, entry: Entry) -> tuple[int | None, int | None]:
    """Return what came before and after an image, of those that the history shows."""
    chosen = filters()
    before, after = context.station.neighbours(
        entry.id, model=entry.model, order=chosen.order, **chosen.as_query()
    )
    # next is what came later, whichever way the table is sorted
    return (after, before) if chosen.order == "newest" else (before, after)


def _go(context: Context, label: Way, shortcut: str, icon: str, *, is_there: bool) -> None:
    st.button(
        label,
        key=f"inspect-{label.lower()}",
        icon=icon,
        shortcut=shortcut,
        disabled=not is_there,
        on_click=_step,
        args=(context, label),
        help=plain(neighbours_in_words(filters().words)),
    )


def _step(context: Context, way: Way) -> None:
    """Go on from the image that is shown now: whoever presses quickly is ahead of the page."""
    try:
        entry = context.station.entry(int(shown()))
    except (StationError, ValueError):  # removed meanwhile: the page says so
        return
    target = _neighbours(context, entry)[way == "Next"]
    if target is not None:
        open_entry(target)


def _say(
    context: Context, entry: Entry, opinion: Review, label: str, shortcut: str, icon: str
) -> None:
    is_said = entry.review == opinion
    st.button(
        label,
        # of this image and no other, however late the press arrives
        key=f"inspect-{opinion}-{entry.id}",
        icon=icon,
        shortcut=shortcut,
        type="primary" if is_said else "secondary",
        disabled=entry.verdict is None,
        on_click=_review,
        args=(context, entry.id, None if is_said else opinion),
        help=(
            "Takes your opinion back."
            if is_said
            else f"Notes that the verdict is {'right' if opinion == 'accepted' else 'wrong'}. "
            "It changes no verdict; to teach what is new, use the page Teach."
        ),
    )


def _review(context: Context, entry_id: int, opinion: Review | None) -> None:
    try:
        context.station.review(entry_id, opinion, context.author)
    except StationError as error:  # removed by somebody else
        st.toast(plain(str(error)), icon=":material/info:")
