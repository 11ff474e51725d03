"""Lists of labels and classes as editors and label tools leave them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.benchmark.datasets import DatasetError
from engine.benchmark.regions.labels import find_boxes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), np.zeros((20, 20, 3), np.uint8))
    (tmp_path / "labels" / "a.txt").write_text("1 0.5 0.5 0.2 0.2\n0 0.3 0.3 0.2 0.2\n")
    (tmp_path / "classes.txt").write_text("dent\nhole\n")
    return tmp_path


@pytest.mark.parametrize("name", ["classes.txt", "labels/a.txt"])
def test_a_mark_of_the_encoding_is_no_part_of_the_list(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    found = find_boxes(folder)
    assert found.class_names == ("dent", "hole")
    assert [box.class_index for photo in found.photos for box in photo.boxes] == [1, 0]


@pytest.mark.parametrize("name", ["classes.txt", "labels/a.txt"])
def test_another_encoding_is_named_with_its_cure(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_text().encode("utf-16"))
    message = r"is not text in UTF-8, .* got UTF-16; save it as UTF-8"
    with pytest.raises(DatasetError, match=message):
        find_boxes(folder)
