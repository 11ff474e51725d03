import csv
import json
import math
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

PARTWISE = (sys.executable, "-m", "engine")


@pytest.fixture
def good(photos):
    return photos / "new" / "good.png"


@pytest.fixture
def stained(photos):
    return photos / "new" / "stained.png"


def records(ended):
    return [json.loads(line) for line in ended.out.splitlines()]


def test_jsonl_has_one_complete_object_an_image(partwise, model, good, stained):
    ended = partwise("score", model, stained, good, "--jsonl")
    assert ended.code == 0
    first, second = records(ended)
    assert (first["path"], second["path"]) == (str(stained), str(good))
    for record in (first, second):
        assert record["verdict"] == (
            "anomaly" if record["score"] > record["threshold"] else "normal"
        )
        assert record["calibration"] == "leave-one-out"
        assert record["scores"].keys() == record["normalised"].keys()
        assert sum(record["normalised"].values()) == pytest.approx(record["score"])
        assert record["seconds"] > 0
        assert record["placement"].keys() == {"turn_deg", "scale", "shift_xy", "text"}
        for deviation in record["deviations"]:
            assert {"class", "kind", "expected", "found", "text"} <= deviation.keys()
    assert (first["verdict"], second["verdict"]) == ("anomaly", "normal")
    assert first["deviations"]


def test_a_line_holds_verdict_total_path_and_one_reason(partwise, model, good, stained):
    said, told = records(partwise("score", model, stained, good, "--jsonl"))
    first, second = partwise("score", model, stained, good).out.splitlines()
    assert first.split()[:3] == ["anomaly", f"{said['score']:.3f}", str(stained)]
    assert any(first.endswith(deviation["text"]) for deviation in said["deviations"])
    assert second.split() == ["normal", f"{told['score']:.3f}", str(good)]


def test_a_folder_stands_for_its_images_in_order(partwise, model, photos, good, stained):
    ended = partwise("score", model, stained, photos / "new", "--jsonl")
    assert [record["path"] for record in records(ended)] == list(map(str, (stained, good, stained)))


def test_what_of_a_folder_is_not_judged_is_said(partwise, model, good, tmp_path, small, caplog):
    folder = tmp_path / "new"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.png", "deep/b.png"):
        shutil.copy(good, folder / name)
    (folder / "c.jp2").touch()
    said = f"{folder}: 2 files left out: 1 .jp2, 1 in the folder deep"
    for words in (
        ("score", model, folder),
        ("fit", folder, "-o", tmp_path / "m.pw", "-c", small),
        ("fit", good, "--validation", folder, "-o", tmp_path / "m.pw", "-c", small),
        ("region", "propose", model, folder),
        ("station", "add", tmp_path / "station", folder, "--model", model, "--copy"),
    ):
        caplog.clear()
        assert partwise(*words).code == 0
        assert caplog.messages.count(said) == 1


def test_the_threshold_can_be_set_by_hand(partwise, model, good):
    for threshold, verdict in ((-1, "anomaly"), (1e6, "normal")):
        (record,) = records(partwise("score", model, good, "--jsonl", "--threshold", threshold))
        assert record["threshold"] == threshold
        assert record["threshold_source"] == "set by hand"
        assert record["verdict"] == verdict


def test_worst_first_sorts_by_total_with_errors_last(partwise, model, good, stained, tmp_path):
    ended = partwise("score", model, tmp_path / "no", good, stained, "--jsonl", "--worst-first")
    paths = [record["path"] for record in records(ended)]
    assert paths == [str(stained), str(good), str(tmp_path / "no")]


def test_anomalies_fail_only_where_asked_to(partwise, model, good):
    bound = ("--threshold", -1)
    assert partwise("score", model, good, *bound).code == 0
    assert partwise("score", model, good, *bound, "--fail-on-anomaly").code == 3
    assert partwise("score", model, good, "--threshold", 1e6, "--fail-on-anomaly").code == 0
    assert partwise("score", model, good, good / "no", *bound, "--fail-on-anomaly").code == 1


def test_the_table_has_the_same_figures(partwise, model, good, stained, tmp_path):
    path = tmp_path / "scores.csv"
    said = records(partwise("score", model, stained, "nothing", good, "--jsonl", "--csv", path))
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["path"] for row in rows] == [str(stained), "nothing", str(good)]
    for row, record in zip(rows, said, strict=True):
        if "error" in record:
            assert row["error"] == record["error"]
            assert row["score"] == row["verdict"] == ""
            continue
        assert float(row["score"]) == record["score"]
        assert row["verdict"] == record["verdict"]
        for name, value in record["scores"].items():
            assert float(row[name]) == value
            assert float(row[f"{name}_normalised"]) == record["normalised"][name]
    assert rows[0]["reason"] != rows[2]["reason"] == ""


def test_a_table_of_errors_alone(partwise, model, tmp_path):
    assert partwise("score", model, "nothing", "--csv", tmp_path / "x.csv").code == 1
    assert (tmp_path / "x.csv").read_text().splitlines()[0] == "path,error"


