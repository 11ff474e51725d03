"""How does the history leave the app? As a table, as JSON lines, as a report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from engine.station.exports import csv_text, jsonl_text
from ui.view import counted

if TYPE_CHECKING:
    from engine.station import Entry
    from ui.context import Context
    from ui.inspect_page.view_history import Filters

# a page of more is too heavy for a browser; the command line writes any number
MAX_REPORTED = 60


def export_menu(context: Context, filters: Filters) -> None:
    """Offer the images that the filters show, in their order; files are made when asked for."""
    tally = context.station.tally(model=context.model, **filters.as_query())
    n_reported = min(tally.done, MAX_REPORTED)

    def entries() -> list[Entry]:
        return context.station.entries(
            model=context.model, order=filters.order, **filters.as_query()
        )

    with st.popover("Export", icon=":material/download:", disabled=tally.total == 0):
        st.caption(f"{counted(tally.total, 'image')}, as filtered and ordered here")
        _offer("CSV table", "csv", "text/csv", lambda: csv_text(entries()), "For a spreadsheet.")
        _offer(
            "JSON lines",
            "jsonl",
            "application/x-ndjson",
            lambda: jsonl_text(entries()),
            "One JSON object a line, for programs.",
        )
        _offer(
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


def _offer(
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
