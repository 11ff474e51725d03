"""Which model and which library judge an image, and what is said in words."""

import shutil

import numpy as np
import pytest

from engine.inspector import Inspector
from engine.model_file import ModelFileError
from engine.regions import Library, Outlined, Recogniser, Region, teach
from engine.station.judge import Judge
from engine.station.worker import work as work_on
from engine.synthetic.scenes import render


@pytest.fixture
def own(model, tmp_path):
    """The model in a folder of its own, so that it may be taught and replaced."""
    return shutil.copy(model, tmp_path / "own.pw") and tmp_path / "own.pw"


def test_a_normal_image_is_like_the_references(station, model, photograph, work):
    entry = station.add_upload(photograph(2), "seen.png", model=model)
    work(station)
    judged = station.entry(entry)
    assert (judged.verdict, judged.reason) == ("normal", "like the references")
    assert judged.total < judged.threshold
    assert judged.seconds > 0
    assert judged.is_drawn


def test_an_anomaly_says_what_is_worst(station, model, photograph, work):
    entry = station.add_upload(photograph(40, "missing_pin"), "pin.png", model=model)
    work(station)
    judged = station.entry(entry)
    assert judged.verdict == "anomaly"
    deviations = station.result(entry).report["deviations"]
    assert judged.reason in [each["text"] for each in deviations]
    assert judged.reason.startswith("missing ")
    names = {each["id"]: each["name"] for each in station.result(entry).classes}
    concerned = [names[each["class"]] for each in deviations if each["class"] >= 0]
    assert judged.classes == tuple(dict.fromkeys(concerned))


def test_a_model_that_has_changed_is_loaded_again(own, photograph):
    judge, image = Judge(), render("pins", np.random.default_rng([1, 4])).image
    before = judge.judge(image, own)
    assert judge.judge(image, own).inspector is before.inspector
    other = [render("pins", np.random.default_rng([50 + seed, 4])).image for seed in range(2)]
    Inspector(before.inspector.config).fit(other).save(own)
    after = judge.judge(image, own)
    assert after.inspector is not before.inspector
    assert after.report.threshold != before.report.threshold
    judge.close()


def test_only_the_models_used_last_are_kept(model, tmp_path):
    paths = [
        shutil.copy(model, tmp_path / f"{name}.pw") and tmp_path / f"{name}.pw" for name in "ab"
    ]
    judge, image = Judge(n_kept=1), render("pins", np.random.default_rng([1, 4])).image
    first = judge.judge(image, paths[0]).inspector
    judge.judge(image, paths[1])
    assert judge.judge(image, paths[0]).inspector is not first
    judge.close()


def test_a_model_that_is_gone_fails_the_entry_in_words(station, tmp_path, photograph, work):
    entry = station.add_upload(photograph(1), "a.png", model=tmp_path / "none.pw")
    work(station)
    assert station.entry(entry).state == "failed"
    assert "no such model file; check the path" in station.entry(entry).error


def test_what_was_taught_counts_from_the_next_image_on(station, own, photograph, work, judge):
    entry = station.add_upload(photograph(41, "contamination"), "dirt.png", model=own)
    work(station)
    assert not station.entry(entry).is_by_region
    assert {each["verdict"] for each in station.result(entry).regions["regions"]} <= {"unknown"}

    image = station.photo(entry)
    (_, mask), *_ = render("pins", np.random.default_rng([41, 13]), "contamination").masks
    inspector = Inspector.load(own)
    with Library(own.with_suffix(".regions.db"), author="Ann") as library:
        outlined = Outlined(Region.of(mask))
        teach(Recogniser(inspector, library), inspector.examine(image), outlined, "dirt", "defect")
    station.rejudge([entry])
    work(station)
    taught = station.entry(entry)
    assert "dirt" in taught.reason
    assert "dirt" in taught.classes
    assert (taught.verdict, taught.is_by_region) == ("anomaly", True)
    result = station.result(entry)
    assert "regions" in result.layers
    assert result.regions["regions"][0]["class"] == "dirt"
    station.set_threshold(own, 1000)
    assert station.entry(entry).verdict == "anomaly"


def test_the_threshold_by_hand_holds_for_new_images(station, model, photograph, work):
    station.set_threshold(model, 1000.0)
    entry = station.add_upload(photograph(40, "missing_pin"), "pin.png", model=model)
    work(station)
    assert (station.entry(entry).verdict, station.entry(entry).threshold) == ("normal", 1000.0)
    assert station.entry(entry).reason == "like the references"


def test_the_first_lesson_changes_nothing_that_is_said_of_other_images(
    station, own, photograph, work, judge
):
    others = [station.add_upload(photograph(50 + n), f"{n}.png", model=own) for n in range(3)]
    others.append(station.add_upload(photograph(60, "missing_pin"), "pin.png", model=own))
    work(station)
    before = [(e.total, e.verdict, e.reason) for e in map(station.entry, others)]
    scene = render("pins", np.random.default_rng([41, 13]), "contamination")
    inspector = Inspector.load(own)
    with Library(own.with_suffix(".regions.db"), author="Ann") as library:
        outlined = Outlined(Region.of(scene.masks[0][1]))
        examination = inspector.examine(scene.image)
        teach(Recogniser(inspector, library), examination, outlined, "dirt", "accepted")
    station.rejudge(others)
    work(station)
    assert [(e.total, e.verdict, e.reason) for e in map(station.entry, others)] == before


def test_a_threshold_by_hand_moves_the_limit_of_novelty_too(station, model, photograph, work):
    entries = [
        station.add_upload(photograph(70 + n, kind), f"{kind}.png", model=model)
        for n, kind in enumerate(("contamination", "stained_tray", "missing_pin"))
    ]
    work(station)
    for entry in map(station.entry, entries):
        assert entry.verdict == "anomaly"
        assert entry.total > entry.threshold
    station.set_threshold(model, 1000.0)
    assert {station.entry(entry).verdict for entry in entries} == {"normal"}


def test_a_model_can_be_loaded_before_its_first_image_comes(own, judge):
    image = render("pins", np.random.default_rng([2, 4])).image
    judge.prepare(own)
    loaded = judge.judge(image, own).inspector
    assert judge.judge(image, own).inspector is loaded
    with pytest.raises(ModelFileError, match="no such model file"):
        judge.prepare(own.with_name("none.pw"))


def test_a_worker_that_cannot_load_its_first_model_works_all_the_same(station, model, photograph):
    entry = station.add_upload(photograph(1), "a.png", model=model)
    gone = station.folder / "gone.pw"
    work_on(station.paths, station.limits, first=gone, is_stopping=lambda: is_done(station, entry))
    assert station.entry(entry).state == "done"


def is_done(station, entry):
    return station.entry(entry).is_drawn
