"""What is printed and written of images with taught regions."""

import csv
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

ENDINGS = (".classes.json", ".classes.png", ".regions.png")


def records(ended):
    return [json.loads(line) for line in ended.out.splitlines()]


def test_a_line_holds_verdict_total_path_and_every_region(partwise, taught, plates):
    image = plates / "new" / "both.png"
    (record,) = records(partwise("region", "classify", taught, image, "--jsonl"))
    (line,) = partwise("region", "classify", taught, image).out.splitlines()
    assert line.split()[:3] == ["anomaly", f"{record['score']:.3f}", str(image)]
    assert record["path"] == str(image)
    assert {each["class"]: each["verdict"] for each in record["regions"]} == {
        "red": "accepted",
        "unknown": "unknown",
    }
    for each in record["regions"]:
        place = ",".join(map(str, each["box_xyxy"]))
        kind = " (accepted)" if each["class"] == "red" else ""
        assert f"{each['class']}{kind} {each['confidence']:.0%} at {place}" in line


def test_the_mask_says_of_each_pixel_what_was_found(partwise, taught, plates, tmp_path):
    out = tmp_path / "out"
    image = plates / "new" / "both.png"
    assert partwise("region", "classify", taught, image, "-o", out).code == 0
    assert sorted(each.name for each in out.iterdir()) == [f"both{each}" for each in ENDINGS]
    legend = {each["value"]: each for each in json.loads((out / "both.classes.json").read_text())}
    assert [legend[value]["name"] for value in range(3)] == ["nothing new", "unknown", "red"]
    assert legend[2]["verdict"] == "accepted"

    with Image.open(out / "both.classes.png") as mask:
        assert mask.mode == "P"
        values, shown = np.asarray(mask), np.asarray(mask.convert("RGB"))
    y, x = np.mgrid[:96, :96]
    for (left, top), value in (((25, 30), 2), ((65, 60), 1)):
        distance = np.hypot(x - left, y - top)
        assert (values[distance <= 6] == value).all()
        assert (values[(distance > 10) & (distance < 14)] == 0).all()
    for value, entry in legend.items():
        assert (shown[values == value] == entry["color"]).all()
    with Image.open(out / "both.regions.png") as panels:
        assert panels.width > 3 * 96


def test_images_of_one_name_keep_their_own_files(partwise, taught, plates, tmp_path):
    new = plates / "new"
    for folder, name in (("monday", "red1"), ("tuesday", "blue1")):
        (tmp_path / folder).mkdir()
        shutil.copy(new / f"{name}.png", tmp_path / folder / "x.png")
    with Image.open(new / "good.png") as good:
        good.save(tmp_path / "tuesday" / "x.bmp")
    out = tmp_path / "out"
    ended = partwise(
        "region", "classify", taught, tmp_path / "monday", tmp_path / "tuesday", "-o", out
    )
    assert ended.code == 0
    stems = ("monday/x", "tuesday/x.bmp", "tuesday/x.png")
    expected = {stem + ending for stem in stems for ending in ENDINGS}
    written = {str(each.relative_to(out)) for each in out.rglob("*.*") if each.is_file()}
    assert written == expected
    found = []
    for stem in stems:
        with Image.open(out / f"{stem}.classes.png") as mask:
            found.append(set(np.unique(np.asarray(mask))))
    red, good, blue = found
    assert (red, blue) == ({0, 2}, {0, 1})
    assert good <= {0, 1}  # of no class, whatever else the plate may be


def test_a_broken_image_stops_no_other(partwise, taught, plates, tmp_path):
    (tmp_path / "zero.png").touch()
    out = tmp_path / "out"
    red = shutil.copy(plates / "new" / "red1.png", tmp_path)
    words = ("region", "classify", taught, tmp_path / "zero.png", tmp_path / "none.png", red)
    ended = partwise(*words, "--jsonl", "-o", out)
    assert ended.code == 1
    first, second, third = records(ended)
    assert "is empty (0 bytes)" in first["error"]
    assert "no such file or folder" in second["error"]
    assert third["regions"][0]["class"] == "red"
    assert sorted(path.name for path in out.iterdir()) == [f"red1{each}" for each in ENDINGS]
    lines = partwise(*words).out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["error", "error"]


def test_inputs_are_not_overwritten_and_a_file_is_no_folder(refused, taught, plates, tmp_path):
    shutil.copy(plates / "new" / "red1.png", tmp_path / "x.png")
    shutil.copy(plates / "new" / "red1.png", tmp_path / "x.regions.png")
    words = ("region", "classify", taught, tmp_path / "x.png", tmp_path / "x.regions.png")
    before = (tmp_path / "x.regions.png").read_bytes()
    assert "it is one of the inputs" in refused(*words, "-o", tmp_path)
    assert (tmp_path / "x.regions.png").read_bytes() == before
    assert "it is a file; name a folder" in refused(*words, "-o", tmp_path / "x.png")


def test_score_leaves_accepted_regions_out(partwise, taught, plates):
    image = plates / "new" / "red2.png"
    (plain,) = records(partwise("score", taught, image, "--jsonl"))
    (known,) = records(partwise("score", taught, image, "--jsonl", "--regions"))
    assert known["score_without_regions"] == plain["score"]
    assert known["score"] < plain["score"] / 5
    assert "regions" not in plain
    assert [each["class"] for each in known["regions"]] == ["red"]


def test_score_says_what_was_found_and_fails_on_it(partwise, taught, plates, tmp_path):
    both, table = plates / "new" / "both.png", tmp_path / "scores.csv"
    bound = ("--threshold", 1e6)
    words = ("score", taught, both, *bound, "--regions", "--fail-on-anomaly", "--csv", table)
    ended = partwise(*words)
    assert ended.code == 3  # an unknown region is an anomaly whatever the total
    assert ended.out.split()[0] == "anomaly"
    assert ended.out.rstrip().endswith("unknown, red (accepted)")
    (row,) = csv.DictReader(table.read_text().splitlines())
    assert (row["verdict"], row["reason"]) == ("anomaly", "unknown, red (accepted)")
    assert row["regions"] == "unknown, red (accepted)"
    assert float(row["score_without_regions"]) > 5

    red = plates / "new" / "red1.png"
    ended = partwise("score", taught, red, *bound, "--regions", "--fail-on-anomaly")
    assert (ended.code, ended.out.split()[0]) == (0, "normal")
    assert partwise("score", taught, both, *bound, "--fail-on-anomaly").code == 0


def test_score_without_a_lesson_knows_no_class(partwise, untaught, plates):
    image = plates / "new" / "red1.png"
    ended = partwise("score", untaught, image, "--regions")
    assert ended.out.rstrip().endswith("unknown")
    assert list(untaught.parent.iterdir()) == [untaught]


def test_a_library_without_regions_is_refused(partwise, untaught, plates, tmp_path):
    ended = partwise("score", untaught, plates / "new", "--library", tmp_path / "x.db")
    assert ended.code == 2
    assert "a library is used only with --regions" in ended.err


@pytest.mark.parametrize("image", ["good.png", "none.png"])
def test_plain_scoring_needs_no_database(taught, plates, image):
    program = f"""
import sys
from engine.cli.main import cli
try:
    cli(["score", {str(taught)!r}, {str(plates / "new" / image)!r}, {str(plates / "new")!r}])
finally:
    assert not {{"sqlalchemy", "alembic"}} & set(sys.modules)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.stderr == ""
    assert ended.stdout.count("\n") == 8
