"""Which images of a watched folder are queued, and when."""

import os

import pytest

from engine.station import Station, StationError
from engine.station.watcher import Watcher


@pytest.fixture
def look(station):
    """Look at the folders as if a second had passed; gives the names queued so far."""

    def look(watcher):
        watcher._polled_at = -1e9
        watcher.poll(has_changed=True)
        return sorted(each.name for each in station.entries())

    return look


@pytest.fixture
def watcher(station):
    return Watcher(station.database)


def test_files_are_queued_once_they_are_complete(station, pictures, model, watcher, look):
    watch = station.watch(pictures, model=model)
    assert look(watcher) == []  # they may still be growing
    assert look(watcher) == ["a.png", "b.png", "c.png"]
    assert look(watcher) == ["a.png", "b.png", "c.png"]
    (pictures / "d.png").write_bytes(b"half")
    look(watcher)
    (pictures / "d.png").write_bytes(b"half and more")
    assert "d.png" not in look(watcher)
    assert "d.png" in look(watcher)
    assert {each.source for each in station.entries()} == {"watch"}
    assert station.tally(batch=watch.batch).total == 4


def test_a_restart_queues_nothing_twice(station, pictures, model, watcher, look):
    station.watch(pictures, model=model)
    look(watcher)
    look(watcher)
    again = Watcher(station.database)
    look(again)
    assert len(look(again)) == 3
    os.utime(pictures / "a.png", ns=(5, 5))  # written anew is new
    look(again)
    assert len(look(again)) == 4


def test_links_out_of_the_roots_and_hidden_files_are_left_out(
    station, pictures, model, watcher, look, tmp_path
):
    (tmp_path / "secret.png").write_bytes(b"x")
    (pictures / "secret.png").symlink_to(tmp_path / "secret.png")
    (pictures / ".a.png").write_bytes(b"x")
    station.watch(pictures, model=model)
    look(watcher)
    assert look(watcher) == ["a.png", "b.png", "c.png"]


def test_watching_twice_is_watching_once_and_can_end(station, pictures, model, watcher, look):
    watch = station.watch(pictures, model=model)
    assert station.watch(pictures, model=model) == watch
    assert station.watches() == [watch]
    look(watcher)
    station.unwatch(watch.id)
    assert look(watcher) == []
    with pytest.raises(StationError, match="there is no watch"):
        station.unwatch(watch.id)


def test_a_folder_that_is_gone_is_said_to_be_until_it_is_back(
    station, pictures, model, watcher, look
):
    station.watch(pictures, model=model)
    look(watcher)
    pictures.rename(pictures.with_name("away"))
    look(watcher)
    assert "cannot be listed (No such file or directory)" in station.watches()[0].error
    pictures.with_name("away").rename(pictures)
    look(watcher)
    assert station.watches()[0].error is None


def test_only_folders_below_a_root_are_watched(station, pictures, model, tmp_path):
    with pytest.raises(StationError, match="is not below a folder"):
        station.watch(tmp_path, model=model)
    with pytest.raises(StationError, match="is a file, expected a folder to watch"):
        station.watch(pictures / "a.png", model=model)


def test_the_worker_sees_new_images_by_itself(station, pictures, model, photograph, until):
    from engine.station import keep_working

    supervisor = keep_working(station.folder)
    try:
        station.watch(pictures, model=model)
        until(lambda: station.tally().done == 3)
        (pictures / "late.png").write_bytes(photograph(70))
        until(lambda: station.tally().done == 4)
    finally:
        supervisor.stop()
    with Station(station.folder) as other:
        assert len(other.entries()) == 4
