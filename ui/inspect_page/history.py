"""Which images were judged, what was said of them, and how does that leave the app?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from ui.inspect_page.export import export_menu
from ui.inspect_page.filters import choose_filters
from ui.inspect_page.state import ONE, VIEW, open_entry, put
from ui.inspect_page.thumbnails import thumbnail
from ui.inspect_page.view_history import PAGE_SIZE, Filters, n_pages, page_words, table_rows

if TYPE_CHECKING:
    from engine.station import Entry
    from ui.context import Context

ROW_HEIGHT_PX, HEADER_HEIGHT_PX, ROWS_IN_VIEW = 52, 38, 10
_PAGE = "inspect-page"
_ROUND = "inspect-table-round"

_COLUMNS: dict[str, Any] = {
    "Image": st.column_config.ImageColumn("", width=64),
    "Verdict": st.column_config.TextColumn(width=100),
    "Why": st.column_config.TextColumn(
        width=240, help="The worst difference, or what was recognised"
    ),
    "Total": st.column_config.NumberColumn(
        width=60,
        format="%.2f",
        help="How much the image differs; above the threshold it is an anomaly",
    ),
    "Name": st.column_config.TextColumn(width=110),
    "Review": st.column_config.TextColumn(
        width=120, help="What a person said of the verdict, and who"
    ),
    "When": st.column_config.DatetimeColumn(width=132, format="YYYY-MM-DD HH:mm"),
}


def show_history(context: Context) -> None:
    """Draw filters, one page of the table, and what can be taken out."""
    bar = st.container(horizontal=True, vertical_alignment="center", key="inspect-history-bar")
    with bar:
        filters = choose_filters(context)
        export_menu(context, filters)
    n = context.station.tally(model=context.model, **filters.as_query()).total
    page = _page(n, filters)
    entries = context.station.entries(
        model=context.model,
        order=filters.order,
        limit=PAGE_SIZE,
        offset=page * PAGE_SIZE,
        **filters.as_query(),
    )
    _table(context, entries)
    _pager(page, n)


def _table(context: Context, entries: list[Entry]) -> None:
    """Draw one page; a click on any cell opens the image of its row."""
    if not entries:
        st.info("No image is like that. Choose other filters, or drop images above.")
        return
    key = f"inspect-table-{st.session_state.get(_ROUND, 0)}"
    ids = [each.id for each in entries]

    def picked() -> None:
        selection = st.session_state[key]["selection"]
        rows = [*selection["rows"], *(row for row, _ in selection["cells"])]
        if rows:
            open_entry(ids[rows[0]])
            put(VIEW, ONE)
            st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1

    height_px = min(len(entries), ROWS_IN_VIEW) * ROW_HEIGHT_PX + HEADER_HEIGHT_PX
    # the place is kept while the browser loads what draws it
    place = st.container(height=height_px, border=False, key="inspect-table-place")
    place.dataframe(
        table_rows(entries, lambda each: thumbnail(context, each)),
        key=key,
        column_config=_COLUMNS,
        hide_index=True,
        row_height=ROW_HEIGHT_PX,
        height=height_px,
        on_select=picked,
        selection_mode=["single-row", "single-cell"],
        placeholder="",
    )


def _page(n: int, filters: Filters) -> int:
    """Return the page to show, the first one after a change of filters."""
    known, page = st.session_state.get(_PAGE, (filters, 0))
    page = min(page, n_pages(n) - 1) if known == filters else 0
    st.session_state[_PAGE] = filters, page
    return int(page)


def _pager(page: int, n: int) -> None:
    filters, _ = st.session_state[_PAGE]

    def turn(target: int) -> None:
        st.session_state[_PAGE] = filters, target

    with st.container(horizontal=True, vertical_alignment="center", key="inspect-pager"):
        st.button(
            "Previous page",
            key="inspect-page-back",
            icon=":material/chevron_left:",
            disabled=page == 0,
            on_click=turn,
            args=(page - 1,),
        )
        st.button(
            "Next page",
            key="inspect-page-on",
            icon=":material/chevron_right:",
            icon_position="right",
            disabled=page >= n_pages(n) - 1,
            on_click=turn,
            args=(page + 1,),
        )
        st.caption(page_words(page, n))
