"""What can a person do with an image: go on to the next, and say what they think of its verdict?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.inspect_page.more import more_menu
from ui.inspect_page.state import FOLLOW, filters, keep, kept, open_entry
from ui.inspect_page.view_history import neighbours_in_words
from ui.view import plain

if TYPE_CHECKING:
    from engine.station import Entry
    from engine.station.records import Review
    from ui.context import Context


def show_actions(context: Context, entry: Entry) -> None:
    """Offer the neighbours and an opinion, each by a key of the keyboard, too."""
    chosen = filters()
    before, after = context.station.neighbours(
        entry.id, model=entry.model, order=chosen.order, **chosen.as_query()
    )
    if chosen.order == "newest":  # next is what came later, whichever way the table is sorted
        before, after = after, before
    row = st.container(horizontal=True, vertical_alignment="center", key="inspect-buttons")
    with row:
        _go("Previous", before, "P", ":material/chevron_left:", chosen.words)
        _go("Next", after, "N", ":material/chevron_right:", chosen.words)
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


def _go(label: str, target: int | None, shortcut: str, icon: str, among: str) -> None:
    st.button(
        label,
        key=f"inspect-{label.lower()}",
        icon=icon,
        shortcut=shortcut,
        disabled=target is None,
        on_click=open_entry,
        args=(target,),
        help=plain(neighbours_in_words(among)),
    )


def _say(
    context: Context, entry: Entry, opinion: Review, label: str, shortcut: str, icon: str
) -> None:
    is_said = entry.review == opinion
    st.button(
        label,
        key=f"inspect-{opinion}",
        icon=icon,
        shortcut=shortcut,
        type="primary" if is_said else "secondary",
        disabled=entry.verdict is None,
        on_click=context.station.review,
        args=(entry.id, None if is_said else opinion, context.author),
        help=(
            "Takes your opinion back."
            if is_said
            else f"Notes that the verdict is {'right' if opinion == 'accepted' else 'wrong'}. "
            "It changes no verdict; to teach what is new, use the page Teach."
        ),
    )
