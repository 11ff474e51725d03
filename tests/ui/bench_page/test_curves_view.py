"""Totals and curves of a run: every image is in them, and they are what the metrics say."""

from itertools import pairwise

import pytest

from engine.benchmark.html_report import verdicts_of
from engine.benchmark.metrics import auroc, sweep
from engine.benchmark.records import Judgement, Run, labels_of, totals_of
from ui.bench_page.curves_view import f1_chart, precision_chart, roc_chart, totals_chart
from ui.charts import DARK, LIGHT

TOTALS = {"g1": 0.2, "g2": 1.5, "g3": 0.9, "b1": 3.0, "b2": 0.5, "b3": 1.2, "b4": None}


def make_run(totals=TOTALS, *, category="cup", shots=2, seed=42, threshold=1.0):
    """Judge images: a name that begins with "g" is normal, every other one anomalous."""
    images = tuple(
        Judgement(name, name[0] != "g", "bad", ("dent",), total, {"one": total or 0.0}, 0.02)
        for name, total in totals.items()
    )
    return Run(category, shots, seed, ("a.png",), threshold, "references", "", 1.0, images)


RUN = make_run()


def drawn(chart):
    """Return the values of each layer, after Altair has checked the whole against its schema."""
    spec = chart.to_dict()
    return [spec["datasets"][(spec | layer)["data"]["name"]] for layer in spec["layer"]]


@pytest.mark.parametrize("tones", [LIGHT, DARK])
def test_every_judged_image_is_one_dot_anomalous_ones_up_and_normal_ones_down(tones):
    chart = totals_chart(RUN, verdicts_of(RUN), tones)
    (_, dots, rules) = drawn(chart)
    assert {dot["path"] for dot in dots} == {image.path for image in RUN.judged}
    assert len({(dot["at"], dot["place"]) for dot in dots}) == len(dots)
    for dot in dots:
        assert (dot["place"] > 0) == (dot["kind"] == "anomalous")
    assert [rule["threshold"] for rule in rules] == [each.threshold for each in verdicts_of(RUN)]


def test_totals_of_many_images_are_all_within_the_chart():
    totals = {f"g{n}": 0.5 for n in range(200)} | {"b0": 0.6, "b1": 900.0}
    chart = totals_chart(run := make_run(totals), verdicts_of(run), LIGHT)
    encoding = chart.to_dict()["layer"][1]["encoding"]
    low, high = encoding["x"]["scale"]["domain"]
    bottom, top = encoding["y"]["scale"]["domain"]
    for dot in drawn(chart)[1]:
        assert low <= dot["at"] <= high
        assert bottom <= dot["place"] <= top


def test_f1_falls_and_rises_in_steps_as_the_metrics_say():
    (steps, _, marks) = drawn(f1_chart(RUN, verdicts_of(RUN), LIGHT))
    points = sweep(labels_of(RUN.judged), totals_of(RUN.judged))
    assert {round(step["f1"], 9) for step in steps} == {round(f1, 9) for f1 in points.f1}
    assert [step["index"] for step in steps] == list(range(len(steps)))
    assert all(a["threshold"] <= b["threshold"] for a, b in pairwise(steps))
    assert max(step["f1"] for step in steps) == marks[1]["f1"]


@pytest.mark.parametrize(
    ("make", "ends"), [(roc_chart, ((0, 0), (1, 1))), (precision_chart, ((0, 1), (1, 0.5)))]
)
def test_curves_begin_and_end_where_they_must_and_marks_lie_on_them(make, ends):
    (_, line, _, marks) = drawn(make(RUN, verdicts_of(RUN), LIGHT))
    points = [(point["x"], point["y"]) for point in line]
    assert (points[0], points[-1]) == ends
    assert {(mark["x"], mark["y"]) for mark in marks} <= set(points)


def test_the_area_under_the_drawn_roc_curve_is_the_auroc():
    (_, line, _, _) = drawn(roc_chart(RUN, verdicts_of(RUN), LIGHT))
    area = sum((b["x"] - a["x"]) * (a["y"] + b["y"]) / 2 for a, b in pairwise(line))
    assert area == pytest.approx(auroc(labels_of(RUN.judged), totals_of(RUN.judged)))
