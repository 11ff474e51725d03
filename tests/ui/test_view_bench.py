from datetime import UTC, datetime
from itertools import pairwise
from math import nan
from pathlib import Path

import pytest

from engine.benchmark.comparison import compare, compare_runs
from engine.benchmark.datasets import Category, Sample
from engine.benchmark.html_report import Line, lines_of, verdicts_of, worst_of
from engine.benchmark.metrics import auroc, f1_max, sweep
from engine.benchmark.records import Judgement, Run, labels_of, totals_of
from engine.benchmark.summary import summarise
from engine.station import Job
from ui.bench_page.compare_view import (
    changed_rows,
    changed_text,
    difference_rows,
    differences_chart,
    pair_title,
    pairs_chart,
    verdict_text,
)
from ui.bench_page.curves_view import f1_chart, precision_chart, roc_chart, totals_chart
from ui.bench_page.figures_view import lines_chart, matrix_chart, shots_chart
from ui.bench_page.view import (
    HINTS,
    TITLES,
    category_text,
    duration_text,
    job_title,
    line_rows,
    mistake_text,
    plan_text,
    read_numbers,
    remaining_text,
    run_key,
    run_title,
    scope_text,
    summary_rows,
    tiles,
)
from ui.charts import DARK, LIGHT

TOTALS = {"g1": 0.2, "g2": 1.5, "g3": 0.9, "b1": 3.0, "b2": 0.5, "b3": 1.2, "b4": None}
NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)


def make_run(totals=TOTALS, *, category="cup", shots=2, seed=42, threshold=1.0):
    """Judge images: a name that begins with "g" is normal, every other one anomalous."""
    images = tuple(
        Judgement(name, name[0] != "g", "bad", ("dent",), total, {"one": total or 0.0}, 0.02)
        for name, total in totals.items()
    )
    return Run(category, shots, seed, ("a.png",), threshold, "references", "", 1.0, images)


def make_job(**spec):
    usual = {"root": "/data/cups", "categories": [], "shots": [], "seeds": [], "profile": None}
    return Job(7, "bench", usual | spec, "running", "", 0, 0, None, None, NOW)


RUN = make_run()


def drawn(chart):
    """Return the values of each layer, after Altair has checked the whole against its schema."""
    spec = chart.to_dict()
    return [spec["datasets"][(spec | layer)["data"]["name"]] for layer in spec["layer"]]


def test_every_figure_has_a_title_a_hint_and_stands_beside_what_costs_nothing():
    (row,) = summarise([RUN]).rows
    told = {tile.title: tile for tile in tiles(row.overall, 0)}
    assert list(told) == list(TITLES.values())
    assert all(tile.hint in HINTS.values() for tile in told.values())
    best = f1_max(labels_of(RUN.judged), totals_of(RUN.judged))[0]
    assert told["F1-max"].value == f"{best:.3f}"
    assert told["F1-max"].note == f"{best - 2 / 3:.3f} above the floor"
    assert told["AUROC"].note == "0.167 above a coin"


def test_a_figure_below_what_costs_nothing_says_so():
    (row,) = summarise([make_run({"g1": 9.0, "b1": 1.0, "b2": 10.0, "b3": 2.0})]).rows
    told = {tile.title: tile.note for tile in tiles(row.overall, 0)}
    assert told["AUROC"] == "0.167 below a coin"
    assert told["F1-max"] == "0.000 above the floor"


def test_the_table_has_all_rows_and_a_dash_where_nothing_is_defined():
    runs = [make_run(category=name, seed=seed) for name in "ab" for seed in (0, 1)]
    rows = summary_rows(summarise(runs))
    assert [row["category"] for row in rows] == ["a", "b", "mean of categories"]
    assert rows[0]["seeds"] == 2
    assert rows[0]["f1_max"].endswith("±.000")
    assert rows[0]["errors"] == 2
    (lone,) = summary_rows(summarise([make_run({"g1": 0.2})]))
    assert (lone["f1_max"], lone["auroc"]) == ("–", "–")
    assert "errors" not in lone


@pytest.mark.parametrize(
    ("text", "seeds"), [("42", (42,)), ("42, 0,1234", (42, 0, 1234)), ("3 3  1", (3, 1))]
)
def test_seeds_are_read_however_they_are_set_apart(text, seeds):
    assert read_numbers(text) == seeds


@pytest.mark.parametrize("text", ["", " ,", "a", "-1", "1.5", "٣"])
def test_what_is_no_seed_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"seeds must be whole numbers .* type for example 42, 0"):
        read_numbers(text)


def test_a_plan_counts_runs_and_images():
    samples = tuple(Sample(Path(f"{n}"), n > 1, "bad", ()) for n in range(5))
    category = Category("cup", Path("/cup"), (Path("a"), Path("b")), (), samples)
    assert plan_text([category, category], (1, 2), (42, 0, 7)) == (
        "12 runs, in which 60 images will be judged"
    )
    assert category_text(category) == (
        "2 images to draw references from; 2 normal and 3 anomalous ones to judge"
    )


