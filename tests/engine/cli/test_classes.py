"""Editing classes from a terminal: what is printed, and what is then in the model."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from engine.cli import cli
from engine.inspector import Inspector


@pytest.fixture(scope="module")
def model_of_two(tmp_path_factory, photos, small):
    """A model of two references: every edit is tried on each of them."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "references").mkdir()
    for name in ("0.png", "1.png"):
        shutil.copy(photos / "references" / name, folder / "references")
    with pytest.raises(SystemExit, match="0"):
        cli(["fit", f"{folder}/references", "-o", f"{folder}/two.pw", "-c", str(small)])
    return folder / "two.pw"


@pytest.fixture
def own(model_of_two, tmp_path):
    """A model that may be edited."""
    return shutil.copy(model_of_two, tmp_path / "own.pw")


@pytest.fixture
def rows(partwise):
    """List the classes of a model as JSON."""

    def listed(model):
        ended = partwise("classes", "list", model, "--json")
        assert ended.code == 0
        return json.loads(ended.out)["classes"]

    return listed


def foreground(rows):
    """Return the largest class that is no background."""
    return max((row for row in rows if not row["is_background"]), key=lambda row: row["share"])


def test_classes_are_listed_and_drawn(partwise, own, rows, tmp_path):
    picture = tmp_path / "classes.png"
    ended = partwise("classes", "list", own, "-o", picture)
    assert ended.code == 0
    assert ended.out.startswith("references: 0 ")
    assert len(ended.out.splitlines()) == 2 + len(rows(own))
    inspector = Inspector.load(own)
    height, width = inspector.fitted.working_size
    with Image.open(picture) as drawn:
        assert drawn.width > 2 * 2 * width
        assert drawn.height > 2 * height


def test_an_edit_prints_its_effect_and_is_saved(partwise, own, rows):
    row = foreground(rows(own))
    ended = partwise("classes", "rename", own, row["id"], "cable", "--author", "ann")
    assert ended.code == 0
    assert ended.out.splitlines()[0] == f"renamed '{row['name']}' to 'cable'"
    assert "leave-one-out total" in ended.out
    assert "threshold" in ended.out
    assert foreground(rows(own))["name"] == "cable"
    assert "ann  renamed" in partwise("classes", "history", own).out


def test_a_trial_saves_nothing(partwise, own, rows):
    before = own.read_bytes()
    row = foreground(rows(own))
    ended = partwise("classes", "ignore", own, row["name"], "--dry-run", "--json")
    told = json.loads(ended.out)
    assert told["is_saved"] is False
    assert len(told["totals"]) == 2
    assert own.read_bytes() == before


def test_edits_are_undone_and_redone(partwise, own, rows):
    before = rows(own)
    partwise("classes", "merge", own, before[0]["id"], before[1]["id"], "--name", "all")
    assert rows(own)[0]["name"] == "all"
    ended = partwise("classes", "undo", own, "--author", "bob")
    assert ended.out.startswith("undone: merged ")
    assert rows(own) == before
    assert "(undone by bob)" in partwise("classes", "history", own).out
    partwise("classes", "redo", own)
    assert len(rows(own)) == len(before) - 1
    told = json.loads(partwise("info", own, "--json").out)
    assert [each["id"] for each in told["classes"]] == [each["id"] for each in rows(own)]
    assert told["class_edits"][0]["text"].endswith(" as 'all'")


def test_a_rule_decides_and_is_told_first(partwise, own, rows, photos):
    row = foreground(rows(own))
    partwise("classes", "rename", own, row["id"], "cable")
    partwise("classes", "count", own, "cable", "0")
    assert foreground(rows(own))["tolerance"] == 0
    assert partwise("classes", "count", own, "cable", "learn").code == 0
    assert foreground(rows(own))["tolerance"] is None


@pytest.mark.parametrize("way", ["click", "box", "exact", "polygon", "mask"])
def test_a_class_is_added_by_outlining_it(partwise, own, rows, tmp_path, way):
    inspector = Inspector.load(own)
    height, width = inspector.fitted.working_size
    mask = np.zeros((height, width), dtype=np.uint8)
    mask[40:64, 40:64] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    outline = {
        "click": ("--click", "50,50"),
        "box": ("--box", "40,40,64,64"),
        "exact": ("--box", "40,40,64,64", "--exact"),
        "polygon": ("--polygon", "40,40 64,40 64,64 40,64"),
        "mask": ("--mask", tmp_path / "mask.png"),
    }[way]
    name = inspector.fitted.names[1]
    ended = partwise("classes", "add", own, "--reference", name, "--name", "spot", *outline)
    assert ended.code == 0, ended
    row = rows(own)[-1]
    assert (row["name"], row["is_painted"]) == ("spot", True)
    assert row["counts"][1] >= 1
    if way in ("exact", "polygon", "mask"):
        class_map = Inspector.load(own).fitted.samples[1].valid_class_map
        assert (class_map[40:64, 40:64] == row["id"]).all()


def test_the_last_lines_of_help_name_the_coordinates(partwise):
    told = " ".join(partwise("classes", "add", "--help").out.split())
    assert "upright and in working size" in told


def test_what_cannot_be_done_is_said_in_one_line(refused, own, tmp_path):
    assert refused("classes", "rename", own, "nail", "tack").startswith("there is no class 'nail'")
    assert refused("classes", "undo", own).startswith("there is no edit to undo")
    message = refused("classes", "list", own, "-o", tmp_path / "classes.txt")
    assert message.startswith("the picture must end in .png, .jpg, .jpeg, got classes.txt")
    add = ("classes", "add", own, "--name", "x", "--reference")
    assert refused(*add, "9", "--click", "5,5").startswith("there is no reference '9'")
    assert refused(*add, "0", "--click", "5,5 6,6").startswith("a click must be one place X,Y")
    assert refused(*add, "0", "--click", "9999,5").startswith("a click must lie in")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("count", "0", "few"), "expected a whole number from 0 on or 'learn', got 'few'"),
        (("add", "--reference", "0", "--name", "x"), "outline the thing by one of --click"),
    ],
)
def test_bad_usage(partwise, own, arguments, message):
    command, *rest = arguments
    ended = partwise("classes", command, own, *rest)
    assert ended.code == 2
    assert message in ended.err