BROKEN = {
    "zero.png": "is empty (0 bytes)",
    "text.png": "is not an image, or is cut off in its header",
    "torn.png": "is damaged or truncated",
    "dot.png": "must be at least 16 px on each side, got 1×1",
    "line.png": "must be at least 16 px on each side, got 1×5000",
    "bomb.png": "is too large: at most 200,000 pixels are read, got 500×500 = 250,000; "
    "if the file can be trusted, raise it with --max-pixels",
    "none.png": "no such file or folder",
    "empty": "is a folder without images",
}


@pytest.fixture
def broken(good, tmp_path):
    """All kinds of paths that cannot be judged, among them sound.png."""
    (tmp_path / "zero.png").touch()
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "torn.png").write_bytes(good.read_bytes()[:-20_000])
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    Image.new("RGB", (1, 5000)).save(tmp_path / "line.png")
    Image.new("RGB", (500, 500)).save(tmp_path / "bomb.png")
    (tmp_path / "empty").mkdir()
    shutil.copy(good, tmp_path / "sound.png")
    return tmp_path


def test_each_broken_image_has_its_own_line_and_stops_no_other(partwise, model, broken):
    names = [*list(BROKEN)[:4], "sound.png", *list(BROKEN)[4:], "sound.png"]
    paths = [broken / name for name in names]
    ended = partwise("score", model, *paths, "--jsonl", "--max-pixels", 200_000)
    assert ended.code == 1
    for name, path, record in zip(names, paths, records(ended), strict=True):
        assert record["path"] == str(path)
        if name == "sound.png":
            assert "score" in record
        else:
            assert record.keys() == {"path", "error"}
            assert str(path) in record["error"]
            assert BROKEN[name] in record["error"]

    lines = partwise("score", model, *paths, "--max-pixels", 200_000).out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "normal" if name == "sound.png" else "error" for name in names
    ]
    assert BROKEN["zero.png"] in lines[0]


def save_as(photo, path, mode, **options):
    photo.convert(mode).save(path, **options)
    return path


def test_sound_images_of_every_kind_are_judged_alike(partwise, model, good, tmp_path):
    photo = Image.open(good)
    grey16 = np.asarray(photo.convert("L")).astype(np.uint16) * 257
    Image.fromarray(grey16).save(tmp_path / "16bit.png")
    turned = photo.getexif()
    turned[0x0112] = 6  # to be turned clockwise by 90°
    paths = [
        save_as(
            photo.transpose(Image.Transpose.ROTATE_90), tmp_path / "exif.png", "RGB", exif=turned
        ),
        save_as(photo, tmp_path / "alpha.png", "RGBA"),
        save_as(photo, tmp_path / "wrong name.txt", "RGB", format="PNG"),
        save_as(photo, tmp_path / "cmyk.jpg", "CMYK", quality=98),
        save_as(photo, tmp_path / "palette.png", "P"),
        save_as(photo, tmp_path / "grey.png", "L"),
        save_as(photo, tmp_path / "moving.gif", "P", save_all=True, append_images=[photo]),
        tmp_path / "16bit.png",
    ]
    ended = partwise("score", model, good, *paths, "--jsonl")
    assert ended.code == 0
    plain, *others = (record["score"] for record in records(ended))
    assert others[:3] == [plain] * 3  # the very same pixels
    assert all(math.isfinite(score) for score in others)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such model file; check the path, or make it with `partwise fit`"),
        (b"", "is empty (0 bytes)"),
        (b"\x89PNG" * 50, "is not a partwise model"),
        (2000, "is truncated or damaged"),
    ],
)
def test_without_a_sound_model_nothing_is_judged(refused, model, good, tmp_path, content, message):
    path = tmp_path / "model.pw"
    if content is not None:
        path.write_bytes(model.read_bytes()[:content] if isinstance(content, int) else content)
    assert message in refused("score", path, good)


def test_an_unwritable_table_shows_before_the_first_image(refused, model, good, tmp_path):
    assert "the folder does not exist; create it first" in refused(
        "score", model, good, "--csv", tmp_path / "no" / "x.csv"
    )


def test_inputs_are_not_overwritten(refused, model, good):
    before = good.read_bytes()
    for path in (good, model):
        message = refused("score", model, good.parent, "--csv", path)
        assert message == f"cannot write {path}: it is one of the inputs; name another file"
    assert good.read_bytes() == before


@pytest.mark.parametrize("threshold", ["nan", "inf", "high"])
def test_a_threshold_is_a_finite_number(partwise, model, good, threshold):
    ended = partwise("score", model, good, "--threshold", threshold)
    assert ended.code == 2
    assert "Invalid value for '--threshold'" in ended.err


def test_a_full_disk_behind_the_standard_output(model, good):
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [*PARTWISE, "score", model, good], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert ended.returncode == 2
    assert ended.stderr == "Error: the output: No space left on device\n"


def test_a_reader_that_leaves_early_is_no_error(model, good):
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [*PARTWISE, "score", model, good], stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, "")


def test_a_file_name_need_not_be_text(model, good, tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.png"
    shutil.copy(good, path)
    ended = subprocess.run([*PARTWISE, "score", model, path], capture_output=True)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert rb"/\xff.png" in ended.stdout