def test_a_job_is_named_by_what_it_measures():
    assert job_title(make_job()) == "cups · 1, 2, 4, 8 shots · 3 seeds"
    some = make_job(categories=["a", "b"], shots=[2], seeds=[1])
    assert job_title(some) == "a, b · 2 shots · 1 seed"
    assert job_title(make_job(categories=list("abcd"))).startswith("4 categories")


def test_time_left_is_told_once_enough_is_done_and_not_at_the_end():
    assert remaining_text(10, 3, 100) == ""
    assert remaining_text(10, 20, 100) == "about 40 s left"
    assert remaining_text(100, 20, 100) == "about 7 min left"
    assert remaining_text(10, 100, 100) == remaining_text(10, 0, 0) == ""
    assert duration_text(0.1) == "about 1 s"


def test_runs_have_names_that_tell_them_apart():
    runs = [make_run(shots=k, seed=seed) for k in (1, 2) for seed in (0, 1)]
    assert len({run_key(run) for run in runs}) == len({run_title(run) for run in runs}) == 4
    assert run_title(runs[0]) == "cup · 1 shot · seed 0"
    assert scope_text(runs) == "1, 2 shots · 2 seeds"


def test_a_mistake_differs_by_colour_sign_and_word():
    (miss, found) = worst_of(RUN, is_anomalous=True, n=2)
    assert mistake_text(miss) == ":orange[:material/close: **0.500** missed]"
    assert mistake_text(found) == ":blue[:material/check: **1.200** found]"
    (alarm, passed) = worst_of(RUN, is_anomalous=False, n=2)
    assert "false alarm" in mistake_text(alarm)
    assert "passed" in mistake_text(passed)


def test_lines_leave_out_what_is_the_same_for_all():
    lines = [Line("dent", 3, 0.5, 0.7, nan)]
    assert line_rows(lines, is_counted=True) == [
        {"name": "dent", "images": 3, "floor": 0.5, "f1_max": 0.7, "auroc": None}
    ]
    assert line_rows(lines, is_counted=False) == [{"name": "dent", "f1_max": 0.7, "auroc": None}]


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


CHANGED = make_run(TOTALS | {"g2": 0.5, "b3": 0.8, "b4": 5.0})


def test_a_comparison_says_in_words_what_became_of_the_verdicts():
    pair = compare_runs(RUN, CHANGED)
    assert verdict_text(pair) == (
        "1 became right, 1 became wrong, 4 as before. Left out, for not both have judged them: 1."
    )
    rows = changed_rows(pair)
    assert [(row["verdict"], row["image"]) for row in rows] == [
        ("✕ missed now", "b3"),
        ("✓ passed now", "g2"),
    ]
    assert [changed_text(image) for image in pair.changed] == [
        ":orange[:material/close: 1.200 → **0.800** missed now]",
        ":blue[:material/check: 1.500 → **0.500** passed now]",
    ]
    assert pair_title(pair) == "cup · 2 shots · seed 42"
    other = compare_runs(RUN, make_run(shots=4))
    assert pair_title(other) == "cup · 2 shots · seed 42 → cup · 4 shots · seed 42"


def test_rows_of_differences_name_only_what_there_is_more_of():
    (first, *rest) = difference_rows(compare([RUN], [CHANGED]))
    assert first.keys() == {"figure", "old", "new", "change"}
    assert len(rest) == 3
    several = [make_run(category=name, seed=seed) for name in "ab" for seed in (0, 1)]
    rows = difference_rows(compare(several, several))
    assert [row["category"] for row in rows[::4]] == ["a", "b", "mean of categories"]
    assert rows[0]["seeds"] == "up in 0 of 2"
    assert rows[0]["change"] == "+0.000 ±0.000"


def test_the_picture_of_a_pair_shows_every_image_by_its_own_threshold():
    pair = compare_runs(RUN, make_run(TOTALS, threshold=2.0))
    values = drawn(pairs_chart(pair, LIGHT))[3]
    assert {value["path"] for value in values} == {image.path for image in pair.images}
    for value in values:
        assert value["new"] == pytest.approx(value["old"] / 2)
    assert [value["change"] for value in values][-1] != "as before"  # drawn over the others


def test_the_picture_of_differences_has_a_bar_for_each_mean_and_a_dot_for_each_seed():
    old = [make_run(seed=seed) for seed in (0, 1)]
    new = [make_run({**TOTALS, "b2": 2.0}, seed=seed) for seed in (0, 1)]
    (means, _, seeds) = drawn(differences_chart(compare(old, new), LIGHT))
    assert (len(means), len(seeds)) == (4, 8)
    assert {value["way"] for value in means} == {"up"}
    nothing = make_run(dict.fromkeys(TOTALS), threshold=None)
    assert drawn(differences_chart(compare([RUN], [nothing]), LIGHT))[0] == []
