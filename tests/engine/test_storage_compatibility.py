"""What the first release wrote: its config, model, library and station are of use as ever."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from engine.class_edits import Count, Rename
from engine.config import load
from engine.editing import class_rows, edited, redone, undone
from engine.inspector import Inspector
from engine.regions import Library, Recogniser, RegionReport
from engine.station import Station
from engine.station.judge import Judge
from engine.station.worker import work_once

ARCHIVE = Path(__file__).parents[1] / "assets" / "first_release.zip"
JUDGED = ("good", "missing", "red", "stain")
NOWHERE = "/models/pins.pw"  # where the model lay, as the station knows it


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder with all that was written."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    """The model; it is shared, so only ask."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        return Inspector.load(archive.extract("pins.pw", tmp_path_factory.mktemp("old")))


@pytest.fixture
def said(old: Path) -> dict[str, Any]:
    """What was said of each image then."""
    found: dict[str, Any] = json.loads((old / "judged.json").read_text())
    return found


@pytest.fixture
def station_folder(old: Path) -> Path:
    """The station, told where its model lies now."""
    with sqlite3.connect(old / "station" / "station.db") as database:
        for table in ("batches", "entries"):
            database.execute(
                f"UPDATE {table} SET model = ? WHERE model = ?", (str(old / "pins.pw"), NOWHERE)
            )
    database.close()
    return old / "station"


def read(path: Path) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), 1)[..., ::-1]


def judged_regions(report: RegionReport) -> dict[str, Any]:
    """All that ``judged.json`` tells of an image but where it lies."""
    return {
        "plain": report.plain.as_dict() | {"seconds": 0},
        "report": report.report.as_dict() | {"seconds": 0},
        "regions": [
            each.as_dict()
            | {
                "confidence": each.confidence,
                "novelty": each.novelty,
                "probabilities": list(each.probabilities),
            }
            for each in report.regions
        ],
        "verdict": report.verdict,
        "reason": report.reason,
        "total": report.total,
        "score": report.score,
        "loudest": report.max_unknown_novelty,
        "alarm_above": report.alarm_above,
        "novelty_sum": float(report.novelty.sum()),
        "anomaly_map_sum": float(report.plain.anomaly_map.sum()),
    }


def assert_same(now: Any, then: Any, path: str = "", *, within: float = 1e-9) -> None:
    """Compare two JSON documents; more may be told now."""
    if isinstance(then, dict):
        assert set(then) <= set(now), path
        for key, value in then.items():
            assert_same(now[key], value, f"{path}.{key}", within=within)
    elif isinstance(then, list):
        assert len(now) == len(then), path
        for index, value in enumerate(then):
            assert_same(now[index], value, f"{path}[{index}]", within=within)
    elif isinstance(then, float):
        assert now == pytest.approx(then, rel=within, abs=within), path
    else:
        assert now == then, path


def test_old_names_of_config_sections_are_read(old: Path) -> None:
    config = load(old / "old_names.toml")
    assert config.working_area_px == 16384
    assert (config.visual_words.n_words, config.visual_words.n_vocabularies) == (12, 2)
    assert config.pose.max_rotation_deg == 6


def test_an_old_model_has_the_config_it_was_fitted_with(old: Path, inspector: Inspector) -> None:
    """Defaults have changed since: the model keeps those of then, the file means those of now."""
    now = load(old / "old_names.toml")
    assert inspector.config == replace(
        now,
        active_scores=(
            "class_agnostic_patch",
            "located_patch",
            "missing_patch",
            "composition",
            "instance_count",
        ),
        scores=replace(
            now.scores,
            composition=replace(now.scores.composition, weight=1.25),
            instance_count=replace(now.scores.instance_count, weight=0.5),
        ),
        normalisation=replace(now.normalisation, power=1.0),
        comparison=replace(now.comparison, is_framed=False),
    )


@pytest.mark.parametrize("name", JUDGED)
def test_an_old_model_and_library_judge_alike(
    inspector: Inspector, old: Path, said: dict[str, Any], name: str
) -> None:
    image = read(old / said[name]["image"])
    examination = inspector.examine(image)
    assert_same(inspector.judge(examination).as_dict() | {"seconds": 0}, said[name]["plain"])
    with Library(old / "pins.regions.db", is_read_only=True) as library:
        report = Recogniser(inspector, library).judge(examination)
    assert report.total == pytest.approx(said[name]["total"], abs=1e-9)
    # probabilities are of single precision: their last digits are those of the matrix library
    regions = {"image": said[name]["image"]} | judged_regions(report)
    assert_same(regions, said[name], within=1e-6)


