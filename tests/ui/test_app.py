"""The shell around the pages: navigation, model chooser, author, status."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.station import Station

APP = Path(__file__).parents[2] / "ui" / "app.py"


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Run the app with these words, for a station of its own."""
    monkeypatch.delenv("PARTWISE_PASSWORD", raising=False)
    monkeypatch.delenv("PARTWISE_LIBRARY", raising=False)

    def run(*words, parameters=()):
        monkeypatch.setattr("sys.argv", ["app.py", "--station", str(tmp_path / "st"), *words])
        app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in parameters:
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return run


@pytest.fixture
def stored(tmp_path, fitted_model):
    """Two models in the station: Bolt and Nut."""
    with Station(tmp_path / "st") as station:
        for name in ("Bolt", "Nut"):
            shutil.copy(fitted_model, station.model_path(name))
    return ["Bolt", "Nut"]


def test_without_a_model_a_visitor_is_asked_for_photographs(start):
    app = start()
    assert [each.value for each in app.title] == ["New model"]
    assert [each.label for each in app.button][:1] == ["Try it with an example product"]
    assert not app.selectbox


def test_with_a_model_a_visitor_can_drop_images_at_once(start, fitted_model):
    app = start("--model", str(fitted_model))
    assert app.selectbox[0].options == ["product"]
    assert not app.title  # not the page New model


def test_the_models_of_the_station_can_be_chosen_and_are_in_the_address(start, stored):
    app = start()
    assert app.selectbox[0].options == stored
    assert "model" not in app.query_params  # the first is what an address without a name means
    app.selectbox[0].select("Nut").run()
    assert "Nut" in app.query_params["model"]


def test_a_model_in_the_address_is_chosen_and_a_foreign_one_is_not(start, stored):
    assert start(parameters=[("model", "Nut")]).selectbox[0].value == "Nut"
    assert start(parameters=[("model", "../../etc/passwd")]).selectbox[0].value == "Bolt"


def test_the_author_is_asked_for_and_kept(start, fitted_model):
    app = start("--model", str(fitted_model))
    (field,) = [each for each in app.sidebar.text_input if each.label == "Your name"]
    field.input("  Kim  ").run()
    assert app.sidebar.text_input[0].value == "  Kim  "
    assert not app.exception


def test_the_status_line_counts_what_waits(start, tmp_path, fitted_model, photographs):
    app = start("--model", str(fitted_model))
    assert any("Nothing is waiting" in each.value for each in app.sidebar.caption)
    with Station(tmp_path / "st") as station:
        station.add_upload(photographs.good[0].read_bytes(), "a.png", model=fitted_model)
    app.run()
    assert any("1 image waiting" in each.value for each in app.sidebar.caption)
    assert any("nobody works" in each.value for each in app.sidebar.caption)
