"""What do the ROC curves of all rolls look like?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.benchmark.charts import Chart
from engine.benchmark.metrics import sweep
from engine.benchmark.regions.figures import best_accuracy, scores_of
from engine.benchmark.regions.walkthrough import RollResult


def roc_chart(rolls: Sequence[RollResult], *, most_false: float = 1.0) -> str:
    """Draw the curve of each roll faintly and that of all of them together over these.

    ``most_false`` is the right end of the axis of false alarms, 0 … 1; the left end is always 0.
    The dot is the threshold with the fewest wrong verdicts on all rolls together.
    """
    labels, scores = scores_of(rolls)
    chart = Chart(
        "ROC curves",
        x=(0, most_false),
        y=(0, 1),
        labels=("false alarms among normal", "found among defects"),
    )
    chart.line(np.array([0.0, most_false]), np.array([0.0, most_false]), "faint")
    for roll in rolls if len(rolls) > 1 else ():
        points = sweep(*scores_of([roll]))
        _curve(chart, points.false_alarm_rate, points.recall, most_false, "roll")
    points = sweep(labels, scores)
    _curve(chart, points.false_alarm_rate, points.recall, most_false, "total")
    i = points.point_of(best_accuracy(labels, scores)[1])
    x, y = float(points.false_alarm_rate[i]), float(points.recall[i])
    chart.dot(x, y, "best", f"best threshold: {x:.1%} false alarms, {y:.1%} found")
    return chart.svg()


def _curve(chart: Chart, xs: np.ndarray, ys: np.ndarray, right: float, style: str) -> None:
    """Draw the part of a rising curve that lies left of the end of the axis."""
    n_inside = int((xs <= right).sum())
    end = float(np.interp(right, xs, ys))
    chart.line(np.append(xs[:n_inside], right), np.append(ys[:n_inside], end), style)
