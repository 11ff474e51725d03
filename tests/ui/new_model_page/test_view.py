"""What the page New model says: names, steps, the legend, totals."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.editing import ClassRow
from engine.station import Job
from ui.new_model_page.view import (
    Chosen,
    advice,
    found_text,
    free_name,
    legend,
    step_text,
    suggested_name,
    totals_chart,
    totals_text,
    unique,
)


@pytest.mark.parametrize(
    ("folder", "expected"),
    [("/data/bolts/train/good", "bolts"), ("/data/bolts", "bolts"), ("/", "Product")],
)
def test_the_name_of_the_folder_is_proposed(folder, expected):
    assert suggested_name([Chosen("a.png", Path(folder, "a.png"))]) == expected


def test_uploads_or_mixed_folders_propose_no_name():
    upload = Chosen("a.png", Path("/station/images/00"), "00")
    assert suggested_name([upload]) == "Product"
    assert suggested_name([Chosen("a", Path("/x/a")), Chosen("b", Path("/y/b"))]) == "Product"


def test_a_taken_name_is_numbered():
    assert free_name("Bolt", []) == "Bolt"
    assert free_name("Bolt", ["Bolt", "Bolt 2"]) == "Bolt 3"
    assert unique(["a", "b", "a", "a"]) == ["a", "b", "a 2", "a 3"]


def test_a_reference_is_named_by_what_the_station_knows():
    assert Chosen("a.png", Path("/x/a.png")).as_spec() == {"path": "/x/a.png", "name": "a.png"}
    assert Chosen("a.png", Path("/st/00"), "00").as_spec() == {"sha256": "00", "name": "a.png"}


def test_more_references_are_advised_until_there_are_enough():
    assert len({advice(1), advice(2), advice(8)}) == 3
    assert advice(4) == advice(8)


def job(state, step=""):
    now = datetime.now(UTC)
    return Job(1, "fit", {}, state, step, 0, 0, None, None, now)


def test_steps_are_told_in_words_unknown_ones_too():
    assert step_text(job("queued")) == "Waiting for its turn"
    assert step_text(job("running", "finding parts")).startswith("Finding parts")
    assert step_text(job("running", "something else")) == "Something else"
    assert step_text(job("running")) == "Starting"


def test_the_legend_leaves_out_what_the_pictures_do_not_colour():
    rows = [
        ClassRow(0, "ground", "#111111", True, False, False, (1, 1), None, 1, 1, 0.5),
        ClassRow(2, "pin", "#0072b2", False, False, False, (3, 5), None, 3, 5, 0.1),
    ]
    (line,) = legend(rows)
    assert (line.number, line.name, line.color, line.found) == (2, "pin", "#0072b2", "3–5")
    assert found_text([2, 2]) == "2"
    assert found_text([]) == ""


def test_bars_have_every_total_and_the_side_it_lies_on():
    chart = totals_chart(["a", "a"], [0.5, 1.5], 1.0, ink="#000000")
    bars, numbers, rule, words = chart["layer"]
    rows = bars["data"]["values"]
    assert [(row["name"], row["words"], row["side"]) for row in rows] == [
        ("a", "0.50", "below the threshold"),
        ("a 2", "1.50", "above the threshold"),
    ]
    assert numbers["encoding"]["y"]["sort"] == ["a", "a 2"]
    assert rule["data"]["values"][0]["threshold"] == 1.0
    assert words["data"]["values"][0]["words"] == "threshold 1.00"


def test_words_under_the_bars_name_the_one_above():
    assert "Every reference" in totals_text(["a", "b"], [0.5, 0.6], 1.0)
    assert totals_text(["a", "b"], [0.5, 1.6], 1.0).startswith("b lies above")
    assert totals_text(["a", "b"], [1.5, 1.6], 1.0).startswith("2 references lie above")
