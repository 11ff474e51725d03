"""Figures and tables of the ranking benchmark, worked out by hand."""

from __future__ import annotations

import json

import pytest

from engine.normalisation import NormaliserConfig
from engine.scores import SCORES

RULE = NormaliserConfig(margin=2, margin_self=3)


@pytest.fixture(scope="module")
def tables(script):
    return script("ranking_tables")


def run_of(tables, category, areas, pixels=None, seed=0):
    """Make a run of two normal and two anomalous images whose AUROC are the given ones."""
    of_area = {1.0: (3, 4), 0.75: (1.5, 4), 0.5: (1.5, 1.5), 0.0: (0, 0)}
    titles = ["total", *(f"{each.name} alone" for each in SCORES), *tables.BESIDE]
    scored = {
        title: tables.Scored((1, 2, *of_area[areas.get(title, 0.5)]), (), "", 2.5)
        for title in titles
    }
    labels = (False, False, True, True)
    return tables.Run(category, 4, seed, "partwise", labels, scored, pixels or {}, 1.0)


def test_figures_of_one_way_to_rank(tables):
    labels = (False, False, False, False, True, True)
    scored = tables.Scored((0.0, 1.0, 2.0, 5.0, 4.0, 1.5), (), "", threshold=1.8)
    area, f1, false_alarms, detected, balanced = tables.figures_of(labels, scored, RULE)
    assert area == pytest.approx((3 + 2) / 8)
    assert f1 == pytest.approx(2 * 2 / 6)  # at 1: both found with two false alarms
    assert (false_alarms, detected, balanced) == (0.5, 0.5, 0.5)


def test_a_threshold_follows_from_normal_images_where_there_is_none(tables):
    held_out = tables.Scored((1.0,), (1.0, 3.0, 9.0), "leave-one-out")
    assert held_out.threshold_by(RULE) == pytest.approx(2 * 2)  # the largest left out
    copies = tables.Scored((1.0,), (1.0, 3.0), "self-calibrated")
    assert copies.threshold_by(RULE) == pytest.approx(3 * 2)
    own = tables.Scored((1.0,), (1.0, 3.0), "self-calibrated", 7.5)
    assert own.threshold_by(RULE) == 7.5


def test_a_run_survives_its_journey_through_json(tables):
    run = run_of(tables, "plate", {"total": 1.0}, {"map": (0.5, 0.25)})
    assert tables.Run.from_dict(json.loads(json.dumps(run.as_dict()))) == run
    with pytest.raises(TypeError):
        tables.Run.from_dict({"category": "plate"})


@pytest.fixture
def shown(tables, capsys):
    runs = [
        run_of(tables, "a", {"total": 0.75, "composition alone": 1.0, "thumbnail": 1.0}),
        run_of(tables, "a", {"total": 0.75, "located_patch alone": 0.75, "thumbnail": 1.0}, seed=1),
        run_of(tables, "b", {"total": 0.5, "located_patch alone": 0.75, "PaDiM": 0.0}),
        run_of(tables, "c", {"total": 1.0, "PatchCore": 1.0}),
    ]
    tables.show_ranking(runs, RULE)
    return capsys.readouterr().out


def test_each_set_has_its_best_single_score_and_means_have_theirs(shown):
    rates = "0% | {} | {}"
    assert f"| a † | 0.750 | 0.800 | {rates.format('50%', '75%')} | 0.750 composition | " in shown
    assert "| 0.750 composition | +0.000 | 0.500 | 0.500 | 1.000 |\n" in shown
    assert "| 0.750 located_patch | -0.250 | 0.500 | 0.000 | 0.500 |\n" in shown
    assert "| 0.500 class_agnostic_patch | +0.500 | 1.000 | 0.500 | 0.500 |\n" in shown
    mean = next(line for line in shown.splitlines() if line.startswith("| mean | "))
    assert mean.startswith("| mean | 0.750 | ")
    assert mean.endswith("| 0.667 | +0.083 | 0.667 | 0.333 | 0.667 |")
    rest = next(line for line in shown.splitlines() if line.startswith("| mean without † | "))
    assert rest.startswith("| mean without † | 0.750 | ")
    assert rest.endswith("| 0.625 | +0.125 | 0.750 | 0.250 | 0.500 |")
    assert "| worst: b | 0.500 |" in shown
    assert "† a thumbnail alone reaches 0.90: proves little" in shown


def test_each_way_to_rank_is_compared_with_the_total(shown):
    assert "| total | 0.750 |" in shown
    assert "| +0.000 | 0.500 b |\n" in shown
    padim = next(line for line in shown.splitlines() if line.startswith("| PaDiM | 0.333"))
    assert padim.endswith("| -0.417 | 0.000 b |")
    assert "| AUROC | a † | b | c |" in shown
    assert "| PatchCore | 0.500 | 0.500 | 1.000 |" in shown


def test_a_single_set_has_no_mean(tables, capsys):
    tables.show_ranking([run_of(tables, "a", {})], RULE)
    by_set = capsys.readouterr().out.split("\n\n")[0]
    assert len(by_set.splitlines()) == 3


def test_pixels_of_sets_without_masks_are_left_out(tables, capsys):
    runs = [
        run_of(tables, "a", {}, {"map": (0.5, 0.2)}),
        run_of(tables, "a", {}, {"map": (0.7, 0.4)}, seed=1),
        run_of(tables, "b", {}),
        run_of(tables, "c", {}, {"map": (0.8, 0.5)}),
    ]
    tables.show_pixels(runs)
    assert capsys.readouterr().out.strip().splitlines() == [
        "| pixel AUROC / PRO | map |",
        "|---|---:|",
        "| a | 0.600 / 0.300 |",
        "| c | 0.800 / 0.500 |",
        "| mean | 0.700 / 0.400 |",
    ]
    tables.show_pixels(runs[2:3])
    assert "no set has masks" in capsys.readouterr().out
