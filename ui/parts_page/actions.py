"""Actions on the chosen classes, each asked for as an edit to try out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from ui.parts_page.actions_view import (
    MAX_SPLIT,
    Action,
    ActionKind,
    class_names,
    fine_counts,
    offered,
)
from ui.parts_page.state import set_painting, try_out
from ui.text import plain

if TYPE_CHECKING:
    from engine.editing import ClassRow, Edit
    from ui.context import Context

TRY = "See what it changes"
NAME_LENGTH = 80

_ACTION = "parts_action"
_RULE, _LEARN = "By a rule", "Learnt"
MAX_TOLERANCE = 50


def show_actions(context: Context, chosen: Sequence[ClassRow]) -> None:
    """Offer what can be done with the chosen classes; nothing is changed by trying it."""
    if not chosen:
        _offer_to_choose()
        return
    st.markdown(f"**{plain(class_names(chosen))}**")
    action = _pick(offered(chosen))
    st.caption(action.means)
    edit = _ASK[action.kind](chosen)
    if action.kind == "paint":
        return
    if st.button(
        TRY,
        key="parts_try",
        type="primary",
        icon=":material/science:",
        disabled=edit is None,
        help="Shows totals, counts and verdicts with this edit. Nothing is saved yet.",
    ):
        assert edit is not None, "the button is disabled without one"
        try_out(context, edit)
        st.rerun()


def _offer_to_choose() -> None:
    st.markdown("**Nothing chosen**")
    st.caption(
        "Choose one class in the table to rename, split, ignore, count or remove it, "
        "or several to merge them. A thing that has no class of its own can be shown by hand:"
    )
    st.button(
        "Add a part class",
        key="parts_add",
        icon=":material/brush:",
        on_click=set_painting,
        args=("",),
        help="Paint a thing on a reference, or click on it, and give it a name. "
        "From then on it is found and counted on every image.",
    )


def _pick(actions: Sequence[Action]) -> Action:
    by_title = {each.title: each for each in actions}
    if st.session_state.get(_ACTION) not in by_title:
        st.session_state[_ACTION] = actions[0].title
    picked = st.pills(
        "What to do",
        list(by_title),
        format_func=lambda title: f"{by_title[title].icon} {title}",
        key=_ACTION,
        label_visibility="collapsed",
    )
    return by_title.get(picked or "", actions[0])


def _rename(chosen: Sequence[ClassRow]) -> Edit | None:
    from engine.editing import Rename

    (row,) = chosen
    name = _name("New name", row.name, f"parts_rename_{row.id}")
    return Rename(row.id, name) if name and name != row.name else None


def _merge(chosen: Sequence[ClassRow]) -> Edit | None:
    from engine.editing import Merge

    first = chosen[0]
    name = _name("Name of the class", first.name, f"parts_merge_{first.id}")
    return Merge(tuple(row.id for row in chosen), None if name == first.name else name or None)


def _split(chosen: Sequence[ClassRow]) -> Edit:
    from engine.editing import Split

    n = st.number_input("Into how many classes", 2, MAX_SPLIT, 2, key="parts_split")
    return Split(chosen[0].id, int(n))


def _ignore(chosen: Sequence[ClassRow]) -> Edit:
    from engine.editing import Ignore

    return Ignore(chosen[0].id, True)


def _unignore(chosen: Sequence[ClassRow]) -> Edit:
    from engine.editing import Ignore

    return Ignore(chosen[0].id, False)


def _count(chosen: Sequence[ClassRow]) -> Edit | None:
    from engine.editing import Count

    (row,) = chosen
    kind = st.radio(
        "How the count is judged",
        [_RULE, _LEARN],
        index=1 if row.tolerance is None else 0,
        horizontal=True,
        key=f"parts_rule_{row.id}",
        help="**A rule** holds whatever else is seen. **Learnt**: the count is one of several "
        "measures that add up to the total.",
    )
    if kind == _LEARN:
        return None if row.tolerance is None else Count(row.id, None)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        tolerance = int(
            st.number_input(
                "More or fewer",
                0,
                MAX_TOLERANCE,
                row.tolerance or 0,
                key=f"parts_tolerance_{row.id}",
                help="So many beyond what the references show. 0: exactly what they show.",
                width=150,
            )
        )
        st.markdown(f"Fine then: **{fine_counts(row, tolerance)}**")
    return Count(row.id, tolerance) if tolerance != row.tolerance else None


def _remove(chosen: Sequence[ClassRow]) -> Edit:
    from engine.editing import Remove

    return Remove(chosen[0].id)


def _paint(chosen: Sequence[ClassRow]) -> None:
    st.button(
        "Paint it on another reference",
        key="parts_paint_more",
        type="primary",
        icon=":material/brush:",
        on_click=set_painting,
        args=(chosen[0].name,),
    )


def _name(label: str, value: str, key: str) -> str:
    return st.text_input(label, value, max_chars=NAME_LENGTH, key=key).strip()


_ASK: dict[ActionKind, Callable[[Sequence[ClassRow]], Edit | None]] = {
    "rename": _rename,
    "merge": _merge,
    "split": _split,
    "ignore": _ignore,
    "unignore": _unignore,
    "count": _count,
    "remove": _remove,
    "paint": _paint,
}
