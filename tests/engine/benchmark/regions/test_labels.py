"""What label tools write by default is read alike, and what is left out is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.benchmark.datasets import DatasetError
from engine.benchmark.regions.labels import BoxedSet, find_boxes

SIZE = (40, 30)
BOX, OTHER = "0 0.5 0.5 0.2 0.4", "1 0.25 0.25 0.1 0.1"
OUTLINE = "0 0.4 0.3 0.6 0.3 0.6 0.7 0.4 0.7"
# what labelImg has in its list before anybody labels
PREDEFINED = [f"thing {number}" for number in range(15)]


def write(folder: Path, files: dict[str, str | None]) -> Path:
    """Write text files, and pictures where there is no text."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            Image.new("RGB", SIZE).save(path)
        else:
            path.write_text(text, encoding="utf-8")
    return folder


LAYOUTS: dict[str, dict[str, str | None]] = {
    "labelImg, all in one folder": {
        "photos/a.jpg": None,
        "photos/a.txt": BOX,
        "photos/b.png": None,
        "photos/b.txt": OTHER,
        "photos/classes.txt": "hole\nspot\n",
    },
    "labelImg, labels in a folder of their own": {
        "images/a.jpg": None,
        "labels/a.txt": BOX,
        "images/b.png": None,
        "labels/b.txt": OTHER,
        "labels/classes.txt": "hole\nspot\n",
    },
    "labelImg, labels in a folder beside the photographs": {
        "a.jpg": None,
        "labels/a.txt": BOX,
        "b.png": None,
        "labels/b.txt": OTHER,
        "labels/classes.txt": "\ufeffhole\r\nspot\r\n\r\n",
    },
    "Label Studio": {
        "classes.txt": "hole\nspot",
        "notes.json": '{"categories": []}',
        "images/a.jpg": None,
        "labels/a.txt": BOX,
        "images/b.png": None,
        "labels/b.txt": OTHER,
    },
    "CVAT, YOLO 1.1": {
        "obj.names": "hole\nspot\n",
        "obj.data": "classes = 2\nnames = obj.names\n",
        "train.txt": "data/obj_train_data/a.jpg\n",
        "obj_train_data/a.jpg": None,
        "obj_train_data/a.txt": BOX,
        "obj_train_data/b.png": None,
        "obj_train_data/b.txt": OTHER,
    },
    "CVAT, Ultralytics": {
        "data.yaml": "path: .\ntrain: train.txt\nnames:\n  0: hole\n  1: spot\n",
        "train.txt": "images/train/a.jpg\n",
        "images/train/a.jpg": None,
        "labels/train/a.txt": BOX,
        "images/train/b.png": None,
        "labels/train/b.txt": OTHER,
    },
    "Ultralytics, two splits": {
        "dataset.yaml": "train: images/train\nval: images/val\nnames: {1: spot, 0: hole}\n",
        "images/train/a.jpeg": None,
        "labels/train/a.txt": BOX,
        "images/val/b.PNG": None,
        "labels/val/b.txt": OTHER,
        "labels/train.cache": "",
    },
    "Roboflow": {
        "data.yaml": "train: ../train/images\nnc: 2\nnames: ['hole', 'spot']\n",
        "README.roboflow.txt": "exported\n",
        "train/images/a_jpg.rf.0123abcd.jpg": None,
        "train/labels/a_jpg.rf.0123abcd.txt": BOX,
        "valid/images/b_png.rf.0123abcd.jpg": None,
        "valid/labels/b_png.rf.0123abcd.txt": OTHER,
    },
    "Roboflow, Darknet": {
        "train/_darknet.labels": "hole\nspot",
        "train/a_jpg.rf.0123abcd.jpg": None,
        "train/a_jpg.rf.0123abcd.txt": BOX,
        "train/b_png.rf.0123abcd.jpg": None,
        "train/b_png.rf.0123abcd.txt": OTHER,
    },
    "Darknet, folders as in VOC": {
        "data/obj.names": "hole\nspot\n",
        "JPEGImages/a.jpg": None,
        "labels/a.txt": BOX,
        "JPEGImages/b.webp": None,
        "labels/b.txt": OTHER,
    },
    "outlines of a segmentation": {
        "data.yaml": "names: [hole, spot]",
        "Images/a.tif": None,
        "Labels/a.txt": OUTLINE,
        "Images/b.bmp": None,
        "Labels/b.txt": "1.0 0.2 0.2 0.3 0.2 0.3 0.3 0.2 0.3",
    },
    "a pose, whose points are passed over": {
        "data.yaml": "kpt_shape: [2, 3]\nnames: [hole, spot]",
        "images/a.jpg": None,
        "labels/a.txt": f"{BOX} 0.5 0.5 2 0.1 0.1 0",
        "images/b.jpg": None,
        "labels/b.txt": f"{OTHER} 0 0 0 0 0 0",
    },
}


