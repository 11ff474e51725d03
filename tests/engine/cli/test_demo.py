from pathlib import Path

import pytest

from engine import profiles
from engine.atomic import OutputError
from engine.benchmark.datasets import find_categories
from engine.cli import demo
from engine.config import Config
from engine.errors import ConfigError
from engine.inspector import Inspector
from features.device import MachineError


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A small demo, run into a folder that an interrupted one left, and one more file."""
    folder = tmp_path_factory.mktemp("demo") / "new" / "folder"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "SHOWN", "cable")
        patch.setattr(demo, "OTHER", "bottle")
        patch.setattr(demo, "N_TRAIN", 4)
        patch.setattr(demo, "N_PER_GROUP", 2)
        demo._claim(folder)
        (folder / "scenes").mkdir()
        (folder / "scenes" / "half.png").touch()
        (folder / "notes.txt").write_text("mine")
        demo.make_demo(folder)
    return folder


def test_the_folder_holds_data_model_and_reports(shown):
    assert (shown / "notes.txt").read_text() == "mine"
    assert {path.name for path in shown.iterdir()} == {
        "MADE-BY-PARTWISE-DEMO.txt",
        "bench.html",
        "model.pw",
        "notes.txt",
        "report.html",
        "scenes",
    }
    categories = find_categories(shown / "scenes")
    assert {category.name for category in categories} == {"cable", "bottle"}
    for category in categories:
        assert (len(category.train), len(category.test)) == (4, 6)
        assert {sample.group for sample in category.test} == {
            "good",
            "logical_anomalies",
            "structural_anomalies",
        }


def test_the_model_is_that_of_the_shown_product(shown):
    inspector = Inspector.load(shown / "model.pw")
    assert len(inspector.fitted.references) == demo.N_REFERENCES
    assert inspector.config == Config(profile="cnn")


def test_any_profile_can_be_asked_for(monkeypatch):
    assert demo._config("embedded") == Config()
    with pytest.raises(ConfigError, match=r'^--profile: profile must be .*, got "magic"$'):
        demo._config("magic")
    monkeypatch.setattr(profiles, "lacking", lambda config: "needs weights: run `this`")
    with pytest.raises(MachineError, match=r'^the profile "cnn" needs weights: run `this`$'):
        demo._config("cnn")


def test_without_the_weights_of_the_network_it_is_shown_without(monkeypatch):
    def lacking(config):
        return None if config.profile == "embedded" else "needs weights: run `this`"

    monkeypatch.setattr(profiles, "lacking", lacking)
    assert demo._config(None) == Config()


def test_what_a_profile_lacks_is_said_before_anything_is_written(partwise, tmp_path):
    said = partwise("demo", "-o", tmp_path / "demo", "--profile", "magic")
    assert said.code == 2
    assert said.err.startswith("Error: --profile: profile must be")
    assert not (tmp_path / "demo").exists()


def test_the_reports_are_about_the_test_images(shown):
    report = (shown / "report.html").read_text(encoding="utf-8")
    assert "scenes/cable/test/good" in report
    assert "scenes/cable/test/logical_anomalies" in report
    assert "<svg" in (shown / "bench.html").read_text(encoding="utf-8")


def test_what_is_not_ours_is_left_alone(tmp_path):
    (tmp_path / "scenes").mkdir()
    with pytest.raises(OutputError, match="is not empty and not from an earlier demo; choose anot"):
        demo.make_demo(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["scenes"]


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "demo").touch()
    with pytest.raises(OutputError, match=r"cannot write .*demo: File exists; choose another"):
        demo.make_demo(tmp_path / "demo")


def test_a_folder_that_cannot_be_made(locked_folder):
    with pytest.raises(OutputError, match=r"cannot write .*: Permission denied; choose another"):
        demo.make_demo(Path(locked_folder) / "demo")
