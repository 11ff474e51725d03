import re
from xml.etree import ElementTree

import numpy as np
import pytest

from engine.benchmark.charts import (
    f1_chart,
    precision_chart,
    roc_chart,
    span,
    ticks,
    totals_chart,
)
from engine.benchmark.metrics import auroc, f1_at, sweep


@pytest.fixture
def case():
    rng = np.random.default_rng(4)
    labels = np.arange(40) % 3 > 0
    return labels, np.round(rng.normal(size=40) + labels, 1)


def read_points(svg, style="total"):
    """Return the drawn points of one line, as numbers in SVG units."""
    (line,) = ElementTree.fromstring(svg).findall(f"./polyline[@class='{style}']")
    return np.array([pair.split(",") for pair in line.get("points").split()], dtype=float)


def to_unit(points, axes=((44, 308), (260, 12))):
    """Undo the drawing of a 320×300 chart whose axes go from 0 to 1."""
    (left, right), (bottom, top) = axes
    return np.stack(
        [(points[:, 0] - left) / (right - left), (points[:, 1] - bottom) / (top - bottom)]
    )


def test_the_area_under_the_drawn_roc_is_the_auroc(case):
    x, y = to_unit(read_points(roc_chart(sweep(*case), [])))
    area = np.sum((y[1:] + y[:-1]) / 2 * np.diff(x))
    assert area == pytest.approx(auroc(*case), abs=2e-3)


def test_precision_falls_in_steps_to_the_share_of_anomalies(case):
    svg = precision_chart(sweep(*case), [])
    x, y = to_unit(read_points(svg))
    assert ((np.diff(x) == 0) | (np.diff(y) == 0)).all()
    assert y[-1] == pytest.approx(case[0].mean(), abs=1e-2)
    _, faint = to_unit(read_points(svg, "faint"))
    assert faint == pytest.approx(case[0].mean(), abs=1e-2)


def test_f1_is_drawn_as_the_function_of_the_threshold_that_it_is(case):
    labels, scores = case
    low, high = axis = scores.min() - 1, scores.max() + 1
    x, y = read_points(f1_chart(sweep(labels, scores), axis, [])).T
    thresholds = low + (x - 44) / (640 - 44 - 12) * (high - low)
    drawn = (230 - y) / (230 - 12)
    for left in range(0, len(x), 2):  # the middle of each level stretch
        middle = (thresholds[left] + thresholds[left + 1]) / 2
        assert drawn[left] == pytest.approx(f1_at(labels, scores, middle), abs=1e-3)


def test_every_image_is_in_one_bar(case):
    labels, scores = case
    svg = ElementTree.fromstring(totals_chart(labels, scores, span(scores, [0.0]), []))
    for style, expected in (("anomalous", labels.sum()), ("good", (~labels).sum())):
        titles = [bar.find("title").text for bar in svg.findall(f"./rect[@class='{style}']")]
        assert sum(int(title.split()[0]) for title in titles) == expected


def test_images_beyond_the_axis_are_in_the_last_bar():
    labels = np.array([True] * 99 + [False])
    scores = np.append(np.linspace(0, 1, 98), [1e9, 0.1])
    axis = span(scores, [0.5])
    assert axis[1] < 2
    svg = ElementTree.fromstring(totals_chart(labels, scores, axis, []))
    assert len(svg.findall("./rect[@class='anomalous']")) > 20


def test_marked_thresholds_are_drawn_where_they_lie(case):
    labels, scores = case
    threshold = float(np.median(scores))
    marks = [("set", threshold), ("best", 99.0)]
    points = sweep(labels, scores)
    (dot,) = ElementTree.fromstring(roc_chart(points, marks[:1])).iter("circle")
    x, y = to_unit(np.array([[float(dot.get("cx")), float(dot.get("cy"))]]))
    assert x == pytest.approx((scores[~labels] > threshold).mean(), abs=1e-3)
    assert y == pytest.approx((scores[labels] > threshold).mean(), abs=1e-3)
    svg = f1_chart(points, (scores.min(), scores.max()), marks)
    assert re.findall(r'class="rule (\w+)"', svg) == ["set"]  # the other lies outside


def test_the_axis_shows_the_thresholds_and_has_a_length():
    scores = np.array([1.0, 2.0, 3.0])
    low, high = span(scores, [-4.0, 9.0])
    assert low < -4
    assert high > 9
    low, high = span(np.ones(3), [1.0])
    assert low < 1 < high


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-7, 5, [-6, -4, -2, 0, 2, 4]),
        (1.38, 4.05, [1.5, 2, 2.5, 3, 3.5, 4]),
        (0, 3000, [0, 500, 1000, 1500, 2000, 2500, 3000]),
    ],
)
def test_ticks_are_round_numbers_inside_the_axis(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)
    assert "-0" not in [f"{tick:g}" for tick in ticks(low, high)]
