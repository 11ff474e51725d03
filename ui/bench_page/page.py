"""Page Benchmark: how well anomalous images are told from normal ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.bench_page.comparison import show_comparison
from ui.bench_page.gallery import show_opening
from ui.bench_page.results import show_results
from ui.bench_page.start import show_jobs, show_start
from ui.bench_page.state import VIEW, Source, find_sources, read_query, write_query

if TYPE_CHECKING:
    from ui.context import Context

RESULTS, COMPARE, START = "Results", "Compare", "New benchmark"

_VIEWS = {"results": RESULTS, "compare": COMPARE, "new": START}


def show(context: Context) -> None:
    """Arrange the page."""
    st.title("Benchmark")
    st.caption(
        "Measures how well anomalous images are told from normal ones, on photographs of which "
        "it is known. The method sees only a few normal references."
    )
    show_opening(context)
    show_jobs(context)
    sources = find_sources(context.station)
    view = _choose_view(sources)
    if view == START:
        show_start(context)
    elif view == COMPARE:
        show_comparison(context, sources)
    else:
        show_results(context, sources)


def _choose_view(sources: list[Source]) -> str:
    """Draw the choice of what is shown; the address keeps it."""
    if st.session_state.get(VIEW) is None:
        linked = _VIEWS.get(read_query("view"), RESULTS if sources else START)
        st.session_state[VIEW] = linked
    view = st.segmented_control(
        "What to show",
        list(_VIEWS.values()),
        key=VIEW,
        label_visibility="collapsed",
    )
    chosen = view or RESULTS
    write_query("view", next(name for name, title in _VIEWS.items() if title == chosen))
    return chosen
