"""The page New model: its choice of references follows the rules, and starts a job."""

from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from engine.profiles import lacking
from engine.station import Station

APP = Path(__file__).parents[3] / "ui" / "app.py"


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


def test_dropped_photographs_lie_in_memory_no_longer(page, uploaded, tmp_path):
    file = tmp_path / "root" / "bolts" / "good" / "0.png"
    page.file_uploader[0].set_value([("0.png", file.read_bytes(), ""), ("none", b"x", "")]).run()
    assert not page.exception
    assert "0.png" in [each.value.replace("\\", "") for each in page.caption]
    assert len(uploaded) == 1  # it was looked at
    assert not any(uploaded.values())


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
