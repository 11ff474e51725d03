"""What of a folder is no image here, and is it said?"""

from __future__ import annotations

from pathlib import Path

import pytest

from features import raw_files
from features.folders import NO_FILE
from features.image_files import list_folder, list_images
from features.images import ImageError


@pytest.fixture(autouse=True)
def _nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_files, "find_spec", lambda name: None)


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).touch()
    return folder


def test_what_is_left_out_is_counted_by_what_it_is(tmp_path: Path) -> None:
    touched(tmp_path, "a.png", "b.HEIC", "c.nef", "d.avif", "notes.txt", ".hidden.heic")
    (tmp_path / "sub.heic").mkdir()
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    images, left_out = list_folder(tmp_path)
    assert images == [tmp_path / "a.png"]
    counts = {".heic": 1, ".nef": 1, ".avif": 1, NO_FILE: 1}
    assert {each.what: each.n_files for each in left_out} == counts


def test_listing_images_tells_of_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    touched(tmp_path, "a.png", "b.heic")
    assert list_images(tmp_path) == [tmp_path / "a.png"]
    assert caplog.messages == [
        f"{tmp_path}: 1 file left out: 1 .heic; {raw_files.CURE}",
    ]


def test_a_folder_of_nothing_else_says_so(tmp_path: Path) -> None:
    touched(tmp_path, "a.heic", "b.heic")
    message = r"is a folder without images: .*2 files left out: 2 \.heic; pip .*partwise\[raw"
    with pytest.raises(ImageError, match=message):
        list_images(tmp_path)


def test_with_the_extra_they_are_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_files, "find_spec", lambda name: name)
    touched(tmp_path, "a.heic", "b.nef")
    assert list_folder(tmp_path) == ([tmp_path / "a.heic", tmp_path / "b.nef"], ())
