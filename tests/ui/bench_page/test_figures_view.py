"""Figures of a benchmark as charts: counts, types of anomaly, shots."""

from math import nan

import pytest

from engine.benchmark.html_report import Line, lines_of, verdicts_of
from engine.benchmark.records import Judgement, Run
from engine.benchmark.summary import summarise
from ui.bench_page.figures_view import lines_chart, matrix_chart, shots_chart
from ui.charts import LIGHT

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


def test_a_matrix_counts_every_image_once_and_tells_mistakes_apart():
    (cells, *_) = drawn(matrix_chart(verdicts_of(RUN)[0], LIGHT))
    assert sum(cell["n"] for cell in cells) == len(RUN.judged)
    assert {cell["words"]: (cell["n"], cell["tone"]) for cell in cells} == {
        "found": (2, "right"),
        "missed": (1, "wrong"),
        "false alarms": (1, "wrong"),
        "passed": (2, "right"),
    }
    clean = make_run({"g1": 0.1, "b1": 3.0})
    (cells, *_) = drawn(matrix_chart(verdicts_of(clean)[0], LIGHT))
    assert [cell["tone"] for cell in cells] == ["right", "none", "none", "right"]


def test_figures_without_a_value_are_not_drawn_and_single_scores_have_no_floor():
    (row,) = summarise([RUN]).rows
    (values,) = drawn(lines_chart(lines_of(row.types, 0), LIGHT, has_floor=True))
    assert [value["figure"] for value in values] == ["F1-max", "AUROC", "floor"]
    (values,) = drawn(lines_chart([Line("dent", 3, 0.5, nan, 0.7)], LIGHT, has_floor=False))
    assert values == [{"name": "dent", "figure": "AUROC", "value": 0.7}]


@pytest.mark.parametrize(("figure", "nothing"), [("f1_max", 2 / 3), ("auroc", 0.5)])
def test_figures_over_shots_lie_above_the_bottom_of_the_chart(figure, nothing):
    runs = [make_run(shots=k, seed=seed) for k in (1, 2) for seed in (0, 1)]
    chart = shots_chart(summarise(runs), figure, LIGHT)
    values = drawn(chart)[0]
    assert [value["shots"] for value in values] == [1, 2]
    bottom = chart.to_dict()["layer"][1]["encoding"]["y"]["scale"]["domain"][0]
    assert all(bottom < value["low"] <= value["mean"] for value in values)
    assert values[0]["nothing"] == pytest.approx(nothing)