def test_what_was_said_covers_each_verdict_on_a_region(said: dict[str, Any]) -> None:
    assert {each["verdict"] for name in JUDGED for each in said[name]["regions"]} == {
        "accepted",
        "defect",
        "unknown",
    }


def test_old_edits_of_classes_are_there_and_can_be_undone(inspector: Inspector) -> None:
    assert [each.edit for each in inspector.fitted.class_history] == [
        Rename(2, "pins"),
        Count(2, 1),
    ]
    assert {each.author for each in inspector.fitted.class_history} == {"ann"}
    row = class_rows(inspector)[2]
    assert (row.name, row.tolerance) == ("pins", 1)
    as_fitted = undone(undone(inspector))
    before = class_rows(as_fitted)[2]
    assert before.name != "pins"
    assert before.tolerance is None
    assert class_rows(redone(redone(as_fitted)))[2] == row
    assert class_rows(edited(inspector, Rename(2, "tacks")))[2].name == "tacks"


def test_an_old_model_saved_now_judges_like_itself(
    inspector: Inspector, old: Path, said: dict[str, Any]
) -> None:
    inspector.save(old / "again.pw")
    report = Inspector.load(old / "again.pw").inspect(read(old / said["red"]["image"]))
    assert_same(report.as_dict() | {"seconds": 0}, said["red"]["plain"])


def test_old_lessons_are_there_and_can_be_undone(old: Path) -> None:
    with Library(old / "pins.regions.db", author="ben") as library:
        assert [(each.name, each.kind, each.n_examples) for each in library.classes()] == [
            ("red pin", "defect", 2),
            ("stain", "accepted", 1),
        ]
        assert [each.author for each in library.lessons()] == ["ann"] * 3
        assert {each.note for each in library.examples()} == {f"scene {n}" for n in (41, 42, 43)}
        library.undo()
        assert [each.name for each in library.classes()] == ["red pin"]
        library.redo()
        assert [each.name for each in library.classes()] == ["red pin", "stain"]


def test_an_old_library_can_be_taught_more(inspector: Inspector, old: Path) -> None:
    with Library(old / "pins.regions.db", author="ben") as library:
        library.check_identity(Recogniser(inspector, library).identity())
        library.rename("stain", "coffee")
        assert [each.name for each in library.classes()] == ["red pin", "coffee"]


def test_an_old_station_knows_what_was_said(station_folder: Path, said: dict[str, Any]) -> None:
    with Station(station_folder) as station:
        first, second, third = station.entries(order="oldest")
        assert [each.label for each in station.batches()] == ["monday"]
        assert [each.name for each in (first, second, third)] == [
            "good.png",
            "red.png",
            "stain.png",
        ]
        assert [(each.state, each.verdict) for each in (first, second, third)] == [
            ("done", "normal"),
            ("done", "anomaly"),
            ("queued", None),
        ]
        assert first.total == said["good"]["total"]
        assert (second.total, second.reason) == (said["red"]["total"], "red pin")
        assert second.threshold == said["red"]["report"]["threshold"]
        assert (second.review, second.reviewed_by) == ("accepted", "ann")
        result = station.result(second.id)
        assert_same(result.report | {"seconds": 0}, said["red"]["report"])
        assert "regions" in result.layers
        assert station.photo(second.id).shape == (160, 240, 3)


def test_the_queue_of_an_old_station_can_be_run(station_folder: Path, said: dict[str, Any]) -> None:
    judge = Judge()
    with Station(station_folder) as station:
        assert work_once(station.database, station.paths, judge, station.limits)
        assert not work_once(station.database, station.paths, judge, station.limits)
        judged = station.entry(3)
        assert (judged.state, judged.verdict) == ("done", said["stain"]["verdict"])
        assert judged.total == pytest.approx(said["stain"]["total"], abs=1e-9)
        station.rejudge([2])
        assert work_once(station.database, station.paths, judge, station.limits)
        again = station.entry(2)
        assert (again.verdict, again.reason) == (said["red"]["verdict"], "red pin")
        assert again.total == pytest.approx(said["red"]["total"], abs=1e-9)
    judge.close()