def facts(found: BoxedSet) -> list[tuple[str, str, list[tuple[float, ...]]]]:
    return [
        (
            photo.group,
            found.class_names[photo.boxes[0].class_index],
            [tuple(round(edge, 6) for edge in box.edges_xyxy) for box in photo.boxes],
        )
        for photo in found.photos
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_tools_write_by_default_is_read_alike(layout: str, tmp_path: Path) -> None:
    found = find_boxes(write(tmp_path, LAYOUTS[layout]))
    assert facts(found) == [
        ("a", "hole", [(0.4, 0.3, 0.6, 0.7)]),
        ("b", "spot", [(0.2, 0.2, 0.3, 0.3)]),
    ]
    is_odd = layout.startswith("outlines")
    assert [each for each in found.notes if "outlines" in each] == (
        ["2 outlines count as the boxes around them"] if is_odd else []
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_photographs_without_labels_show_no_class(layout: str, tmp_path: Path) -> None:
    folder = write(tmp_path, LAYOUTS[layout])
    first = next(name for name, text in LAYOUTS[layout].items() if text is None)
    Image.new("RGB", SIZE).save((folder / first).with_name("bare.jpeg"))
    found = find_boxes(folder)
    assert [photo.path.name for photo in found.photos if not photo.boxes] == ["bare.jpeg"]
    assert "1 photograph has no labels: background" in found.notes


def test_classes_without_a_box_have_no_part(tmp_path: Path) -> None:
    files = {
        "classes.txt": "\n".join([*PREDEFINED, "hole", "spot"]),
        "a.jpg": None,
        "a.txt": BOX.replace("0", "15", 1),
        "b.jpg": None,
        "b.txt": OTHER.replace("1", "16", 1),
    }
    found = find_boxes(write(tmp_path, files))
    assert found.class_names == ("hole", "spot")
    assert [name for _, name, _ in facts(found)] == ["hole", "spot"]
    assert found.notes == (
        "15 classes have no box and no part: thing 0, thing 1, thing 2, thing 3, thing 4 and 10 "
        "more",
    )


def test_what_else_lies_there_is_said(tmp_path: Path) -> None:
    files = LAYOUTS["CVAT, YOLO 1.1"] | {
        "obj_train_data/c.jp2": "",
        "obj_train_data/a.xml": "",
        "plots/results.png": None,
        ".hidden/d.png": None,
    }
    found = find_boxes(write(tmp_path, files))
    assert [photo.path.name for photo in found.photos] == ["a.jpg", "b.png"]
    assert found.notes == (
        "1 image is left out, without labels: plots/results.png",
        "2 files are left out, no photographs: .jp2, .xml",
    )


def test_lists_that_begin_alike_are_one(tmp_path: Path) -> None:
    files = LAYOUTS["labelImg, all in one folder"] | {
        "photos/classes.txt": "hole\n",
        "more/classes.txt": "hole\nspot\n",
    }
    assert find_boxes(write(tmp_path, files)).class_names == ("hole", "spot")


def test_names_in_yaml_are_the_text_that_they_are(tmp_path: Path) -> None:
    files = LAYOUTS["Roboflow"] | {"data.yaml": "names: [no, 1.0]"}
    assert find_boxes(write(tmp_path, files)).class_names == ("no", "1.0")


BROKEN: list[tuple[dict[str, str | None], str]] = [
    ({"data.yaml": "names: {0: hole, 2: spot}"}, "must number its names 0 … 1, got 0, 2"),
    ({"data.yaml": "names: hole"}, "must have a list of names"),
    ({"data.yaml": "names: [[hole], spot]"}, "must have a list of names"),
    ({"data.yaml": "names: [hole, hole]"}, "none twice"),
    ({"data.yaml": "names: []"}, "at least one class"),
    ({"data.yaml": "names: [hole, '']"}, "no name for class 1"),
    ({"data.yaml": "nc: 3\nnames: [hole, spot]"}, "2 names, and another number as nc"),
    ({"data.yaml": "names: [hole"}, "is no YAML"),
    ({"data.yaml": "[" * 5000}, "is no YAML"),
    ({"data.yaml": "!!python/object/apply:os.system [ls]"}, "no list of classes"),
    ({"data.yaml": "kpt_shape: 3\nnames: [hole, spot]"}, r"a kpt_shape such as \[17, 3\]"),
    ({"data.yaml": "kpt_shape: [2, 3]\nnames: [hole, spot]"}, "5 fields|9 fields|no image|got"),
    ({"classes.txt": "spot\nhole\n"}, "number the classes differently"),
    ({"classes.txt": "hole\n\nspot\n"}, "no name for class 1"),
    ({"classes.txt": "x" * 2**18 + "\n"}, "expected at most 262,144 bytes"),
    ({"train/labels/c.txt": BOX}, r"no image for .*c\.txt"),
    ({"train/labels/c.txt": BOX, "train/images/c.jp2": ""}, r"c\.jp2 is of a format that is not"),
    ({"train/images/a_jpg.rf.0123abcd.png": None}, "two files share their labels"),
    ({"train/images/a_jpg.rf.0123abcd.txt": BOX}, "two files of labels for"),
    ({"train/labels/a_jpg.rf.0123abcd.txt": f"{BOX} 0.9"}, "6 fields"),
    ({"train/labels/a_jpg.rf.0123abcd.txt": "0 .1 .1 .2 .2 .3"}, "6 fields"),
    ({"train/labels/a_jpg.rf.0123abcd.txt": "0 .1 .1 .1 .2 .1 .3"}, "positive numbers"),
    ({"train/labels/a_jpg.rf.0123abcd.txt": "0 .1 .1 .1 .2 1.3 .3"}, "outline must lie within"),
    ({"train/labels/a_jpg.rf.0123abcd.txt": "0.5 .1 .1 .1 .2"}, "invalid literal"),
    ({"train/labels/a_jpg.rf.0123abcd.txt": "0 " + "x" * 999}, "x{78}…'"),
]


@pytest.mark.parametrize(("changed", "message"), BROKEN)
def test_what_is_no_such_set_is_refused_in_one_line(
    changed: dict[str, str | None], message: str, tmp_path: Path
) -> None:
    folder = write(tmp_path, LAYOUTS["Roboflow"] | changed)
    if "kpt_shape: [2" in str(changed):
        (folder / "train/labels/a_jpg.rf.0123abcd.txt").write_text(OUTLINE)
    with pytest.raises(DatasetError, match=message) as caught:
        find_boxes(folder)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 800


_PIECES = st.sampled_from(
    ["names", ":", "[", "]", "{", "}", "- ", "0", "1", "\n", " ", "&a", "*a", "!!", "? ", "'", "nc"]
)
_TEXT = st.text(max_size=60) | st.lists(_PIECES, max_size=20).map("".join)
_NUMBERS = st.lists(
    st.sampled_from(["0", "1", ".5", ".2", "-1", "nan", "1e999", "x", "0.0"]), max_size=12
).map(" ".join)


@settings(max_examples=200)
@given(
    name=st.sampled_from(["data.yaml", "classes.txt", "obj.names", "train/_darknet.labels"]),
    content=st.binary(max_size=40) | _TEXT.map(str.encode),
    line=_NUMBERS,
)
def test_anything_is_read_or_refused_in_one_line(
    name: str, content: bytes, line: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = write(tmp_path_factory.mktemp("set"), LAYOUTS["Roboflow"])
    (folder / name).write_bytes(content)
    (folder / "train/labels/a_jpg.rf.0123abcd.txt").write_text(line)
    said = ""
    try:
        find_boxes(folder)
    except DatasetError as error:
        said = str(error)
    assert said.count("\n") == 0
