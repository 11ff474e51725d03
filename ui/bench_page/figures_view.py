"""Charts of figures: over shots, by type of anomaly, for each score alone.

F1-max is a filled dot, AUROC a hollow diamond, and the floor a grey tick on the same line.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from engine.benchmark.html_report import Line, Verdicts
from engine.benchmark.summary import Row, Spread, Summary
from ui.bench_page.view import COIN
from ui.charts import UNTITLED, ChartTheme, Values, chart_of, layered_chart, scale

FIGURES = ("F1-max", "AUROC", "floor")

_ROW_PX, _MARGIN_PX = 28, 90
_MATRIX_PX = 190


def lines_chart(lines: Sequence[Line], theme: ChartTheme, *, has_floor: bool) -> alt.LayerChart:
    """Set figures of several choices of images, or of single scores, under each other."""
    values: Values = []
    for line in lines:
        figures = {"F1-max": line.f1_max, "AUROC": line.auroc}
        figures |= {"floor": line.floor} if has_floor else {}
        values += [
            {"name": line.name, "figure": figure, "value": value}
            for figure, value in figures.items()
            if math.isfinite(value)
        ]
    names = [line.name for line in lines]
    drawn = FIGURES if has_floor else FIGURES[:2]
    chart = (
        chart_of(values)
        .mark_point(size=90, opacity=1, strokeWidth=2)
        .encode(
            x=alt.X("value:Q", title=None, scale=scale(0.0, 1.0)),
            y=alt.Y("name:N", title=None, sort=names, axis=alt.Axis(grid=True)),
            color=_color(theme, drawn),
            shape=_shape(drawn),
            fill=_fill(theme, drawn),
            tooltip=[
                alt.Tooltip("name:N", title="of"),
                "figure:N",
                alt.Tooltip("value:Q", format=".3f"),
            ],
        )
    )
    return layered_chart(theme, chart, height=_MARGIN_PX + _ROW_PX * max(2, len(lines)))


def shots_chart(summary: Summary, figure: str, theme: ChartTheme) -> alt.LayerChart:
    """Draw a figure over the number of references, mean ± standard deviation over seeds.

    ``figure`` is "f1_max" or "auroc". Grey ticks are what costs nothing: the floor, or a coin.
    """
    values = [
        _shots_value(row, getattr(row.overall, figure), figure)
        for row in summary.rows + summary.means
        if math.isfinite(getattr(row.overall, figure).mean)
    ]
    x = alt.X("shots:O", title="shots (references)", axis=alt.Axis(labelAngle=0))
    color = alt.Color(
        "category:N",
        scale=alt.Scale(range=[theme.good, theme.anomalous, "#009e73", "#cc79a7", theme.soft]),
        legend=UNTITLED,
    )
    shape = alt.Shape("category:N", legend=UNTITLED)
    title = "F1-max" if figure == "f1_max" else "AUROC"
    y = alt.Y("mean:Q", title=title, scale=scale(_lowest(values), 1.0))
    data = chart_of(values)
    told = [alt.Tooltip("nothing:Q", title="costs nothing", format=".3f")]
    return layered_chart(
        theme,
        data.mark_tick(thickness=2, size=26, color=theme.soft).encode(
            x=x, y="nothing:Q", tooltip=told
        ),
        data.mark_line(strokeWidth=1.5).encode(x=x, y=y, color=color),
        data.mark_rule(strokeWidth=1.5).encode(x=x, y="low:Q", y2="high:Q", color=color),
        data.mark_point(size=90, filled=True, opacity=1).encode(
            x=x,
            y=y,
            color=color,
            shape=shape,
            tooltip=[
                "category:N",
                "shots:O",
                alt.Tooltip("mean:Q", format=".3f"),
                alt.Tooltip("std:Q", title="± over seeds", format=".3f"),
                *told,
            ],
        ),
    )


def matrix_chart(verdicts: Verdicts, theme: ChartTheme) -> alt.LayerChart:
    """Draw the four outcomes at one threshold; mistakes in another colour, none at all in none."""
    counts = verdicts.counts
    cells = (
        ("anomalous", "anomaly", counts.true_positive, "found"),
        ("anomalous", "normal", counts.false_negative, "missed"),
        ("normal", "anomaly", counts.false_positive, "false alarms"),
        ("normal", "normal", counts.true_negative, "passed"),
    )
    values = [
        {"is": is_, "said": said, "n": n, "words": words, "tone": _tone(is_, said, n)}
        for is_, said, n, words in cells
    ]
    x = alt.X(
        "said:N",
        title="said to be",
        sort=["anomaly", "normal"],
        axis=alt.Axis(orient="top", labelAngle=0, domain=False, ticks=False),
    )
    y = alt.Y(
        "is:N", title="is", sort=["anomalous", "normal"], axis=alt.Axis(domain=False, ticks=False)
    )
    data = chart_of(values).encode(x=x, y=y)
    fill = alt.Color(
        "tone:N",
        scale=alt.Scale(
            domain=["right", "wrong", "none"], range=[theme.good, theme.anomalous, theme.line]
        ),
        legend=None,
    )
    told = ["is:N", alt.Tooltip("said:N", title="said to be"), alt.Tooltip("n:Q", title="images")]
    return layered_chart(
        theme,
        data.mark_rect(opacity=0.22, cornerRadius=6, stroke=theme.paper, strokeWidth=4).encode(
            color=fill, tooltip=told
        ),
        data.mark_text(fontSize=22, fontWeight=600, dy=-8, color=theme.ink).encode(text="n:Q"),
        data.mark_text(fontSize=12, dy=14, color=theme.soft).encode(text="words:N"),
        height=_MATRIX_PX,
    )


def _shots_value(row: Row, spread: Spread, figure: str) -> dict[str, Any]:
    return {
        "category": row.category,
        "shots": row.shots,
        "mean": spread.mean,
        "std": spread.std,
        "low": spread.mean - spread.std,
        "high": min(1.0, spread.mean + spread.std),
        "nothing": row.overall.floor.mean if figure == "f1_max" else COIN,
    }


def _lowest(values: Values) -> float:
    """Return a round number below all that is drawn."""
    least = min([value[name] for value in values for name in ("low", "nothing")], default=0.0)
    return max(0.0, float(math.floor(10 * least - 0.5)) / 10)


def _tone(is_: str, said: str, n: int) -> str:
    if (is_ == "anomalous") == (said == "anomaly"):
        return "right"
    return "wrong" if n else "none"


def _color(theme: ChartTheme, drawn: Sequence[str]) -> alt.Color:
    range_ = [theme.good, theme.anomalous, theme.soft][: len(drawn)]
    colors = alt.Scale(domain=drawn, range=range_)
    return alt.Color("figure:N", scale=colors, legend=UNTITLED)


def _fill(theme: ChartTheme, drawn: Sequence[str]) -> alt.Fill:
    range_ = [theme.good, "transparent", "transparent"][: len(drawn)]
    fills = alt.Scale(domain=drawn, range=range_)
    return alt.Fill("figure:N", scale=fills, legend=UNTITLED)


def _shape(drawn: Sequence[str]) -> alt.Shape:
    shapes = alt.Scale(domain=drawn, range=["circle", "diamond", "stroke"][: len(drawn)])
    return alt.Shape("figure:N", scale=shapes, legend=UNTITLED)
