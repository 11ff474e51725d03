"""What leaves the station: tables, lines, pages."""

import csv
import json
import shutil

import pytest

from engine.station import Station, StationError
from engine.station.judge import Judge
from engine.station.worker import work_once


@pytest.fixture(scope="module")
def judged_once(tmp_path_factory, photograph, model):
    """The folder of a station that has judged three photographs."""
    root = tmp_path_factory.mktemp("judged")
    pictures, judge = root / "pictures", Judge()
    pictures.mkdir()
    for seed, (name, kind) in enumerate((("a", "good"), ("b", "good"), ("c", "missing_pin")), 20):
        (pictures / f"{name}.png").write_bytes(photograph(seed, kind))
    with Station(root / "station", roots=[pictures]) as station:
        station.add_folder(pictures, model=model)
        while work_once(station.database, station.paths, judge, station.limits):
            pass
        station.review(station.entries(order="worst")[0].id, "accepted", "Ann")
    judge.close()
    return root


@pytest.fixture
def judged(judged_once, tmp_path):
    """The same in a folder of its own."""
    shutil.copytree(judged_once / "station", tmp_path / "station")
    with Station(tmp_path / "station", roots=[judged_once / "pictures"]) as station:
        yield station


def test_a_table_has_a_row_an_entry(judged, tmp_path):
    judged.export_csv(tmp_path / "all.csv", states=("done",))
    with open(tmp_path / "all.csv", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    worst = judged.entries(order="worst")[0]
    assert set(rows) == {"a.png", "b.png", "c.png"}
    assert float(rows["c.png"]["score"]) == pytest.approx(worst.total)
    assert (rows["c.png"]["verdict"], rows["c.png"]["review"]) == ("anomaly", "accepted")
    assert rows["c.png"]["reason"] == worst.reason


def test_lines_are_json(judged, tmp_path):
    judged.export_jsonl(tmp_path / "bad.jsonl", verdicts=("anomaly",))
    lines = (tmp_path / "bad.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert "c.png" in {each["name"] for each in found}
    assert {each["verdict"] for each in found} == {"anomaly"}


def test_a_page_explains_with_the_threshold_in_force(judged, model):
    judged.set_threshold(model, 1000.0)
    entry = judged.entries(order="worst")[0]
    page = judged.report_html([entry.id])
    assert "c.png" in page
    assert "set by hand" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_a_page_shows_one_model_and_judged_images(judged, tmp_path, photograph):
    other = judged.add_upload(photograph(1), "other.png", model=tmp_path / "other.pw")
    first = judged.entries(states=("done",))[0].id
    with pytest.raises(StationError, match="a report shows images of one model, got 2"):
        judged.report_html([first, other])
    with pytest.raises(StationError, match=r"got other\.png without a verdict; wait for it"):
        judged.report_html([other])
    with pytest.raises(StationError, match="got 0; filter by model first"):
        judged.report_html([])
