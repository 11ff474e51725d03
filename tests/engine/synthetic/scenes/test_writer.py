import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.synthetic.scenes import anomaly_types, class_names, write_scenes

FEW = {"n_train": 2, "n_validation": 1, "n_good": 1, "n_logical": 2, "n_structural": 1}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes") / "few"
    write_scenes(folder, categories=["pins", "bottle"], seed=5, **FEW)
    return folder


def read(path: Path) -> np.ndarray:
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert pixels is not None, path
    return pixels


def images(folder: Path) -> list[str]:
    places = [folder / split for split in ("train", "validation", "test")]
    return sorted(str(p.relative_to(folder)) for place in places for p in place.rglob("*.png"))


@pytest.mark.parametrize("category", ["pins", "bottle"])
def test_layout(root: Path, category: str) -> None:
    folder = root / category
    assert images(folder) == [
        "test/good/000.png",
        "test/logical_anomalies/000.png",
        "test/logical_anomalies/001.png",
        "test/structural_anomalies/000.png",
        "train/good/000.png",
        "train/good/001.png",
        "validation/good/000.png",
    ]
    for name in images(folder):
        shape = read(folder / name).shape
        assert shape[2] == 3
        assert read(folder / "part_maps" / name).shape == shape[:2]
        assert read(folder / "class_maps" / name).shape == shape[:2]
    assert not (folder / "ground_truth" / "good").exists()
    assert [p.name for p in root.parent.iterdir()] == ["few"]


@pytest.mark.parametrize("category", ["pins", "bottle"])
def test_masks_name_their_kind(root: Path, category: str) -> None:
    folder = root / category
    table = json.loads((folder / "defects_config.json").read_text())
    kind_at = json.loads((folder / "kinds.json").read_text())
    groups = anomaly_types(category)
    anomalies = groups["logical_anomalies"] + groups["structural_anomalies"]
    assert [each["defect_name"] for each in table] == list(anomalies)
    value_of = {each["defect_name"]: each["pixel_value"] for each in table}
    assert len(set(value_of.values())) == len(table)
    assert all(0 < value <= 255 for value in value_of.values())
    for entry in table:
        is_share = entry["relative_saturation"]
        assert (
            entry["saturation_threshold"] == 1.0 if is_share else entry["saturation_threshold"] > 1
        )
    assert sorted(kind_at) == [name for name in images(folder) if name.startswith("test")]
    for name, kind in kind_at.items():
        truth = folder / "ground_truth" / name.removeprefix("test/").removesuffix(".png")
        masks = sorted(truth.glob("*.png"))
        assert bool(masks) == (kind != "good")
        assert [mask.name for mask in masks] == [f"{i:03d}.png" for i in range(len(masks))]
        for mask in masks:
            assert set(np.unique(read(mask))) == {0, value_of[kind]}
            assert read(mask).shape == read(folder / name).shape[:2]


def test_class_table(root: Path) -> None:
    table = json.loads((root / "pins" / "classes.json").read_text())
    assert tuple(each["name"] for each in table) == class_names("pins")
    assert [each["id"] for each in table] == list(range(len(table)))
    assert [each["name"] for each in table if each["is_background"]] == ["background"]


def test_an_image_does_not_depend_on_how_many_there_are(root: Path, tmp_path: Path) -> None:
    more = {"n_train": 1, "n_validation": 0, "n_good": 0, "n_logical": 3, "n_structural": 0}
    write_scenes(tmp_path / "more", categories=["bottle"], seed=5, **more)
    shared = ["train/good/000.png", "test/logical_anomalies/001.png"]
    for name in shared:
        old, new = root / "bottle" / name, tmp_path / "more" / "bottle" / name
        assert old.read_bytes() == new.read_bytes()


def test_another_seed_gives_other_images(root: Path, tmp_path: Path) -> None:
    one = {"n_train": 1, "n_validation": 0, "n_good": 0, "n_logical": 0, "n_structural": 0}
    write_scenes(tmp_path / "other", categories=["bottle"], seed=6, **one)
    name = "bottle/train/good/000.png"
    assert (root / name).read_bytes() != (tmp_path / "other" / name).read_bytes()


def test_progress_counts_up_to_the_total(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    few = {"n_train": 1, "n_validation": 0, "n_good": 1, "n_logical": 0, "n_structural": 0}
    write_scenes(
        tmp_path / "empty-is-fine",
        categories=["bottle"],
        progress=lambda done, total: seen.append((done, total)),
        **few,
    )
    assert seen == [(1, 2), (2, 2)]


def test_an_empty_folder_is_filled_and_a_full_one_refused(tmp_path: Path) -> None:
    few = {"n_train": 1, "n_validation": 0, "n_good": 0, "n_logical": 0, "n_structural": 0}
    (tmp_path / "scenes").mkdir()
    write_scenes(tmp_path / "scenes", categories=["bottle"], **few)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match=r"need a new or empty folder, .*scenes is not; choose"):
        write_scenes(tmp_path / "scenes", categories=["bottle"], **few)
    assert sorted(tmp_path.rglob("*")) == before


def test_nothing_is_left_behind_when_writing_is_interrupted(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_scenes(tmp_path / "scenes", categories=["bottle"], progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_unknown_category_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="category must be one of"):
        write_scenes(tmp_path / "scenes", categories=["tins"])
    assert list(tmp_path.iterdir()) == []
