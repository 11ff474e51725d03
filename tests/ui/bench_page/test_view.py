"""What the page Benchmark says: plans, figures, mistakes, in words and rows."""

from datetime import UTC, datetime
from math import nan
from pathlib import Path

import pytest

from engine.benchmark.datasets import Category, Sample
from engine.benchmark.html_report import Line, worst_of
from engine.benchmark.metrics import f1_max
from engine.benchmark.records import Judgement, Run, labels_of, totals_of
from engine.benchmark.summary import summarise
from engine.station import Job
from features.folders import LeftOut
from ui.bench_page.view import (
    HINTS,
    TITLES,
    category_remarks,
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


def test_what_of_a_category_is_not_read_is_said():
    rest = (LeftOut(Path("/data/cup/test/bad"), ".jp2", 2),)
    cup = Category("cup", Path("/data/cup"), (), (), (), (), rest, ("two groups are one",))
    assert category_remarks(cup) == ["cup: 2 files left out: 2 .jp2", "cup: two groups are one"]
    assert category_remarks(Category("cup", Path("/data/cup"), (), (), ())) == []
    (row,) = summary_rows(summarise([RUN], {"cup": 2}))
    assert row["left_out"] == 2
    assert "left_out" not in summary_rows(summarise([RUN]))[0]
