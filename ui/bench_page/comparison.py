"""Comparison of two benchmarks, or of two runs of one, on the page Benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from engine.benchmark.comparison import BenchComparison, compare
from engine.benchmark.datasets import DatasetError
from engine.station import StationError
from ui.bench_page.compare_view import (
    changed_rows,
    changed_text,
    difference_rows,
    differences_chart,
    pair_title,
    pairs_chart,
    verdict_text,
)
from ui.bench_page.gallery import Picture, show_gallery
from ui.bench_page.state import Source, load
from ui.bench_page.view import HINTS
from ui.charts import chart_theme, draw_chart
from ui.text import counted, plain

if TYPE_CHECKING:
    from engine.benchmark.comparison import RunPair
    from engine.benchmark.results import BenchResult
    from ui.context import Context

_AS_PAIRED = "same on both sides"
_N_PICTURES = 8
_Pairing = tuple[int, int] | None


def show_comparison(context: Context, sources: list[Source]) -> None:
    """Draw the choice of two sides, and what differs between them."""
    if not sources:
        st.info("There is no benchmark yet; two are needed.", icon=":material/info:")
        return
    sides = _choose_sides(sources)
    if sides is None:
        return
    old, new = sides
    shots, seeds = _choose_pairing(old, new)
    if old is new and shots is None and seeds is None:
        st.info(
            "This is one result twice. Choose other shots or seeds above to compare runs of it.",
            icon=":material/info:",
        )
        return
    try:
        comparison = compare(old.runs, new.runs, shots=shots, seeds=seeds)
    except DatasetError as error:
        st.warning(plain(str(error)), icon=":material/info:")
        return
    _show_differences(comparison)
    _show_pair(context, new, comparison)


def _choose_sides(sources: list[Source]) -> tuple[BenchResult, BenchResult] | None:
    """Draw both lists of results; None if one cannot be read."""
    by_key = {source.key: source for source in sources}
    keys = list(by_key)
    results = []
    for column, name, index in zip(st.columns(2), ("Old", "New"), (1, 0), strict=True):
        with column:
            key = st.selectbox(
                name,
                keys,
                index=min(index, len(keys) - 1),
                format_func=lambda key: by_key[key].title,
                key=f"bench_{name.lower()}",
                help="Differences are new minus old." if name == "Old" else None,
            )
            try:
                results.append(load(by_key[key]))
            except (DatasetError, StationError, OSError) as error:
                words = f"This result cannot be read: {error}"
                st.error(plain(words), icon=":material/broken_image:")
    return (results[0], results[1]) if len(results) == 2 else None


def _choose_pairing(old: BenchResult, new: BenchResult) -> tuple[_Pairing, _Pairing]:
    """Draw what is set against what: by default, the same shots and seeds."""
    shots = _pairs(*({run.shots for run in result.runs} for result in (old, new)))
    seeds = _pairs(*({run.seed for run in result.runs} for result in (old, new)))
    left, right = st.columns(2)
    with left:
        by_shots = _choose_pair("Shots", shots, is_needed=old is new)
    with right:
        by_seeds = _choose_pair("Seeds", seeds, is_needed=old is new and not shots)
    return by_shots, by_seeds


def _pairs(old: set[int], new: set[int]) -> list[tuple[int, int]]:
    return [(a, b) for a in sorted(old) for b in sorted(new) if a != b]


def _choose_pair(name: str, pairs: list[tuple[int, int]], *, is_needed: bool) -> _Pairing:
    options: list[_Pairing] = [None, *pairs]
    return st.selectbox(
        name,
        options,
        index=1 if is_needed and pairs else 0,
        format_func=lambda pair: f"{pair[0]} → {pair[1]}" if pair else _AS_PAIRED,
        key=f"bench_pair_{name.lower()}",
        help=HINTS[name.lower()],
    )


def _show_differences(comparison: BenchComparison) -> None:
    """Draw how each figure changed, over all seeds."""
    st.subheader(
        "Differences",
        anchor=False,
        help="New minus old within each pair of runs, on the images that both judged. A dot is "
        "one seed, the bar the mean; ± is the standard deviation of the differences.",
    )
    left, right = st.columns([4, 5])
    with left:
        chart = differences_chart(comparison, chart_theme())
        draw_chart(chart, "bench_differences", "Change of each figure, new minus old")
    columns = st.column_config
    right.dataframe(
        difference_rows(comparison),
        hide_index=True,
        key="bench_difference_table",
        column_config={
            "category": columns.TextColumn("Category"),
            "shots": columns.TextColumn("Shots", help=HINTS["shots"], width="small"),
            "figure": columns.TextColumn("Figure"),
            "old": columns.TextColumn("Old", help=HINTS["spread"]),
            "new": columns.TextColumn("New", help=HINTS["spread"]),
            "change": columns.TextColumn("Change", help=HINTS["spread"]),
            "seeds": columns.TextColumn("Seeds", help=HINTS["seeds"]),
        },
    )
    for remark in comparison.remarks:
        st.caption(f":material/warning: {plain(remark)}")


def _show_pair(context: Context, new: BenchResult, comparison: BenchComparison) -> None:
    """Draw which images changed their verdict between two runs."""
    pairs = [pair for row in comparison.rows for pair in row.pairs]
    st.subheader(
        "Verdicts on each image",
        anchor=False,
        help="Each run is judged by the threshold that was set from its own references.",
    )
    number = st.selectbox(
        "Pair of runs",
        range(len(pairs)),
        format_func=lambda number: pair_title(pairs[number]),
        key="bench_pair",
        label_visibility="collapsed",
    )
    pair = pairs[number]
    st.markdown(f"**{verdict_text(pair)}**")
    if not pair.images:
        return
    left, right = st.columns(2)
    with left:
        draw_chart(pairs_chart(pair, chart_theme()), "bench_pairs", "New totals over old totals")
    with right:
        _show_changed_table(pair)
    _show_changed(context, new, pair)


def _show_changed_table(pair: RunPair) -> None:
    if not pair.changed:
        st.caption("No image has another verdict.")
        return
    columns = st.column_config
    st.dataframe(
        changed_rows(pair),
        hide_index=True,
        key="bench_changed_table",
        column_config={
            "verdict": columns.TextColumn("Verdict"),
            "image": columns.TextColumn("Image"),
            "old": columns.NumberColumn("Old total", help=HINTS["total"], format="%.3f"),
            "new": columns.NumberColumn("New total", help=HINTS["total"], format="%.3f"),
            "types": columns.TextColumn("Types"),
        },
    )


def _show_changed(context: Context, new: BenchResult, pair: RunPair) -> None:
    if not pair.changed:
        return
    n_left = len(pair.changed) - _N_PICTURES
    st.markdown("**Images with another verdict**")
    index = {image.path: place for place, image in enumerate(pair.new.images)}
    pictures = [
        Picture(each.path, index[each.path], changed_text(each), each.types)
        for each in pair.changed[:_N_PICTURES]
    ]
    show_gallery(context, new, pair.new, pictures, "changed")
    if n_left > 0:
        st.caption(f"{counted(n_left, 'more', 'more')} in the table above.")
