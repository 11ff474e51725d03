"""Teaching, forgetting, undoing: what is printed, and what then counts."""

import hashlib
import json
import shlex

import numpy as np
import pytest
from PIL import Image

from engine.library import Library

BOX = ("--box", "31,31,50,50")


@pytest.fixture
def red(plates):
    return plates / "new" / "red1.png"


@pytest.fixture
def verdicts(partwise, plates):
    """Give the verdict on each new plate."""

    def judge(model, *options):
        ended = partwise("region", "classify", model, plates / "new", "--jsonl", *options)
        records = [json.loads(line) for line in ended.out.splitlines()]
        return {
            record["path"].rpartition("/")[2].removesuffix(".png"): [
                region["class"] for region in record["regions"]
            ]
            for record in records
        }

    return judge


def classes(model):
    with Library(model.with_suffix(".regions.db"), is_read_only=True) as library:
        return {each.name: (each.kind, each.n_examples) for each in library.classes()}


def test_one_example_is_enough_and_all_else_stays_unknown(taught, verdicts):
    found = verdicts(taught)
    assert sorted(found.pop("both")) == ["red", "unknown"]
    assert "red" not in found.pop("good")
    assert found == {
        "red1": ["red"],
        "red2": ["red"],
        "red3": ["red"],
        "blue1": ["unknown"],
        "blue2": ["unknown"],
    }


def test_a_lesson_says_what_was_learnt_and_what_it_changes(partwise, untaught, plates):
    image = plates / "new" / "red2.png"
    ended = partwise(
        "region", "teach", untaught, image, "--box", "51,21,70,40", "--class", " red ", "--accepted"
    )
    learnt, changed = ended.out.splitlines()
    undo = f"partwise region undo {untaught} 1"
    assert learnt == (
        f"learnt 'red' (accepted) from {image} at 51,21,70,40: example 1, 1 in all; lesson 1, "
        f"undo it with: {undo}"
    )
    assert changed.startswith(f"{image}: anomaly: unknown → ")
    assert "red (accepted)" in changed
    assert partwise(*shlex.split(undo)[1:]).code == 0
    assert classes(untaught) == {}


def test_an_example_keeps_where_it_comes_from(partwise, untaught, red):
    words = ("--class", "red", "--defect", "--note", "by the rim", "--author", "anna@left")
    assert partwise("region", "teach", untaught, red, *BOX, *words).code == 0
    with Library(untaught.with_suffix(".regions.db"), is_read_only=True) as library:
        (example,) = library.examples()
    assert example.image_name == str(red)
    assert example.image_sha256 == hashlib.sha256(red.read_bytes()).hexdigest()
    assert (example.note, example.author, example.verdict) == ("by the rim", "anna@left", "anomaly")
    # the thing in the box, a disc of radius 8, rather than the box
    y, x = np.mgrid[:96, :96]
    disc = (x - 40) ** 2 + (y - 40) ** 2 <= 64
    found = example.region.over((96, 96))
    assert (found & disc).sum() / (found | disc).sum() > 0.85


def test_with_exact_all_of_the_box_is_meant(partwise, untaught, red):
    words = ("--class", "red", "--accepted", "--exact")
    assert partwise("region", "teach", untaught, red, *BOX, *words).code == 0
    with Library(untaught.with_suffix(".regions.db"), is_read_only=True) as library:
        (example,) = library.examples()
    assert example.region.box_xyxy == (31, 31, 50, 50)
    assert example.region.mask.all()


def test_strays_of_a_mask_are_left_out_and_said(partwise, untaught, red, tmp_path, caplog):
    mask = np.zeros((96, 96), np.uint8)
    mask[33:48, 34:47] = 255
    mask[2, 2:90:4] = 1
    Image.fromarray(mask).save(tmp_path / "mask.png")
    teach = ("region", "teach", untaught, red, "--class", "red", "--accepted")
    ended = partwise(*teach, "--mask", tmp_path / "mask.png")
    assert ended.code == 0
    assert "at 34,33,47,48" in ended.out
    assert "the mask also has 22 stray pixels of value 1, which are left out" in caplog.messages


def test_masks_and_polygons_are_exact(partwise, untaught, plates, red, tmp_path):
    mask = np.zeros((96, 96), np.uint8)
    mask[33:48, 34:47] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    teach = ("region", "teach", untaught, red, "--class", "red", "--accepted")
    assert partwise(*teach, "--mask", tmp_path / "mask.png").code == 0
    assert partwise(*teach, "--polygon", "34,33 47,33 47,48 34,48").code == 0
    with Library(untaught.with_suffix(".regions.db"), is_read_only=True) as library:
        first, second = (each.region.over((96, 96)) for each in library.examples())
    assert (first == (mask > 0)).all()
    assert (second == first).all()


def test_a_defect_is_one_whatever_the_total(partwise, untaught, plates, red):
    partwise("region", "teach", untaught, red, *BOX, "--class", "rust", "--defect")
    image = plates / "new" / "red2.png"
    ended = partwise("region", "classify", untaught, image, "--jsonl", "--threshold", 1e6)
    record = json.loads(ended.out)
    assert record["score"] < record["threshold"]
    assert record["verdict"] == "anomaly"
    assert [each["class"] for each in record["regions"]] == ["rust"]


