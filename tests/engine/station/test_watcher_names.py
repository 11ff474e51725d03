"""A watched folder with any names: each image is queued, and none stops another."""

import os
from pathlib import Path

import pytest

from engine.station.watcher import Watcher

NAMES = [
    b"b\xe9.png",
    b"\xff\xfe.png",
    b"two\nlines.png",
    b"\x1b[31mred.png",
    "turned\N{RIGHT-TO-LEFT OVERRIDE}.png".encode(),
    b"=1+1.png",
    b"'\"; DROP TABLE entries.png",
    b"a" * 251 + b".png",
]


@pytest.fixture
def look(station):
    """Look at the folders twice, as if a second had passed."""

    def look(watcher):
        for _ in range(2):
            watcher._polled_at = -1e9
            watcher.poll(has_changed=True)

    return look


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_any_name_is_queued_beside_others_and_only_once(
    station, pictures, model, look, work, photograph, name
):
    path = Path(os.fsdecode(bytes(pictures) + b"/" + name))
    path.write_bytes(photograph(30))
    station.watch(pictures, model=model)
    look(Watcher(station.database))
    look(Watcher(station.database))  # after a restart
    found = {each.path for each in station.entries()}
    assert found == set(pictures.iterdir())
    assert station.tally().total == 4
    assert work(station) == 4
    assert station.tally().done == 4
    assert all(each.name.isprintable() and "\n" not in each.name for each in station.entries())


def test_a_file_of_the_far_future_is_queued(station, pictures, model, look, work):
    os.utime(pictures / "b.png", ns=(2**63 + 10**12, 2**63 + 10**12))  # after 2262
    station.watch(pictures, model=model)
    look(Watcher(station.database))
    assert station.tally().total == 3
    assert work(station) == 3
    entry = next(each for each in station.entries() if each.name == "b.png")
    assert station.photo(entry.id).size


def test_a_folder_with_a_name_of_any_bytes_is_watched(station, pictures, model, look, work):
    folder = Path(os.fsdecode(bytes(pictures) + b"/\xe9"))
    folder.mkdir()
    (pictures / "a.png").rename(folder / "a.png")
    watch = station.watch(folder, model=model)
    look(Watcher(station.database))
    assert station.watches() == [watch]
    assert watch.folder == folder
    assert work(station) == 1
    assert station.entries()[0].state == "done"


def test_what_cannot_be_queued_is_noted_and_the_rest_goes_on(
    station, pictures, model, look, monkeypatch
):
    from engine.station import watcher as module

    add_files = module.entries.add_files

    def refuse_b(connection, files, **others):
        if any(each.name == "b.png" for each in files):
            raise OverflowError("too large")
        add_files(connection, files, **others)

    monkeypatch.setattr(module.entries, "add_files", refuse_b)
    other = pictures / "other"
    other.mkdir()
    (other / "d.png").write_bytes(b"x")
    station.watch(pictures, model=model)
    station.watch(other, model=model)
    watcher = Watcher(station.database)
    look(watcher)
    look(watcher)
    assert sorted(each.name for each in station.entries()) == ["a.png", "c.png", "d.png"]
    assert [each.error for each in station.watches()] == [
        None,
        "b.png cannot be queued (too large); write it anew",
    ]
    (pictures / "b.png").unlink()
    look(watcher)
    assert {each.error for each in station.watches()} == {None}
