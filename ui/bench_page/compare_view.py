"""Comparison of two runs in rows, sentences and charts; pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from engine.benchmark.comparison import BenchComparison, ComparedRow, Difference, ImagePair, RunPair
from engine.benchmark.summary import Spread
from engine.benchmark.text_report import signed, with_spread
from ui.bench_page.view import run_title
from ui.charts import UNTITLED, ChartTheme, Values, chart_of, layered_chart

FIGURES = {
    "f1_max": "F1-max",
    "auroc": "AUROC",
    "aupr": "AUPR",
    "f1_at_threshold": "F1 at threshold",
}
CHANGES = ("right now", "wrong now", "as before")

_ROW_PX, _MARGIN_PX = 44, 90
_SQUARE_PX = 420


def difference_rows(comparison: BenchComparison) -> list[dict[str, Any]]:
    """Return one row for each figure of each category and number of shots.

    Neither is named where there is only one.
    """
    rows = comparison.rows + comparison.means
    return [
        ({"category": row.category, "shots": row.shots_text} if len(rows) > 1 else {})
        | {
            "figure": title,
            "old": with_spread(row.figures[name].old),
            "new": with_spread(row.figures[name].new),
            "change": signed(row.figures[name].change),
        }
        | ({"seeds": _seeds_text(row.figures[name].change)} if len(row.seeds) > 1 else {})
        for row in rows
        for name, title in FIGURES.items()
    ]


def _seeds_text(change: Spread) -> str:
    """Say in how many seeds a figure rose."""
    n_up = sum(value > 0 for value in change.values)
    return f"up in {n_up} of {len(change.values)}"


def verdict_text(pair: RunPair) -> str:
    """Say in one sentence what became of the verdicts."""
    better = sum(image.is_better for image in pair.images)
    worse = sum(image.is_worse for image in pair.images)
    same = len(pair.images) - better - worse
    sentence = f"{better} became right, {worse} became wrong, {same} as before."
    if pair.n_unpaired:
        sentence += f" Left out, for not both have judged them: {pair.n_unpaired}."
    return sentence


def pair_title(pair: RunPair) -> str:
    """Name a pair of runs."""
    old, new = run_title(pair.old), run_title(pair.new)
    return old if old == new else f"{old} → {new}"


def changed_text(image: ImagePair) -> str:
    """Say in Markdown what became of a verdict: by colour, sign and word."""
    totals = f"{image.old_total:.3f} → **{image.new_total:.3f}**"
    if image.is_better:
        return f":blue[:material/check: {totals} {_outcome(image)}]"
    return f":orange[:material/close: {totals} {_outcome(image)}]"


def changed_rows(pair: RunPair) -> list[dict[str, Any]]:
    """Return one row for each image with another verdict, those that became wrong first."""
    return [
        {
            "verdict": f"{'✓' if image.is_better else '✕'} {_outcome(image)}",
            "image": image.path,
            "old": image.old_total,
            "new": image.new_total,
            "types": ", ".join(image.types),
        }
        for image in pair.changed
    ]


def _change_of(image: ImagePair) -> str:
    """Return which of ``CHANGES`` happened to an image."""
    if image.is_better:
        return CHANGES[0]
    return CHANGES[1] if image.is_worse else CHANGES[2]


def differences_chart(comparison: BenchComparison, theme: ChartTheme) -> alt.LayerChart:
    """Draw the change of each figure: one small dot a seed, a bar for the mean, a rule at zero."""
    rows = comparison.rows + comparison.means
    seeds: Values = []
    means: Values = []
    for row in rows:
        for name, title in FIGURES.items():
            place = {"figure": title, "of": f"{row.category}, {row.shots_text} shots"}
            seeds += _seed_values(row, row.figures[name], place)
            change = row.figures[name].change.mean
            if math.isfinite(change):
                means.append(place | {"change": change, "way": "up" if change >= 0 else "down"})
    farthest = max([abs(value["change"]) for value in seeds + means], default=0.0) * 1.15 or 0.1
    x = alt.X(
        "change:Q",
        title="new minus old",
        scale=alt.Scale(domain=[-farthest, farthest]),
        axis=alt.Axis(format="+.3~f"),
    )
    y = alt.Y("figure:N", title=None, sort=list(FIGURES.values()))
    offset = alt.YOffset("of:N", sort=[f"{row.category}, {row.shots_text} shots" for row in rows])
    ways = alt.Scale(domain=["up", "down"], range=[theme.good, theme.anomalous])
    told = ["of:N", "figure:N", alt.Tooltip("change:Q", format="+.3f")]
    return layered_chart(
        theme,
        chart_of(means)
        .mark_bar(opacity=0.45, height={"band": 0.6})
        .encode(
            x=x,
            y=y,
            yOffset=offset,
            color=alt.Color("way:N", scale=ways, legend=None),
            tooltip=told,
        ),
        chart_of([{"zero": 0}]).mark_rule(color=theme.ink).encode(x="zero:Q"),
        chart_of(seeds)
        .mark_point(size=40, filled=True, color=theme.ink, opacity=1)
        .encode(x=x, y=y, yOffset=offset, tooltip=["seeds:N", *told]),
        height=_MARGIN_PX + _ROW_PX * len(FIGURES) * max(1, len(rows)) // 2,
    )


def pairs_chart(pair: RunPair, theme: ChartTheme) -> alt.LayerChart:
    """Set the new total of each image against the old one, each with its threshold as a rule.

    Totals are shares of their own threshold, so an alarm lies beyond 1 on either axis.
    """
    # what changed is drawn last, over the others
    images = sorted(pair.images, key=lambda image: image.is_changed)
    values = [_pair_value(image, pair) for image in images]
    low, high = _ends(values)
    axes = alt.Scale(type="log", domain=[low, high], nice=False, clamp=True)
    x = alt.X("old:Q", title="old total ÷ old threshold", scale=axes, axis=alt.Axis(tickCount=6))
    y = alt.Y("new:Q", title="new total ÷ new threshold", scale=axes, axis=alt.Axis(tickCount=6))
    one = chart_of([{"one": 1.0}])
    return layered_chart(
        theme,
        chart_of([{"old": low, "new": low}, {"old": high, "new": high}])
        .mark_line(color=theme.soft, strokeDash=[2, 4], strokeWidth=1)
        .encode(x=x, y=y),
        one.mark_rule(color=theme.ink).encode(x=alt.X("one:Q", scale=axes)),
        one.mark_rule(color=theme.ink).encode(y=alt.Y("one:Q", scale=axes)),
        chart_of(values)
        .mark_point(filled=True, size=70)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "change:N",
                scale=alt.Scale(domain=CHANGES, range=[theme.good, theme.anomalous, theme.soft]),
                legend=UNTITLED,
            ),
            opacity=alt.Opacity(
                "change:N", scale=alt.Scale(domain=CHANGES, range=[1, 1, 0.45]), legend=None
            ),
            shape=alt.Shape(
                "is:N",
                scale=alt.Scale(domain=["anomalous", "normal"], range=["triangle", "circle"]),
                legend=alt.Legend(title=None, orient="bottom"),
            ),
            tooltip=[
                alt.Tooltip("path:N", title="image"),
                alt.Tooltip("is:N"),
                alt.Tooltip("change:N", title="verdict"),
                alt.Tooltip("old_total:Q", title="old total", format=".4g"),
                alt.Tooltip("new_total:Q", title="new total", format=".4g"),
            ],
        ),
        height=_SQUARE_PX,
    )


def _seed_values(row: ComparedRow, figure: Difference, place: dict[str, Any]) -> Values:
    return [
        place | {"change": value, "seeds": str(old) if old == new else f"{old} → {new}"}
        for (old, new), value in zip(row.seeds, figure.change.values, strict=True)
        if math.isfinite(value)
    ]


def _pair_value(image: ImagePair, pair: RunPair) -> dict[str, Any]:
    old, new = pair.old.threshold or 1.0, pair.new.threshold or 1.0
    return {
        "old": max(image.old_total / old, 1e-3),
        "new": max(image.new_total / new, 1e-3),
        "old_total": image.old_total,
        "new_total": image.new_total,
        "path": image.path,
        "is": "anomalous" if image.is_anomalous else "normal",
        "change": _change_of(image),
    }


def _ends(values: Sequence[dict[str, Any]]) -> tuple[float, float]:
    shares = [value[side] for value in values for side in ("old", "new")] + [1.0]
    return min(shares) / 1.15, max(shares) * 1.15


def _outcome(image: ImagePair) -> str:
    if image.is_anomalous:
        return "found now" if image.is_alarm else "missed now"
    return "false alarm now" if image.is_alarm else "passed now"
