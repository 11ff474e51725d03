"""Images and folders that cannot be queued: each is named, and the others are queued."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from engine.station import Station

NAME = os.fsdecode(b"b\xe9.png")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "shift.station"


@pytest.fixture
def mixed(tmp_path, photos):
    """A folder with two sound images, one of them with a name that is no UTF-8, and two broken."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    photo = (photos / "new" / "good.png").read_bytes()
    (folder / NAME).write_bytes(photo)
    (folder / "z.png").write_bytes(photo)
    (folder / "a.png").write_bytes(b"no image")
    (folder / "empty.png").write_bytes(b"")
    return folder


def test_copies_are_made_of_all_but_the_broken_ones(partwise, folder, mixed, model):
    ended = partwise("station", "add", folder, mixed, "--model", model, "--copy")
    assert ended.code == 1
    assert ended.out == f"batch 1: copies of 2 images of {mixed} queued\n"
    assert [line.split(" ")[:2] for line in ended.err.splitlines()] == [
        ["Error:", f"{mixed}/a.png"],
        ["Error:", f"{mixed}/empty.png"],
    ]
    partwise("station", "run", folder)
    with Station(folder) as station:
        found = {each.name: (each.state, each.batch) for each in station.entries()}
    assert found == {
        "a.png": ("failed", 1),
        "empty.png": ("failed", 1),
        r"b\xe9.png": ("done", 1),
        "z.png": ("done", 1),
    }


def test_a_copy_that_failed_says_so_when_it_is_judged_again(partwise, folder, mixed, model):
    partwise("station", "add", folder, mixed / "a.png", "--model", model, "--copy")
    partwise("station", "rejudge", folder, 1)
    ended = partwise("station", "run", folder)
    assert ended.err == "Error: a.png could not be copied; add it again\n"


@pytest.mark.parametrize("copy", [(), ("--copy",)])
def test_a_path_without_images_stops_no_other(partwise, folder, photos, model, tmp_path, copy):
    paths = (tmp_path / "missing", photos / "new", tmp_path)
    ended = partwise("station", "add", folder, *paths, "--model", model, *copy)
    assert ended.code == 1
    assert ended.out.endswith(f"2 images of {photos / 'new'} queued\n")
    assert ended.err.count("Error: ") == ended.err.count("\n") == 2
    ended = partwise("station", "add", folder, tmp_path / "missing", "--model", model, *copy)
    assert (ended.code, ended.out) == (2, "")


def test_any_name_is_listed_exported_and_watched(partwise, folder, mixed, model, tmp_path):
    assert partwise("station", "add", folder, mixed, "--model", model).code == 0
    assert partwise("station", "run", folder).code == 1
    assert r"b\xe9.png" in partwise("station", "list", folder).out
    ended = partwise("station", "list", folder, "--jsonl", "--state", "done")
    paths = [json.loads(line)["path"] for line in ended.out.splitlines()]
    assert sorted(paths) == [f"$'{mixed}/b\\xe9.png'", f"{mixed}/z.png"]
    out = [tmp_path / "out.csv", tmp_path / "out.jsonl", tmp_path / "out.html"]
    options = ("--csv", out[0], "--jsonl", out[1], "--html", out[2])
    assert partwise("station", "export", folder, *options, "--state", "done").code == 0
    assert all(each.read_bytes().decode() for each in out)
    odd = Path(os.fsdecode(bytes(tmp_path) + b"/line\xff\n1"))
    odd.mkdir()
    ended = partwise("station", "watch", folder, odd, "--model", model)
    assert ended.out == f"1  {tmp_path}/line\\xff\\n1  by {model}\n"


def test_a_read_only_station_is_not_worked_on(partwise, folder, photos, model, monkeypatch):
    partwise("station", "add", folder, photos / "new", "--model", model)
    monkeypatch.setattr("engine.station.connection.may_write", lambda path: False)
    ended = partwise("station", "run", folder)
    assert (ended.code, ended.out) == (2, "")
    assert "is read-only: it can be listed and exported" in ended.err
    assert partwise("station", "list", folder).out.endswith("2 images: 2 queued\n")


def test_a_picture_that_cannot_be_drawn_is_a_warning(partwise, folder, photos, model, monkeypatch):
    partwise("station", "add", folder, photos / "new" / "good.png", "--model", model)

    def fail(judged):
        raise ValueError("no pen")

    monkeypatch.setattr("engine.station.worker.draw_result", fail)
    ended = partwise("station", "run", folder)
    assert ended.code == 0
    assert ended.out == "1 images judged, 0 of them without a verdict\n"
    assert "Warning: good.png: the verdict stands, but its pictures could not be drawn" in ended.err
    assert partwise("station", "list", folder).out.startswith("normal")
    Image.open(photos / "new" / "good.png").close()
