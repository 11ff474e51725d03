"""The choice of a model: each has a name of its own."""

import shutil
from pathlib import Path

import pytest

from engine.station import Station
from ui.sidebar import known_models


@pytest.fixture
def stored(tmp_path, fitted_model):
    """Two models in the station: Bolt and Nut."""
    with Station(tmp_path / "st") as station:
        for name in ("Bolt", "Nut"):
            shutil.copy(fitted_model, station.model_path(name))
    return ["Bolt", "Nut"]


def test_models_of_one_name_are_told_apart():
    given, stored = Path("/a/bolt.pw"), [Path("/st/bolt.pw"), Path("/st/nut.pw")]
    assert known_models(given, stored) == {
        "bolt": given,
        "bolt (2)": stored[0],
        "nut": stored[1],
    }
    assert known_models(stored[1], stored) == {"nut": stored[1], "bolt": stored[0]}
    assert known_models(None, []) == {}
