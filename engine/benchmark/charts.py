"""Charts of one run as SVG: its curves and the distribution of its totals.

They take their colours from the page around them, so light and dark need no second drawing. The
classes used are ``good``, ``anomalous``, ``total``, ``set``, ``best`` and ``faint``.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from jaxtyping import Float

from engine.benchmark.metrics import Labels, Scores, Sweep

Series = Float[np.ndarray, " points"]
Edges = Float[np.ndarray, " edges"]  # one more than what lies between them
Marks = Sequence[tuple[str, float]]  # thresholds by the style they are drawn in

_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 12, 40  # margins around the axes, in SVG units
_N_BINS = 40


class Chart:
    """Two linear axes and what has been drawn between them."""

    def __init__(
        self,
        title: str,
        *,
        x: tuple[float, float],
        y: tuple[float, float] = (0.0, 1.0),
        size: tuple[int, int] = (320, 300),
        labels: tuple[str, str],
    ) -> None:
        self._x, self._y, self._size = x, y, size
        self._items = [f"<title>{escape(title)}</title>"]
        self._draw_axes(*labels)

    def line(self, xs: Series, ys: Series, style: str) -> None:
        """Join points by straight lines."""
        points = " ".join(
            f"{self._at_x(x):.1f},{self._at_y(y):.1f}" for x, y in zip(xs, ys, strict=True)
        )
        self._items.append(f'<polyline class="{style}" points="{points}"/>')

    def steps(self, edges: Edges, ys: Series, style: str) -> None:
        """Draw ``ys[i]`` between ``edges[i]`` and ``edges[i + 1]``."""
        self.line(np.repeat(edges, 2)[1:-1], np.repeat(ys, 2), style)

    def rule(self, x: float, style: str, title: str) -> None:
        """Draw an upright line across the whole height, unless it lies outside."""
        if self._x[0] <= x <= self._x[1]:
            at, low, high = self._at_x(x), self._at_y(self._y[0]), self._at_y(self._y[1])
            self._items.append(
                f'<line class="rule {style}" x1="{at:.1f}" x2="{at:.1f}" y1="{low}" y2="{high}">'
                f"<title>{escape(title)}</title></line>"
            )

    def dot(self, x: float, y: float, style: str, title: str) -> None:
        """Mark one point, unless it lies outside."""
        if self._x[0] <= x <= self._x[1]:
            self._items.append(
                f'<circle class="{style}" cx="{self._at_x(x):.1f}" cy="{self._at_y(y):.1f}" r="5">'
                f"<title>{escape(title)}</title></circle>"
            )

    def bars(self, edges: Edges, heights: Series, style: str) -> None:
        """Draw a bar from zero to each height between neighbouring edges; it may be negative."""
        for left, right, height in zip(edges[:-1], edges[1:], heights, strict=True):
            if height:
                top, bottom = self._at_y(max(height, 0)), self._at_y(min(height, 0))
                at, wide = self._at_x(left), self._at_x(right) - self._at_x(left)
                self._items.append(
                    f'<rect class="{style}" x="{at + 0.5:.1f}" width="{max(wide - 1, 0.5):.1f}" '
                    f'y="{top:.1f}" height="{bottom - top:.1f}">'
                    f"<title>{abs(height):g} with {left:.3g} … {right:.3g}</title></rect>"
                )

    def svg(self) -> str:
        """Return the drawing."""
        width, height = self._size
        inside = "".join(self._items)
        return f'<svg class="chart" role="img" viewBox="0 0 {width} {height}">{inside}</svg>'

    def _at_x(self, value: float) -> float:
        low, high = self._x
        return _LEFT + (value - low) / (high - low) * (self._size[0] - _LEFT - _RIGHT)

    def _at_y(self, value: float) -> float:
        low, high = self._y
        return _TOP + (high - value) / (high - low) * (self._size[1] - _TOP - _BOTTOM)

    def _draw_axes(self, x_label: str, y_label: str) -> None:
        left, right = self._at_x(self._x[0]), self._at_x(self._x[1])
        bottom, top = self._at_y(self._y[0]), self._at_y(self._y[1])
        for tick in ticks(*self._x):
            at = self._at_x(tick)
            self._items.append(f'<text x="{at:.1f}" y="{bottom + 16}" class="mid">{tick:g}</text>')
        for tick in ticks(*self._y):
            at = self._at_y(tick)
            self._items.append(
                f'<line class="grid" x1="{left}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>'
                f'<text x="{left - 6}" y="{at + 4:.1f}" class="end">{abs(tick):g}</text>'
            )
        self._items.append(
            f'<text x="{(left + right) / 2}" y="{bottom + 33}" class="mid name">'
            f"{escape(x_label)}</text>"
            f'<text transform="translate(11 {(top + bottom) / 2}) rotate(-90)" class="mid name">'
            f"{escape(y_label)}</text>"
        )


def roc_chart(points: Sweep, marks: Marks) -> str:
    """Draw recall over false alarms; ``marks`` are named thresholds."""
    chart = Chart(
        "ROC curve", x=(0, 1), labels=("false alarms among normal", "found among anomalous")
    )
    ends = np.array([0.0, 1.0])
    chart.line(ends, ends, "faint")
    chart.line(points.false_alarm_rate, points.recall, "total")
    for style, threshold in marks:
        i = points.point_of(threshold)
        x, y = float(points.false_alarm_rate[i]), float(points.recall[i])
        chart.dot(x, y, style, f"{style} threshold: {x:.1%} false alarms, {y:.1%} found")
    return chart.svg()


def precision_chart(points: Sweep, marks: Marks) -> str:
    """Draw precision over recall in steps, above the share of anomalous images."""
    chart = Chart("Precision over recall", x=(0, 1), labels=("recall", "precision"))
    share = points.n_positive / (points.n_positive + points.n_negative)
    chart.line(np.array([0.0, 1.0]), np.array([share, share]), "faint")
    chart.steps(points.recall, points.precision[1:], "total")
    for style, threshold in marks:
        i = points.point_of(threshold)
        x, y = float(points.recall[i]), float(points.precision[i])
        chart.dot(x, y, style, f"{style} threshold: recall {x:.1%}, precision {y:.1%}")
    return chart.svg()


def f1_chart(points: Sweep, axis: tuple[float, float], marks: Marks) -> str:
    """Draw F1 over the threshold; at a score itself, that score is no alarm."""
    low, high = axis
    chart = Chart("F1 over threshold", x=axis, size=(640, 270), labels=("threshold", "F1"))
    edges = np.concatenate([[low], points.levels[::-1], [high]])
    chart.steps(np.clip(edges, low, high), points.f1[::-1], "total")
    for style, threshold in marks:
        y = float(points.f1[points.point_of(threshold)])
        chart.rule(threshold, style, f"{style} threshold {threshold:.4g}")
        chart.dot(threshold, y, style, f"{style} threshold {threshold:.4g}: F1 {y:.3f}")
    return chart.svg()


def totals_chart(
    labels: Labels,
    scores: Scores,
    axis: tuple[float, float],
    marks: Marks,
) -> str:
    """Count totals in bins: anomalous images upwards, normal ones downwards.

    The last bin holds everything beyond the axis.
    """
    low, high = axis
    edges = np.linspace(low, high, _N_BINS + 1)
    inside = np.clip(scores, low, high)
    up = np.histogram(inside[labels], edges)[0].astype(float)
    down = np.histogram(inside[~labels], edges)[0].astype(float)
    chart = Chart(
        "Totals of normal and anomalous images",
        x=axis,
        y=(-max(float(down.max()), 1), max(float(up.max()), 1)),
        size=(640, 270),
        labels=("total", "images"),
    )
    chart.bars(edges, up, "anomalous")
    chart.bars(edges, -down, "good")
    for style, threshold in marks:
        chart.rule(threshold, style, f"{style} threshold {threshold:.4g}")
    return chart.svg()


def span(scores: Scores, thresholds: Sequence[float]) -> tuple[float, float]:
    """Return an axis that shows all but a few outlying scores, and the thresholds."""
    shown = [float(scores.min()), float(np.quantile(scores, 0.97)), *thresholds]
    low, high = min(shown), max(shown)
    margin = 0.05 * (high - low) or 0.5
    return low - margin, high + margin


def ticks(low: float, high: float) -> list[float]:
    """Return about six round numbers from ``low`` to ``high``."""
    rough = (high - low) / 7
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(factor for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    return [float(np.round(i * step, 12)) + 0.0 for i in np.arange(first, last + 1)]  # no -0
