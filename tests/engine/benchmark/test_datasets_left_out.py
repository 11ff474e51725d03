"""No image of a data set vanishes: it is read, or counted and named."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from engine.benchmark.datasets import DatasetError, find_categories, left_out_beside
from engine.benchmark.results import read_result, remarks
from engine.benchmark.runner import run_bench
from engine.benchmark.text_report import tables_text
from features.folders import left_out_text, n_left_out


def soft_of(plain):
    (soft,) = find_categories(plain, ["soft"])
    return soft


def move_down(folder):
    """Put all files of a folder into one below it."""
    deep = folder / "deep"
    deep.mkdir()
    for path in [each for each in folder.iterdir() if each.is_file()]:
        path.rename(deep / path.name)


def rename_all(folder, suffix):
    for path in list(folder.iterdir()):
        path.rename(path.with_suffix(suffix))


def some_jp2(folder):
    (folder / "000.png").rename(folder / "000.JP2")


def loose(folder):
    (folder / "000.png").rename(folder.parent / "loose.png")


def dead_link(folder):
    (folder / "000.png").unlink()
    (folder / "000.png").symlink_to("nowhere.png")


@pytest.mark.parametrize(
    ("change", "group", "n_files", "what"),
    [
        (move_down, "dark", 3, "in the folder deep"),
        (move_down, "bright", 2, "in the folder deep"),
        (lambda folder: rename_all(folder, ".jp2"), "dark", 3, ".jp2"),
        (lambda folder: rename_all(folder, ".avif"), "bright", 2, ".avif"),
        (lambda folder: rename_all(folder, ""), "bright", 2, "without an ending"),
        (some_jp2, "good", 1, ".jp2"),
        (some_jp2, "dark", 1, ".jp2"),
        (loose, "dark", 1, ".png"),
        (dead_link, "dark", 1, "no file, or a link"),
    ],
)
def test_what_is_not_read_is_counted(plain, change, group, n_files, what):
    before = len(soft_of(plain).test)
    change(plain / "soft" / "test" / group)
    soft = soft_of(plain)
    assert n_left_out(soft.left_out) == n_files
    assert len(soft.test) == before - n_files
    assert f"{n_files} {what}" in left_out_text(soft.left_out)


@pytest.mark.parametrize("part", ["train", "validation"])
def test_normal_images_that_are_not_read_are_counted(plain, part):
    good = plain / "soft" / part / "good"
    good.mkdir(parents=True, exist_ok=True)
    (good / "more").mkdir()
    (good.parent / "bad").mkdir()
    for path in (good / "a.jp2", good / "more" / "b.png", good.parent / "bad" / "c.png"):
        path.touch()
    found = soft_of(plain).left_out
    assert [(each.what, each.n_files) for each in found] == [
        ("in the folder bad", 1),
        (".jp2", 1),
        ("in the folder more", 1),
    ]


def test_refusals_name_what_lies_there_instead(plain):
    rename_all(plain / "soft" / "train" / "good", ".jp2")
    with pytest.raises(DatasetError, match=r"no images in .*; 4 files left out: 4 \.jp2"):
        find_categories(plain, ["soft"])
    move_down(plain / "sharp" / "test" / "dent")
    with pytest.raises(DatasetError, match=r"no anomalous images .*3 in the folder deep"):
        find_categories(plain, ["sharp"])


def test_folders_beside_the_categories_are_counted(plain):
    shutil.copytree(plain / "soft" / "test", plain / "blunt" / "test")
    (plain / "notes").mkdir()
    (plain / "notes" / "a.txt").touch()
    (plain / "loose.png").touch()
    found = left_out_beside(plain)
    assert [(each.what, each.n_files) for each in found] == [
        (".png", 1),
        ("in the folder blunt", 9),
    ]
    assert left_out_beside(plain / "soft") == ()


@pytest.mark.parametrize("names", [("Train", "Test", "Good"), ("TRAIN", "TEST", "GOOD")])
def test_folders_are_found_in_any_case(plain, names):
    train, test, good = names
    before = soft_of(plain)
    root = plain / "soft"
    (root / "train" / "good").rename(root / "train" / good)
    (root / "train").rename(root / train)
    (root / "test" / "good").rename(root / "test" / good)
    (root / "test").rename(root / test)
    soft = soft_of(plain)
    assert len(soft.train) == len(before.train)
    assert [(each.path.name, each.group, each.is_anomalous) for each in soft.test] == [
        (each.path.name, each.group, each.is_anomalous)
        for each in sorted(before.test, key=lambda each: (each.group != "good", each.path))
    ]
    assert (soft.left_out, soft.notes) == ((), ())


def test_groups_that_differ_in_case_are_one_and_that_is_said(plain):
    for one, other in (("good", "Good"), ("dark", "DARK")):
        shutil.copytree(plain / "soft" / "test" / one, plain / "soft" / "test" / other)
    truth = plain / "soft" / "ground_truth" / "DARK"
    truth.mkdir(parents=True)
    Image.new("L", (32, 24), 255).save(truth / "001_mask.png")
    soft = soft_of(plain)
    counts = {name: sum(each.group == name for each in soft.test) for name in ("good", "dark")}
    assert counts == {"good": 8, "dark": 6}
    assert sum(each.is_anomalous for each in soft.test) == 8
    assert len({each.path for each in soft.test}) == len(soft.test)
    assert soft.notes == (
        "test/DARK and test/dark are taken as one group, dark",
        "test/Good and test/good are taken as one group, good",
    )


def test_normal_groups_that_differ_in_case_are_one_and_that_is_said(plain):
    for part in ("train", "validation"):
        for name in ("good", "Good"):
            folder = plain / "soft" / part / name
            if not folder.exists():
                shutil.copytree(plain / "soft" / "train" / "good", folder)
    soft = soft_of(plain)
    assert (len(soft.train), len(soft.validation)) == (8, 8)
    assert soft.notes == (
        "train/Good and train/good are taken as one group, good",
        "validation/Good and validation/good are taken as one group, good",
    )


# Masks


def write_mask(path, values, kind=np.uint8):
    """Write a mask with a square of each value."""
    mask = np.zeros((24, 32), dtype=kind)
    for index, value in enumerate(values):
        mask[2:6, 2 + 6 * index : 6 + 6 * index] = value
    Image.fromarray(mask).save(path)


def test_every_grey_value_of_a_mask_is_a_defect(loco):
    write_mask(loco / "ground_truth/logical_anomalies/001/000.png", [255, 254, 253])
    (category,) = find_categories(loco)
    assert category.test[3].types == ("extra_pin", "missing_pin", "scratch")
    assert category.notes == ()


def test_values_that_no_defect_has_are_said(loco):
    write_mask(loco / "ground_truth/logical_anomalies/001/000.png", [255, 1, 77])
    write_mask(loco / "ground_truth/structural_anomalies/000/000.png", [2])
    (category,) = find_categories(loco)
    assert [sample.types for sample in category.test[3:]] == [
        ("missing_pin",),
        ("structural_anomalies",),
    ]
    assert category.notes == (
        "masks with pixels of values that no defect has (2): "
        "logical_anomalies/001/000.png (16 px of 1, 16 px of 77), "
        "structural_anomalies/000/000.png (16 px of 2)",
    )


def test_masks_of_16_bits_keep_their_values(loco):
    entries = json.loads((loco / "defects_config.json").read_text())
    for entry, value in zip(entries, (300, 301, 65535), strict=True):
        entry["pixel_value"] = value
    (loco / "defects_config.json").write_text(json.dumps(entries))
    for mask, values in {
        "logical_anomalies/000/000": [300],
        "logical_anomalies/000/001": [301],
        "logical_anomalies/001/000": [301, 300],
        "structural_anomalies/000/000": [65535],
    }.items():
        write_mask(loco / "ground_truth" / f"{mask}.png", values, np.uint16)
    (category,) = find_categories(loco)
    assert [sample.types for sample in category.test[2:]] == [
        ("extra_pin", "missing_pin"),
        ("extra_pin", "missing_pin"),
        ("scratch",),
    ]
    assert category.notes == ()


def test_images_without_a_mask_and_masks_of_other_formats_are_said(loco):
    truth = loco / "ground_truth"
    (truth / "logical_anomalies/000/001.png").rename(truth / "logical_anomalies/000/001.npy")
    shutil.rmtree(truth / "structural_anomalies")
    (category,) = find_categories(loco)
    assert category.notes == (
        "anomalous images without a mask, whose type is their group (1): "
        "structural_anomalies/000.png",
        "among the masks 1 file left out: 1 .npy",
    )


def test_a_mask_beside_the_others_may_have_any_format(loco):
    truth = loco / "ground_truth" / "structural_anomalies"
    shutil.rmtree(truth / "000")
    write_mask(truth / "000_mask.tif", [253, 255])
    (category,) = find_categories(loco)
    assert category.test[4].types == ("missing_pin", "scratch")
    assert category.test[4].masks == (truth / "000_mask.tif",)


# Results


def test_tables_and_results_count_what_was_left_out(plain, brightness, tmp_path):
    move_down(plain / "soft" / "test" / "dark")
    (plain / "soft" / "test" / "Good").mkdir()
    (plain / "loose").mkdir()
    (plain / "loose" / "a.png").touch()
    path = tmp_path / "result.json"
    found = find_categories(plain)
    result = run_bench(
        found,
        brightness.Brightness,
        shots=[2],
        seeds=[0],
        results_path=path,
        beside=left_out_beside(plain),
    )
    again = read_result(path)
    for each in (result, again):
        assert [(row.category, row.n_left_out) for row in each.summary.rows] == [
            ("sharp", 0),
            ("soft", 3),
        ]
        assert [row.n_left_out for row in each.summary.means] == [3]
        assert each.remarks == (
            "soft: 3 files left out: 3 in the folder deep",
            "soft: test/Good and test/good are taken as one group, good",
            "beside the categories: 1 file left out: 1 in the folder loose",
        )
    text = tables_text(again.summary, remarks=again.remarks)
    lines = text.splitlines()
    head = next(line for line in lines if "F1-max" in line)
    soft = next(line for line in lines if line.split()[:1] == ["soft"])
    assert head.split()[-2:] == ["left", "out"]
    assert soft.split()[-1] == "3"
    assert "soft: 3 files left out: 3 in the folder deep" in text


def test_a_clean_data_set_has_no_such_column(plain, brightness, tmp_path):
    path = tmp_path / "result.json"
    result = run_bench(
        find_categories(plain), brightness.Brightness, shots=[2], seeds=[0], results_path=path
    )
    assert result.remarks == ()
    assert "left out" not in tables_text(result.summary, remarks=result.remarks)
    content = json.loads(path.read_text())
    assert (content["left_out"], content["notes"]) == ({}, {})
    del content["left_out"], content["notes"]  # as in results of the first release
    path.write_text(json.dumps(content))
    assert read_result(path).remarks == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("left_out", {"soft": [{"where": "a"}]}),
        ("left_out", {"soft": [{"where": 1, "what": "a", "n_files": 2}]}),
        ("left_out", {"soft": [{"where": "a", "what": "a", "n_files": "many"}]}),
        ("left_out", ["soft"]),
        ("left_out", {"soft": 1}),
        ("notes", {"soft": 1}),
        ("notes", None),
    ],
)
def test_a_result_that_was_altered_is_refused(plain, brightness, tmp_path, name, value):
    path = tmp_path / "result.json"
    run_bench(
        find_categories(plain), brightness.Brightness, shots=[1], seeds=[0], results_path=path
    )
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(DatasetError, match="is no benchmark result"):
        read_result(path)


def test_remarks_of_nothing_are_none():
    assert remarks({"soft": ()}, {"soft": ()}) == ()
