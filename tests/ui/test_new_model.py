"""What the page New model says, and that its choice of references follows the rules."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from engine.editing import ClassRow
from engine.profiles import lacking
from engine.station import Job, Station
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

APP = Path(__file__).parents[2] / "ui" / "app.py"


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


def test_a_profile_without_its_weights_says_what_to_run(config_of, monkeypatch, tmp_path):
    for name in ("PARTWISE_WEIGHTS", "HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    assert lacking(config_of("embedded")) is None
    reason = lacking(config_of("foundation"))
    assert reason is not None
    assert "`partwise weights get dinov2-small sam-vit-base-hf`" in reason


@pytest.fixture
def config_of():
    from engine.config import from_dict

    return lambda profile: from_dict({"profile": profile})


@pytest.fixture
def page(tmp_path, monkeypatch):
    """The page in an app without a model; ``root`` has two folders, one with 10 photographs."""
    root = tmp_path / "root"
    for number in range(10):
        file = root / "bolts" / "good" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (48, 32), (20 * number, 90, 60)).save(file)
    words = ["app.py", "--station", str(tmp_path / "st"), "--root", str(root)]
    monkeypatch.setattr("sys.argv", words)
    for name in ("PARTWISE_PASSWORD", "PARTWISE_LIBRARY"):
        monkeypatch.delenv(name, raising=False)
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not app.exception
    return app


def field(app, label):
    (found,) = [each for each in app.main.text_input if each.label == label]
    return found


def tick(app, *names):
    for name in names:
        (box,) = [each for each in app.checkbox if each.label.replace("\\", "") == name]
        box.check().run()


def test_photographs_of_a_folder_are_ticked_up_to_eight(page, tmp_path):
    field(page, "Folder").input(str(tmp_path / "root" / "bolts" / "good")).run()
    assert len(page.checkbox) == 10
    tick(page, *(f"{number}.png" for number in range(8)))
    assert not page.exception
    assert page.subheader[0].value == "8 references of at most 8"
    assert [box.disabled for box in page.checkbox] == [False] * 8 + [True] * 2
    page.checkbox[0].uncheck().run()
    assert page.subheader[0].value == "7 references of at most 8"
    page.button("new-remove-0").click().run()
    assert page.subheader[0].value == "6 references of at most 8"
    assert [box.value for box in page.checkbox] == [False] * 2 + [True] * 6 + [False] * 2


def test_learning_starts_a_job_that_a_new_session_finds_again(page, tmp_path):
    field(page, "Folder").input(str(tmp_path / "root" / "bolts" / "good")).run()
    tick(page, "0.png", "9.png")
    assert field(page, "Name of the model").value == "bolts"
    page.button("new-learn").click().run()
    assert not page.exception
    with Station(tmp_path / "st") as station:
        (started,) = station.jobs("fit")
    assert started.spec["name"] == "bolts"
    assert [each["name"] for each in started.spec["references"]] == ["0.png", "9.png"]
    again = AppTest.from_file(str(APP), default_timeout=60).run()
    assert again.subheader[0].value == "Learning bolts"
    again.button("new-cancel").click().run()
    with Station(tmp_path / "st") as station:
        assert station.job(started.id).state == "cancelled"


@pytest.mark.parametrize("name", ["../evil", "", "a/b", ".hidden"])
def test_a_name_that_is_no_name_cannot_be_learnt(page, tmp_path, name):
    field(page, "Folder").input(str(tmp_path / "root" / "bolts" / "good")).run()
    tick(page, "0.png")
    field(page, "Name of the model").input(name).run()
    assert page.button("new-learn").disabled
    assert any("name must have" in each.value.replace("\\", "") for each in page.error)


def test_a_folder_outside_the_roots_stays_closed(page, tmp_path):
    (tmp_path / "secret").mkdir()
    for path in (str(tmp_path / "secret"), "/etc", str(tmp_path / "root" / ".." / "secret")):
        field(page, "Folder").input(path).run()
        assert not page.checkbox
        assert any("not below a folder" in each.value for each in page.warning)
