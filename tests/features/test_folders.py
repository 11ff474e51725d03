"""Whatever lies in a folder is read, or counted as left out; nothing is as if it were not there."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import raw_files
from features.folders import BESIDE, NO_FILE, left_out, left_out_text, n_left_out
from features.image_files import SUFFIXES, is_image_name, list_folder, list_images
from features.images import ImageError


def test_formats_folders_and_links_are_told_apart(tmp_path: Path) -> None:
    for name in ("a.jp2", "b.JP2", "c", "d.png", "e.txt", ".hidden.png", "sub/f.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "sub" / "deep").mkdir()
    (tmp_path / "sub" / "deep" / "g.jp2").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "h.png").touch()
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "away.jpg").symlink_to(tmp_path / "d.png")
    os.mkfifo(tmp_path / "pipe.png")
    found = left_out(tmp_path, {"d.png"}, is_read=is_image_name)
    assert {each.what: each.n_files for each in found} == {
        ".jp2": 2,
        "without an ending": 1,
        NO_FILE: 3,
        "in the folder sub": 2,
    }
    assert left_out_text(found) == (
        f"8 files left out: 2 .jp2, 3 {NO_FILE}, 1 without an ending, 2 in the folder sub"
    )


def test_nothing_is_said_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    assert left_out(tmp_path, {"a.png"}) == ()
    assert left_out_text(()) == ""


def test_the_cure_is_said_where_there_is_one(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(raw_files, "unreadable", lambda suffix: "not installed")
    (tmp_path / "a.heic").touch()
    images, rest = list_folder(tmp_path)
    assert images == []
    assert left_out_text(rest) == (
        "1 file left out: 1 .heic; pip install 'partwise[raw]', or save it as PNG"
    )


def test_many_kinds_are_summed_up_in_one_line(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"a.x{number}").touch()
    text = left_out_text(left_out(tmp_path, set()))
    assert text == "9 files left out: 1 .x0, 1 .x1, 1 .x2, 1 .x3, 5 others"


def test_names_stay_on_their_line(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xe9\n\x1b[2J"))
    folder.mkdir()
    (folder / "a.png").touch()
    (found,) = left_out(tmp_path, set())
    assert found.what == "in the folder b\\xe9\\n\\x1b[2J"


def test_a_folder_that_cannot_be_listed_is_said(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "shut").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    (found,) = left_out(tmp_path, set())
    assert found.text == "1 folder that cannot be listed: shut"


_NAME = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=12)


@given(names=st.lists(st.tuples(_NAME, st.sampled_from([*SUFFIXES, ".jp2", ".svg", ".txt", ""]))))
@pytest.mark.filterwarnings("ignore")
def test_every_file_is_taken_or_counted(names, tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("folder")
    for name, ending in names:
        if name + ending not in (".", "..") and len((name + ending).encode()) < 250:
            (folder / (name + ending)).touch()
    there = [each for each in folder.iterdir() if not each.name.startswith(".")]
    images = {each.name for each in there if each.suffix.lower() in SUFFIXES}
    beside = {each.name for each in there if each.suffix.lower() in BESIDE}
    found = left_out(folder, images)
    assert n_left_out(found) == len(there) - len(images) - len(beside)
    assert "\n" not in left_out_text(found)


def test_one_line_says_what_a_listing_leaves_out(tmp_path: Path, caplog) -> None:
    for name in ("a.png", "b.jp2", "c.jp2", "d.txt", "sub/e.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list_images(tmp_path) == [tmp_path / "a.png"]
    assert [each.getMessage() for each in caplog.records] == [
        f"{tmp_path}: 3 files left out: 2 .jp2, 1 in the folder sub"
    ]
    (tmp_path / "a.png").unlink()
    with pytest.raises(
        ImageError, match=r"got 3 files left out: 2 \.jp2, 1 in the folder sub; .* name"
    ):
        list_images(tmp_path)