def test_the_kind_of_a_known_class_need_not_be_said(partwise, taught, plates):
    image = plates / "new" / "red2.png"
    ended = partwise("region", "teach", taught, image, "--box", "51,21,70,40", "--class", "red")
    assert "example 2, 2 in all; lesson 2" in ended.out
    assert classes(taught) == {"red": ("accepted", 2)}


def test_every_lesson_can_be_undone_and_redone(partwise, taught, plates):
    def told(*words):
        ended = partwise("region", *words)
        assert ended.code == 0, ended
        return ended.out

    out = told("rename", taught, "red", "dot")
    assert out.startswith("done: ")
    assert out.endswith(f"lesson 2, undo it with: partwise region undo {taught} 2\n")
    assert classes(taught) == {"dot": ("accepted", 1)}
    told("kind", taught, "dot", "--defect")
    assert classes(taught) == {"dot": ("defect", 1)}
    told("forget", taught, "dot")
    assert classes(taught) == {}
    out = told("undo", taught)
    assert out.startswith("undid: ")
    assert out.endswith(f"redo it with: partwise region redo {taught} 4\n")
    assert classes(taught) == {"dot": ("defect", 1)}
    told("undo", taught, "2")
    assert classes(taught) == {"red": ("defect", 1)}
    assert told("redo", taught).startswith("redid: ")
    assert classes(taught) == {"dot": ("defect", 1)}
    told("forget", taught, "--example", "1")
    assert classes(taught) == {}


def test_what_is_undone_is_not_recognised(partwise, taught, verdicts):
    partwise("region", "undo", taught)
    assert {name for found in verdicts(taught).values() for name in found} == {"unknown"}


def test_classes_are_listed(partwise, taught):
    header, line = partwise("region", "list", taught).out.splitlines()
    assert header.split() == ["class", "kind", "examples", "their", "ids", "since", "by"]
    assert line.split()[:4] == ["red", "accepted", "1", "1"]


def test_the_list_as_json_names_every_example(partwise, taught, plates):
    (known,) = json.loads(partwise("region", "list", taught, "--json").out)
    assert (known["name"], known["kind"], known["n_examples"]) == ("red", "accepted", 1)
    (example,) = known["examples"]
    assert example["image_name"] == str(plates / "new" / "red1.png")
    assert len(example["box_xyxy"]) == 4
    assert example["area_px"] > 100


def test_the_history_says_what_was_undone(partwise, taught):
    partwise("region", "rename", taught, "red", "dot", "--author", "ben")
    partwise("region", "undo", taught, "--author", "eva")
    header, first, second = partwise("region", "list", taught, "--lessons").out.splitlines()
    assert header.split() == ["lesson", "what", "when", "by", "undone"]
    assert first.startswith("1 ")
    assert "ben" not in first
    assert "ben" in second
    assert second.endswith(" by eva")
    lessons = json.loads(partwise("region", "list", taught, "--lessons", "--json").out)
    assert [each["is_undone"] for each in lessons] == [False, True]
    assert lessons[1]["reversals"][0]["author"] == "eva"


def test_the_page_shows_every_example_and_needs_no_other_file(partwise, taught, tmp_path):
    partwise("region", "rename", taught, "red", "<b>dot")
    page = tmp_path / "classes.html"
    assert partwise("region", "list", taught, "--html", page).code == 0
    html = page.read_text()
    assert html.count("data:image/") == 1
    assert "&lt;b&gt;dot" in html
    assert "http" not in html
    assert "<link" not in html


def test_a_library_is_found_beside_the_model_by_url_and_by_the_environment(
    partwise, untaught, red, tmp_path, monkeypatch
):
    teach = ("region", "teach", untaught, red, *BOX, "--accepted")
    place = tmp_path / "shared.db"
    partwise(*teach, "--class", "beside")
    out = partwise(*teach, "--class", "by url", "--library", f"sqlite:///{place}", "--force").out
    assert f"partwise region undo {untaught} 1 --library {place}" in out
    monkeypatch.setenv("PARTWISE_LIBRARY", str(place))
    out = partwise(*teach, "--class", "of line 2", "--name", "line 2").out
    assert f"partwise region undo {untaught} 2 --name 'line 2'" in out

    def listed(*options):
        return {
            each["name"]
            for each in json.loads(partwise("region", "list", untaught, "--json", *options).out)
        }

    assert listed() == {"by url"}
    assert listed("--name", "line 2") == {"of line 2"}
    assert listed("--library", untaught.with_suffix(".regions.db")) == {"beside"}


def test_reading_makes_no_library(partwise, untaught, plates):
    listed = partwise("region", "list", untaught)
    assert listed.out.startswith("nothing has been taught yet; name a region with: partwise region")
    assert partwise("region", "list", untaught, "--json").out == "[]\n"
    assert partwise("region", "list", untaught, "--lessons").out == "no lesson has been given yet\n"
    ended = partwise("region", "classify", untaught, plates / "new" / "red1.png")
    assert "unknown" in ended.out
    assert partwise("region", "propose", untaught, plates / "new").code == 0
    assert list(untaught.parent.iterdir()) == [untaught]
