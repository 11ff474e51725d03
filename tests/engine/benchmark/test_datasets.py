import re
import shutil

import pytest
from PIL import Image

from engine.benchmark.datasets import (
    DatasetError,
    Defect,
    category_folders,
    find_categories,
    find_datasets,
)


def test_plain_folders_are_read_sorted(plain):
    sharp, soft = find_categories(plain)
    assert (sharp.name, soft.name) == ("sharp", "soft")
    assert [soft.relative(path) for path in soft.train] == [
        f"train/good/00{index}.png" for index in range(4)
    ]
    assert soft.validation == ()
    assert soft.defects == ()
    assert [sample.group for sample in soft.test] == ["bright"] * 2 + ["dark"] * 3 + ["good"] * 4
    assert [sample.is_anomalous for sample in soft.test] == [True] * 5 + [False] * 4
    assert {sample.types for sample in soft.test} == {("bright",), ("dark",), ()}
    assert all(sample.masks == () for sample in soft.test)


def test_the_root_may_be_one_category(plain):
    (soft,) = find_categories(plain / "soft")
    assert soft.name == "soft"
    assert soft == find_categories(plain, ["soft"])[0]


def test_folders_that_are_no_category_are_passed_over(plain):
    (plain / "notes").mkdir()
    (plain / ".cache" / "train" / "good").mkdir(parents=True)
    (plain / "readme.txt").touch()
    assert len(find_categories(plain)) == 2


def test_files_that_are_no_images_are_passed_over(plain):
    for name in ("notes.txt", ".hidden.png", "Thumbs.db"):
        (plain / "soft" / "train" / "good" / name).touch()
    (plain / "soft" / "test" / "dark" / "map.csv").touch()
    (soft,) = find_categories(plain, ["soft"])
    assert len(soft.train) == 4
    assert len(soft.test) == 9


def test_loco_names_each_defect_by_the_grey_value_of_its_mask(loco):
    (category,) = find_categories(loco)
    assert [path.name for path in category.validation] == ["000.png"]
    assert category.defects[0] == Defect("missing_pin", 255, 120.0, is_relative=False)
    assert category.defects[2] == Defect("scratch", 253, 0.5, is_relative=True)
    found = [(sample.group, sample.types, len(sample.masks)) for sample in category.test]
    assert found == [
        ("good", (), 0),
        ("good", (), 0),
        ("logical_anomalies", ("extra_pin", "missing_pin"), 2),
        ("logical_anomalies", ("missing_pin",), 1),
        ("structural_anomalies", ("scratch",), 1),
    ]


def test_an_anomaly_without_a_known_mask_has_its_group_as_type(loco):
    shutil.rmtree(loco / "ground_truth" / "structural_anomalies")
    Image.new("L", (32, 24), 77).save(loco / "ground_truth/logical_anomalies/001/000.png")
    (category,) = find_categories(loco)
    assert [sample.types for sample in category.test[3:]] == [
        ("logical_anomalies",),
        ("structural_anomalies",),
    ]


def test_mvtec_ad_masks_are_found_beside_each_other(plain):
    truth = plain / "soft" / "ground_truth" / "dark"
    truth.mkdir(parents=True)
    Image.new("L", (32, 24), 255).save(truth / "001_mask.png")
    (soft,) = find_categories(plain / "soft")
    masks = {sample.path.name: sample.masks for sample in soft.test if sample.group == "dark"}
    assert masks == {
        "000.png": (),
        "001.png": (soft.root / "ground_truth/dark/001_mask.png",),
        "002.png": (),
    }
    assert soft.test[3].types == ("dark",)


def refused(root, message, names=None):
    with pytest.raises(DatasetError, match=re.escape(message)) as caught:
        find_categories(root, names)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_refused(tmp_path):
    refused(tmp_path / "no", f"no such folder: {tmp_path / 'no'}")


def test_a_folder_without_categories_says_what_is_expected(tmp_path):
    refused(tmp_path, f"no category found in {tmp_path}: expected CATEGORY/train/good and")


def test_an_unknown_category_is_answered_with_those_there_are(plain):
    refused(plain, f"no category blunt in {plain}; it has: sharp, soft", ["soft", "blunt"])
    refused(plain / "soft", "it has: soft", ["sharp"])


@pytest.mark.parametrize("folder", ["train/good", "test/good"])
def test_an_empty_folder_is_refused(plain, folder):
    for path in (plain / "soft" / folder).iterdir():
        path.unlink()
    refused(plain, f"no images in {plain / 'soft' / folder}")
    assert find_categories(plain, ["sharp"])


def test_a_category_without_a_test_folder_is_refused(plain):
    shutil.rmtree(plain / "soft" / "test")
    refused(plain, f"no images in {plain / 'soft/test/good'}: expected")


def test_a_category_without_anomalies_is_refused(plain):
    shutil.rmtree(plain / "sharp" / "test" / "dent")
    refused(plain, f"no anomalous images in {plain / 'sharp/test'}")


@pytest.mark.parametrize("content", ["{", "[1]", '[{"defect_name": "a"}]', '{"a": 1}'])
def test_a_broken_list_of_defects_is_refused(loco, content):
    (loco / "defects_config.json").write_text(content)
    refused(loco, f"{loco / 'defects_config.json'} is no")


def test_a_broken_mask_is_refused(loco):
    mask = loco / "ground_truth/structural_anomalies/000/000.png"
    mask.write_bytes(b"no image")
    refused(loco, f"cannot read the mask {mask}")


def test_data_sets_are_found_below_a_folder_but_not_inside_each_other(plain, tmp_path):
    lone = tmp_path / "deep" / "deeper" / "lone" / "train" / "good"
    lone.mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    (tmp_path / ".hidden" / "train" / "good").mkdir(parents=True)
    assert find_datasets(tmp_path, depth=1) == [plain]
    assert find_datasets(tmp_path / "deep") == [tmp_path / "deep" / "deeper"]
    assert find_datasets(plain / "soft") == [plain / "soft"]
    assert find_datasets(tmp_path / "gone") == []


def test_the_folder_of_each_category_is_known_without_reading_it(plain):
    assert category_folders(plain) == {name: plain / name for name in ("sharp", "soft")}
    assert category_folders(plain / "soft") == {"soft": plain / "soft"}
    with pytest.raises(DatasetError, match="no category found"):
        category_folders(plain / "soft" / "test")
