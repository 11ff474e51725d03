"""History of judged images: filters, a table page by page, and its exports.

Files are made when asked for: a table, JSON lines, or a report.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.station import StationError
from engine.station.exports import csv_text, jsonl_text
from ui.images import shrunk
from ui.inspect_page.history_view import (
    ORDERS,
    PAGE_SIZE,
    REVIEWS,
    VERDICTS,
    Filters,
    n_pages,
    page_text,
    table_rows,
)
from ui.inspect_page.state import FILTERS, ONE, VIEW, current_filters
from ui.session import load_state, open_entry, save_state, saved_key, set_state
from ui.text import counted, plain

if TYPE_CHECKING:
    from engine.station import Entry
    from ui.context import Context

# a page of more is too heavy for a browser; the command line writes any number
MAX_REPORTED = 60

_VERDICT, _CLASS, _REVIEW = "filter-verdict", "filter-class", "filter-review"
_DAYS, _BATCH, _ORDER = "filter-days", "filter-batch", "filter-order"
_EMPTY: dict[str, Any] = {_VERDICT: [], _CLASS: [], _REVIEW: [], _DAYS: (), _BATCH: None}

SIDE_PX = 96
# a kilobyte or two each
N_KEPT = 2000

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
        filters = _choose_filters(context)
        _export_menu(context, filters)
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
            set_state(VIEW, ONE)
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


def thumbnail(context: Context, entry: Entry) -> bytes | None:
    """Return a small JPEG of an entry; None if it was never judged."""
    if entry.judged_at is None:
        return None
    try:
        return _small(context, str(context.station.folder), entry.id)
    except StationError:
        return None


@st.cache_resource(show_spinner=False, max_entries=N_KEPT)
def _small(_context: Context, folder: str, entry_id: int) -> bytes:
    with BytesIO() as stream:
        shrunk(_context.station.result(entry_id).photo, SIDE_PX).save(stream, "JPEG", quality=80)
        return stream.getvalue()


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
        st.caption(page_text(page, n))


def _choose_filters(context: Context) -> Filters:
    """Draw the filters and the order, remember what is chosen, and return it."""
    before = current_filters()
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
        key=load_state(_ORDER, "newest"),
        format_func=ORDERS.__getitem__,
        label_visibility="collapsed",
        width=190,
    )
    save_state(_ORDER)
    chosen = Filters(**{**vars(chosen), "order": order})
    st.session_state[FILTERS] = chosen
    st.caption(plain(chosen.summary) if chosen.summary else "All images of this model")
    return chosen


def _form(context: Context) -> Filters:
    verdicts = st.segmented_control(
        "Verdict",
        list(VERDICTS),
        selection_mode="multi",
        key=load_state(_VERDICT, []),
        format_func=VERDICTS.__getitem__,
    )
    known = context.station.classes(model=context.model)
    _drop_unknown(_CLASS, known)
    classes = st.multiselect(
        "Concerns the part",
        known,
        key=load_state(_CLASS, []),
        placeholder="Any part",
        help="Images in which one of these classes deviates or was recognised.",
    )
    reviews = st.segmented_control(
        "Review",
        list(REVIEWS),
        selection_mode="multi",
        key=load_state(_REVIEW, []),
        format_func=REVIEWS.__getitem__,
        help="What a person said of the verdict.",
    )
    days: Any = st.date_input(
        "Added on or between", key=load_state(_DAYS, ()), help="One day or two."
    )
    batches = {
        each.id: each.label for each in context.station.batches() if each.model == context.model
    }
    _drop_unknown(_BATCH, batches)
    batch = st.selectbox(
        "Batch",
        list(batches),
        index=None,
        key=load_state(_BATCH, None),
        format_func=lambda each: f"{batches[each]} (batch {each})",
        placeholder="Any batch",
        help="Images that were dropped together, or come from one folder.",
    )
    for key in _EMPTY:
        save_state(key)
    since, until = (days[0], days[-1]) if days else (None, None)
    return Filters(tuple(verdicts), tuple(classes), tuple(reviews), since, until, batch)


def _clear() -> None:
    for key, value in _EMPTY.items():
        set_state(key, value)


def _drop_unknown(key: str, known: object) -> None:
    """Forget choices that are no longer offered."""
    for name in (key, saved_key(key)):
        chosen = st.session_state.get(name)
        if isinstance(chosen, list):
            st.session_state[name] = [each for each in chosen if each in known]  # type: ignore[operator]
        elif chosen is not None and chosen not in known:  # type: ignore[operator]
            st.session_state[name] = None


def _export_menu(context: Context, filters: Filters) -> None:
    """Offer the images that the filters show, in their order; files are made when asked for."""
    tally = context.station.tally(model=context.model, **filters.as_query())
    n_reported = min(tally.done, MAX_REPORTED)

    def entries() -> list[Entry]:
        return context.station.entries(
            model=context.model, order=filters.order, **filters.as_query()
        )

    with st.popover("Export", icon=":material/download:", disabled=tally.total == 0):
        st.caption(f"{counted(tally.total, 'image')}, as filtered and ordered here")
        _download_button(
            "CSV table", "csv", "text/csv", lambda: csv_text(entries()), "For a spreadsheet."
        )
        _download_button(
            "JSON lines",
            "jsonl",
            "application/x-ndjson",
            lambda: jsonl_text(entries()),
            "One JSON object a line, for programs.",
        )
        _download_button(
            f"HTML report of {counted(n_reported, 'image')}",
            "html",
            "text/html",
            lambda: _report(context, entries()),
            f"Pictures and reasons on one page that needs no network; the first {MAX_REPORTED} "
            "judged images. Each is judged once more for it.",
            is_there=n_reported > 0,
        )


def _report(context: Context, entries: list[Entry]) -> str:
    judged = [each.id for each in entries if each.state == "done"]
    return context.station.report_html(judged[:MAX_REPORTED])


def _download_button(
    label: str,
    suffix: str,
    mime: str,
    make: Callable[[], str],
    hint: str,
    *,
    is_there: bool = True,
) -> None:
    st.download_button(
        label,
        data=make,
        file_name=f"partwise-history.{suffix}",
        mime=mime,
        key=f"inspect-export-{suffix}",
        on_click="ignore",
        disabled=not is_there,
        width="stretch",
        help=hint,
    )
