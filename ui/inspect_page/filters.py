"""Which images does a person want to see in the history, and in which order?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from ui.inspect_page.state import FILTERS, filters, keep, kept, put
from ui.inspect_page.view_history import ORDERS, REVIEWS, VERDICTS, Filters
from ui.view import plain

if TYPE_CHECKING:
    from ui.context import Context

_VERDICT, _CLASS, _REVIEW = "filter-verdict", "filter-class", "filter-review"
_DAYS, _BATCH, _ORDER = "filter-days", "filter-batch", "filter-order"
_EMPTY: dict[str, Any] = {_VERDICT: [], _CLASS: [], _REVIEW: [], _DAYS: (), _BATCH: None}


def choose_filters(context: Context) -> Filters:
    """Draw the filters and the order, remember what is chosen, and return it."""
    before = filters()
    label = "Filter" if before.is_empty else f"Filter: {before.n_chosen}"
    with st.popover(label, icon=":material/filter_list:"):
        chosen = _form(context)
        st.button(
            "Show everything",
            key="inspect-filter-clear",
            icon=":material/filter_list_off:",
            disabled=chosen.is_empty,
            on_click=_clear,
        )
    order = st.selectbox(
        "Order",
        list(ORDERS),
        key=kept(_ORDER, "newest"),
        format_func=ORDERS.__getitem__,
        label_visibility="collapsed",
        width=190,
    )
    keep(_ORDER)
    chosen = Filters(**{**vars(chosen), "order": order})
    st.session_state[FILTERS] = chosen
    st.caption(plain(chosen.words) if chosen.words else "All images of this model")
    return chosen


def _form(context: Context) -> Filters:
    verdicts = st.segmented_control(
        "Verdict",
        list(VERDICTS),
        selection_mode="multi",
        key=kept(_VERDICT, []),
        format_func=VERDICTS.__getitem__,
    )
    known = context.station.classes(model=context.model)
    _drop_unknown(_CLASS, known)
    classes = st.multiselect(
        "Concerns the part",
        known,
        key=kept(_CLASS, []),
        placeholder="Any part",
        help="Images in which one of these classes deviates or was recognised.",
    )
    reviews = st.segmented_control(
        "Review",
        list(REVIEWS),
        selection_mode="multi",
        key=kept(_REVIEW, []),
        format_func=REVIEWS.__getitem__,
        help="What a person said of the verdict.",
    )
    days: Any = st.date_input("Added on or between", key=kept(_DAYS, ()), help="One day or two.")
    batches = {
        each.id: each.label for each in context.station.batches() if each.model == context.model
    }
    _drop_unknown(_BATCH, batches)
    batch = st.selectbox(
        "Batch",
        list(batches),
        index=None,
        key=kept(_BATCH, None),
        format_func=lambda each: f"{batches[each]} (batch {each})",
        placeholder="Any batch",
        help="Images that were dropped together, or come from one folder.",
    )
    for key in _EMPTY:
        keep(key)
    since, until = (days[0], days[-1]) if days else (None, None)
    return Filters(tuple(verdicts), tuple(classes), tuple(reviews), since, until, batch)


def _clear() -> None:
    for key, value in _EMPTY.items():
        put(key, value)


def _drop_unknown(key: str, known: object) -> None:
    """Forget choices that are no longer offered."""
    for name in (key, f"kept-{key}"):
        chosen = st.session_state.get(name)
        if isinstance(chosen, list):
            st.session_state[name] = [each for each in chosen if each in known]  # type: ignore[operator]
        elif chosen is not None and chosen not in known:  # type: ignore[operator]
            st.session_state[name] = None
