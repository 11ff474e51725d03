"""Charts of one run: totals of its images, F1 over the threshold, ROC and PR.

Each shows the threshold that was set from the references and the best one in hindsight, by the same
marks: a filled dot on a solid rule, and a hollow dot on a dashed one.
"""

from __future__ import annotations

import altair as alt
import numpy as np

from engine.benchmark.charts import span
from engine.benchmark.html_report import Verdicts
from engine.benchmark.metrics import Sweep, sweep
from engine.benchmark.records import Run, labels_of, totals_of
from ui.charts import UNTITLED, ChartTheme, Values, chart_of, layered_chart, scale

Axis = tuple[float, float]

KINDS = ("anomalous", "normal")
THRESHOLDS = ("set", "best")
MARKS = (
    "Solid line, filled dot: the threshold set from the references. "
    "Dashed line, hollow dot: the best one in hindsight."
)

_N_BINS = 48
_SQUARE_PX = 300


def _axis_of(run: Run, verdicts: tuple[Verdicts, ...]) -> Axis:
    """Return where the axis of totals begins and ends; a few outliers lie beyond it."""
    return span(totals_of(run.judged), [each.threshold for each in verdicts])


def totals_chart(run: Run, verdicts: tuple[Verdicts, ...], theme: ChartTheme) -> alt.LayerChart:
    """Pile up one dot for each image: anomalous ones upwards, normal ones downwards.

    What lies beyond the axis is piled up at its end.
    """
    axis = _axis_of(run, verdicts)
    values, highest, lowest = _piled(run, axis)
    y = alt.Y("place:Q", axis=None, scale=scale(-lowest - 0.5, highest + 0.5))
    dots = (
        chart_of(values)
        .mark_point(filled=True, opacity=0.85, size=min(60.0, 4200 / (highest + lowest)))
        .encode(
            x=_x("at", axis, "total"),
            y=y,
            color=_kind_color(theme),
            shape=alt.Shape("kind:N", scale=alt.Scale(domain=KINDS, range=["triangle", "circle"])),
            tooltip=[
                alt.Tooltip("path:N", title="image"),
                alt.Tooltip("kind:N", title="is"),
                alt.Tooltip("total:Q", format=".4g"),
            ],
        )
    )
    zero = chart_of([{"place": 0.0}]).mark_rule(color=theme.line).encode(y=y)
    return layered_chart(theme, zero, dots, _rules(verdicts, axis, "total", theme))


def f1_chart(run: Run, verdicts: tuple[Verdicts, ...], theme: ChartTheme) -> alt.LayerChart:
    """Draw F1 over the threshold in steps; at a total itself, that image is no alarm."""
    low, high = axis = _axis_of(run, verdicts)
    points = _sweep(run)
    edges = np.clip(np.concatenate([[low], points.levels[::-1], [high]]), low, high)
    steps = zip(np.repeat(edges, 2)[1:-1], np.repeat(points.f1[::-1], 2), strict=True)
    line = [
        {"threshold": float(x), "f1": float(y), "index": index}
        for index, (x, y) in enumerate(steps)
    ]
    drawn = (
        chart_of(line)
        .mark_line(color=theme.ink, strokeWidth=2)
        .encode(
            x=_x("threshold", axis, "threshold"),
            y=alt.Y("f1:Q", title="F1", scale=scale(0.0, 1.0)),
            order="index:Q",
            tooltip=[alt.Tooltip("threshold:Q", format=".4g"), alt.Tooltip("f1:Q", format=".3f")],
        )
    )
    marks = [
        {"threshold": each.threshold, "f1": each.counts.f1, "name": _name(each)}
        for each in verdicts
    ]
    dots = _dots(marks, theme, x="threshold", y="f1")
    return layered_chart(theme, drawn, _rules(verdicts, axis, "threshold", theme), dots)


def roc_chart(run: Run, verdicts: tuple[Verdicts, ...], theme: ChartTheme) -> alt.LayerChart:
    """Draw which share of anomalous images is found for which share of false alarms."""
    points = _sweep(run)
    chance = [{"x": 0.0, "y": 0.0}, {"x": 1.0, "y": 1.0}]
    titles = ("false alarms among normal images", "found among anomalous images")
    return _rates(points, points.false_alarm_rate, points.recall, chance, verdicts, theme, titles)


def precision_chart(run: Run, verdicts: tuple[Verdicts, ...], theme: ChartTheme) -> alt.LayerChart:
    """Draw which share of alarms is right for which share of anomalous images found.

    The dotted line is the share of anomalous images: the precision of calling everything one.
    """
    points = _sweep(run)
    share = points.n_positive / (points.n_positive + points.n_negative)
    chance = [{"x": 0.0, "y": share}, {"x": 1.0, "y": share}]
    titles = ("recall: found among anomalous images", "precision: right among alarms")
    return _rates(points, points.recall, points.precision, chance, verdicts, theme, titles)


