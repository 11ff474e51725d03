"""Results of benchmarks, finished or not: the choice of one, and its figures."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

import streamlit as st

from engine.benchmark.datasets import DatasetError
from engine.benchmark.html_report import bench_page
from engine.benchmark.results import BenchResult
from engine.station import StationError
from ui.bench_page.figures_view import shots_chart
from ui.bench_page.run import show_run
from ui.bench_page.state import RESULT, Source, load, read_query, write_query
from ui.bench_page.view import HINTS, TITLES, scope_text, summary_rows
from ui.charts import chart_theme, draw_chart
from ui.text import plain

if TYPE_CHECKING:
    from engine.station import Station
    from ui.context import Context


def show_results(context: Context, sources: list[Source]) -> None:
    """Draw the choice of a result, and the result."""
    if not sources:
        st.info("There is no benchmark yet. Start one under New benchmark.", icon=":material/info:")
        return
    source = _choose(sources)
    try:
        result = load(source)
    except (DatasetError, StationError, OSError) as error:
        st.error(plain(f"This result cannot be read: {error}"), icon=":material/broken_image:")
        return
    if not result.runs:
        st.info("No run is finished yet; the first one will appear here by itself.")
        return
    _offer_files(context.station, source, result)
    _show_summary(result)
    show_run(context, result)


def _choose(sources: list[Source]) -> Source:
    """Draw the list of results; the address keeps which one is shown."""
    by_key = {source.key: source for source in sources}
    if st.session_state.get(RESULT) not in by_key:
        linked = read_query("result")
        st.session_state[RESULT] = linked if linked in by_key else sources[0].key
    key = st.selectbox(
        "Result",
        list(by_key),
        format_func=lambda key: by_key[key].title,
        key=RESULT,
        help="Every benchmark made here, the newest first. They are kept on disk.",
    )
    write_query("result", key)
    return by_key[key]


def _offer_files(station: Station, source: Source, result: BenchResult) -> None:
    """Draw what can be taken along; pages are made only when asked for."""
    if source.path is None:
        st.caption(f"Finished so far: {scope_text(result.runs)}.")
        return
    path = source.path
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "JSON",
            path.read_bytes,
            file_name=path.name,
            mime="application/json",
            key="bench_json",
            on_click="ignore",
            icon=":material/download:",
            help="Every total and every single score; `partwise bench-compare` reads it, too.",
        )
        st.download_button(
            "HTML page",
            lambda: bench_page(result, has_images=_are_open(station, result)).encode(),
            file_name=f"{path.stem}.html",
            mime="text/html",
            key="bench_html",
            on_click="ignore",
            icon=":material/download:",
            help="One page with all charts and the worst mistakes; it needs no network.",
        )


def _are_open(station: Station, result: BenchResult) -> bool:
    """Tell whether the images of a result may be read here, and are still there."""
    paths = {PurePath(image.path) for run in result.runs for image in run.images}
    if any(path.is_absolute() or ".." in path.parts for path in paths):
        return False
    try:
        return all(station.allowed(root).is_dir() for root in result.roots.values())
    except StationError:
        return False


def _show_summary(result: BenchResult) -> None:
    """Draw the figures of all runs in a table, and over shots where there are several."""
    summary = result.summary
    st.subheader("All runs", help=HINTS["spread"], anchor=False)
    columns = st.column_config
    st.dataframe(
        summary_rows(summary),
        hide_index=True,
        key="bench_summary",
        column_config={
            "category": columns.TextColumn("Category", pinned=True),
            "shots": columns.NumberColumn("Shots", help=HINTS["shots"], width="small"),
            "seeds": columns.NumberColumn("Seeds", help=HINTS["seeds"], width="small"),
            "normal": columns.NumberColumn("Normal", width="small"),
            "anomalous": columns.NumberColumn("Anomalous", width="small"),
            **{
                name: columns.TextColumn(title, help=f"{HINTS[name]} {HINTS['spread']}")
                for name, title in TITLES.items()
            },
            "milliseconds": columns.NumberColumn(
                "ms / image", help=HINTS["milliseconds"], format="%.0f"
            ),
            "errors": columns.NumberColumn("Not judged", width="small"),
            "left_out": columns.NumberColumn("Left out", help=HINTS["left_out"], width="small"),
        },
    )
    for remark in result.remarks:
        st.caption(f":material/warning: {plain(remark)}")
    if len(summary.rows) > 1:
        left, right = st.columns(2)
        with left:
            draw_chart(
                shots_chart(summary, "f1_max", chart_theme()), "bench_shots_f1", "F1-max over shots"
            )
        with right:
            draw_chart(
                shots_chart(summary, "auroc", chart_theme()),
                "bench_shots_auroc",
                "AUROC over shots",
            )
