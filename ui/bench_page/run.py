"""One run of a benchmark: figures, curves, outcomes, scores, worst mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from engine.benchmark.html_report import Line, Verdicts, lines_of, seed_index, verdicts_of, worst_of
from features.names import one_line
from ui.bench_page.curves_view import (
    MARKS,
    f1_chart,
    precision_chart,
    roc_chart,
    totals_chart,
)
from ui.bench_page.figures_view import lines_chart, matrix_chart
from ui.bench_page.gallery import Picture, show_gallery
from ui.bench_page.state import read_query, write_query
from ui.bench_page.view import HINTS, line_rows, mistake_text, run_key, run_title, tiles
from ui.charts import chart_theme, draw_chart
from ui.text import counted, plain

if TYPE_CHECKING:
    from engine.benchmark.records import Run
    from engine.benchmark.results import BenchResult
    from engine.benchmark.summary import Row
    from ui.context import Context

N_WORST = 8
_CHOSEN = "bench_run"
_FORMAT = "%.3f"
# five of them beside each other on a screen of 1280 pixels
_TILE_PX = 156


def show_run(context: Context, result: BenchResult) -> None:
    """Draw the choice of a run, and everything about it."""
    run = _choose(result)
    row = next(
        row for row in result.summary.rows if (row.category, row.shots) == (run.category, run.shots)
    )
    seed = seed_index(result.runs, run)
    _show_tiles(row, seed)
    verdicts = verdicts_of(run)
    if verdicts:
        _show_curves(run, verdicts)
    else:
        st.info(
            "Nothing can be told apart here: images of only one kind were judged.",
            icon=":material/info:",
        )
    _show_lines(row, seed)
    _show_worst(context, result, run)
    _show_origin(run)


def _choose(result: BenchResult) -> Run:
    """Draw the list of runs; the address keeps which one is shown."""
    runs = {run_key(run): run for run in result.runs}
    if st.session_state.get(_CHOSEN) not in runs:
        linked = read_query("run")
        st.session_state[_CHOSEN] = linked if linked in runs else next(iter(runs))
    st.subheader("One run", anchor=False)
    key = st.selectbox(
        "Run",
        list(runs),
        format_func=lambda key: run_title(runs[key]),
        key=_CHOSEN,
        label_visibility="collapsed",
    )
    write_query("run", key)
    return runs[key]


def _show_tiles(row: Row, seed: int) -> None:
    with st.container(horizontal=True):
        for tile in tiles(row.overall, seed):
            st.metric(
                tile.title,
                tile.value,
                tile.note or None,
                delta_color="off",
                delta_arrow="off",
                help=tile.hint,
                border=True,
                width=_TILE_PX,
                height="stretch",
            )


def _show_curves(run: Run, verdicts: tuple[Verdicts, ...]) -> None:
    """Draw what the totals are, what a threshold makes of them, and what any other would."""
    colors = chart_theme()
    pictures = (
        ("Totals of all images", HINTS["total"], totals_chart, "totals"),
        ("F1 over the threshold", HINTS["threshold"], f1_chart, "f1"),
        ("ROC curve", HINTS["auroc"], roc_chart, "roc"),
        ("Precision over recall", HINTS["aupr"], precision_chart, "precision"),
    )
    st.caption(MARKS)
    columns = [*st.columns(2), *st.columns(2)]
    for column, (title, hint, make, name) in zip(columns, pictures, strict=True):
        with column:
            st.markdown(f"**{title}**", help=hint)
            draw_chart(make(run, verdicts, colors), f"bench_{name}", title)
    for column, each in zip(st.columns(2), verdicts, strict=True):
        with column:
            title = (
                f"{each.style.capitalize()} threshold {each.threshold:.3f}: F1 {each.counts.f1:.3f}"
            )
            st.markdown(f"**{title}**", help=HINTS[each.style])
            draw_chart(matrix_chart(each, colors), f"bench_matrix_{each.style}", title)


def _show_lines(row: Row, seed: int) -> None:
    """Draw figures by group and type of anomaly, and for each score alone."""
    left, right = st.columns(2)
    with left:
        if list(row.groups) != list(row.types):
            _show_table("By group of anomalies", "type", lines_of(row.groups, seed), "group")
        _show_table("By type of anomaly", "type", lines_of(row.types, seed), "type")
    with right:
        scores = {name.replace("_", " "): figures for name, figures in row.scores.items()}
        lines = lines_of({"total": row.overall} | scores, seed)
        _show_table("Each score alone", "score", lines, "score", is_counted=False)


def _show_table(
    title: str, hint: str, lines: Sequence[Line], key: str, *, is_counted: bool = True
) -> None:
    st.markdown(f"**{title}**", help=HINTS[hint])
    draw_chart(lines_chart(lines, chart_theme(), has_floor=is_counted), f"bench_{key}_chart", title)
    columns = st.column_config
    st.dataframe(
        line_rows(lines, is_counted=is_counted),
        hide_index=True,
        key=f"bench_{key}_table",
        height="auto" if is_counted else "content",
        column_config={
            "name": columns.TextColumn(key.capitalize()),
            "images": columns.NumberColumn("Images"),
            "floor": columns.NumberColumn("Floor", help=HINTS["floor"], format=_FORMAT),
            "f1_max": columns.NumberColumn("F1-max", help=HINTS["f1_max"], format=_FORMAT),
            "auroc": columns.NumberColumn("AUROC", help=HINTS["auroc"], format=_FORMAT),
        },
    )


def _show_worst(context: Context, result: BenchResult, run: Run) -> None:
    """Draw the galleries of what was got most wrong."""
    for is_anomalous, title, hint in (
        (False, "Worst false alarms", "Normal images with the highest totals, the worst first."),
        (True, "Worst misses", "Anomalous images with the lowest totals, the worst first."),
    ):
        st.subheader(title, help=hint, anchor=False)
        mistakes = worst_of(run, is_anomalous=is_anomalous, n=N_WORST)
        n_wrong = sum(each.is_wrong for each in mistakes)
        if not n_wrong:
            word = "miss" if is_anomalous else "false alarm"
            st.caption(f"There is no {word} at the set threshold; these came closest to one.")
        pictures = [
            Picture(
                path=each.image.path,
                index=each.index,
                caption=mistake_text(each),
                types=each.image.types if is_anomalous else (),
            )
            for each in mistakes
        ]
        show_gallery(context, result, run, pictures, "misses" if is_anomalous else "alarms")


def _show_origin(run: Run) -> None:
    """Say from what the run was learnt, and what could not be judged."""
    if run.errors:
        with st.expander(
            f"{counted(len(run.errors), 'image')} could not be judged", icon=":material/warning:"
        ):
            for image in run.errors:
                st.text(one_line(f"{image.path}: {image.error}"))
    threshold = "none" if run.threshold is None else f"{run.threshold:.4g}"
    st.caption(
        plain(
            f"References: {', '.join(run.references)}. Threshold {threshold} "
            f"({run.threshold_source}, {run.calibration}). Learnt in {run.fit_seconds:.1f} s."
        )
    )