def _rates(
    points: Sweep,
    xs: np.ndarray,
    ys: np.ndarray,
    chance: Values,
    verdicts: tuple[Verdicts, ...],
    theme: ChartTheme,
    titles: tuple[str, str],
) -> alt.LayerChart:
    values = [
        {"x": float(x), "y": float(y), "threshold": float(at), "index": index}
        for index, (x, y, at) in enumerate(zip(xs, ys, points.thresholds, strict=True))
    ]
    x, y = (
        alt.X("x:Q", title=titles[0], scale=scale(0.0, 1.0)),
        alt.Y("y:Q", title=titles[1], scale=scale(0.0, 1.0)),
    )
    faint = chart_of(chance).mark_line(color=theme.soft, strokeDash=[2, 4], strokeWidth=1)
    line = chart_of(values).mark_line(color=theme.ink, strokeWidth=2)
    hover = chart_of(values).mark_point(filled=True, color=theme.ink, size=14, opacity=0.35)
    told = [
        alt.Tooltip("x:Q", title=titles[0], format=".1%"),
        alt.Tooltip("y:Q", title=titles[1], format=".1%"),
        alt.Tooltip("threshold:Q", format=".4g"),
    ]
    marks = []
    for each in verdicts:
        at = points.point_of(each.threshold)
        marks.append({"x": float(xs[at]), "y": float(ys[at]), "name": _name(each)})
    return layered_chart(
        theme,
        faint.encode(x=x, y=y),
        line.encode(x=x, y=y, order="index:Q"),
        hover.encode(x=x, y=y, tooltip=told),
        _dots(marks, theme, x="x", y="y"),
        height=_SQUARE_PX,
    )


def _piled(run: Run, axis: Axis) -> tuple[Values, int, int]:
    """Give every image a place in the pile of its bin; returns also the highest of either kind."""
    low, high = axis
    edges = np.linspace(low, high, _N_BINS + 1)
    piles: dict[tuple[int, bool], int] = {}
    values = []
    for image in sorted(run.judged, key=lambda image: (image.total or 0.0, image.path)):
        total = float(image.total or 0.0)
        bin_ = int(np.clip(np.searchsorted(edges, total, "right") - 1, 0, _N_BINS - 1))
        rank = piles[bin_, image.is_anomalous] = piles.get((bin_, image.is_anomalous), 0) + 1
        values.append(
            {
                "at": float((edges[bin_] + edges[bin_ + 1]) / 2),
                "place": rank - 0.5 if image.is_anomalous else 0.5 - rank,
                "kind": KINDS[not image.is_anomalous],
                "path": image.path,
                "total": total,
            }
        )
    up, down = ([n for (_, is_up), n in piles.items() if is_up == kind] for kind in (True, False))
    return values, max(up, default=1), max(down, default=1)


def _rules(verdicts: tuple[Verdicts, ...], axis: Axis, title: str, theme: ChartTheme) -> alt.Chart:
    values = [{"threshold": each.threshold, "name": _name(each)} for each in verdicts]
    rules: alt.Chart = (
        chart_of(values)
        .mark_rule(color=theme.ink, strokeWidth=1.5)
        .encode(
            x=_x("threshold", axis, title),
            strokeDash=alt.StrokeDash(
                "name:N",
                scale=alt.Scale(domain=THRESHOLDS, range=[[1, 0], [5, 4]]),
                legend=None,
            ),
            tooltip=[
                alt.Tooltip("name:N", title="threshold"),
                alt.Tooltip("threshold:Q", title="at", format=".4g"),
            ],
        )
    )
    return rules


def _dots(marks: Values, theme: ChartTheme, *, x: str, y: str) -> alt.Chart:
    dots: alt.Chart = (
        chart_of(marks)
        .mark_point(filled=True, size=110, opacity=1, stroke=theme.ink, strokeWidth=2)
        .encode(
            x=f"{x}:Q",
            y=f"{y}:Q",
            fill=alt.Fill(
                "name:N",
                scale=alt.Scale(domain=THRESHOLDS, range=[theme.ink, theme.paper]),
                legend=None,
            ),
            tooltip=[
                alt.Tooltip("name:N", title="threshold"),
                alt.Tooltip(f"{x}:Q", format=".3f"),
                alt.Tooltip(f"{y}:Q", format=".3f"),
            ],
        )
    )
    return dots


def _kind_color(theme: ChartTheme) -> alt.Color:
    colors = alt.Scale(domain=KINDS, range=[theme.anomalous, theme.good])
    return alt.Color("kind:N", scale=colors, legend=UNTITLED)


def _name(verdicts: Verdicts) -> str:
    return THRESHOLDS[verdicts.style == "best"]


def _sweep(run: Run) -> Sweep:
    return sweep(labels_of(run.judged), totals_of(run.judged))


def _x(field: str, axis: Axis, title: str) -> alt.X:
    return alt.X(f"{field}:Q", title=title, scale=scale(*axis))
