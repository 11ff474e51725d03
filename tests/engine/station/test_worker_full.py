"""A disk that fills while a worker works: one line, and the work goes on where it was."""

import errno
import logging
import threading

import pytest

from engine.atomic import OutputError
from engine.station import worker
from engine.station.database import Database
from engine.station.records import DiskFullError
from engine.station.room import lack_of_room


@pytest.fixture
def full(monkeypatch):
    """Let the disk be full for some writes of pictures; gives what is left of that."""
    left = []
    write = worker.write_result

    def refuse(*given):
        if left:
            raise left.pop()
        write(*given)

    monkeypatch.setattr(worker, "write_result", refuse)
    monkeypatch.setattr(worker, "_FIRST_PAUSE_S", 0.05)
    return left


def no_space():
    return OSError(errno.ENOSPC, "No space left on device", "layer.png")


def test_images_wait_while_the_disk_is_full(station, pictures, model, full, caplog):
    station.add_folder(pictures, model=model)
    full += [no_space() for _ in range(4)]
    with caplog.at_level(logging.ERROR):
        worker.work(
            station.paths,
            station.limits,
            is_stopping=lambda: False,
            is_leaving_when_done=lambda: True,
        )
    assert not full
    assert station.tally().done == 3
    assert all(each.is_drawn and each.error is None for each in station.entries())
    (said,) = [each.getMessage() for each in caplog.records]
    assert said == (
        f"the disk of {station.folder} is full; free some space: nothing is lost, the work goes "
        "on where it was"
    )


def test_whoever_does_not_wait_is_told_and_goes_on_later(station, pictures, model, full, work):
    station.add_folder(pictures, model=model)
    full += [no_space()]
    with pytest.raises(DiskFullError, match="is full; free some space"):
        worker.work(
            station.paths,
            station.limits,
            is_stopping=lambda: False,
            is_leaving_when_done=lambda: True,
            is_patient=False,
        )
    assert station.tally().queued == 3
    (row,) = station.database.rows("SELECT max(attempts) AS n FROM entries")
    assert row["n"] == 0, "a full disk is no death"
    assert work(station) == 3
    assert station.tally().done == 3


def test_a_waiting_worker_can_be_stopped(station, pictures, model, full):
    station.add_folder(pictures, model=model)
    full += [no_space() for _ in range(1000)]
    stop = threading.Event()
    timer = threading.Timer(1.0, stop.set)
    timer.start()
    worker.work(station.paths, station.limits, is_stopping=stop.is_set)
    timer.join()
    assert station.tally().queued == 3


def test_a_database_that_cannot_grow_is_a_full_disk_too(
    station, pictures, model, monkeypatch, work
):
    station.add_folder(pictures, model=model)
    prepare, n_full = Database._prepare, 2

    def prepare_small(database):
        prepare(database)
        nonlocal n_full
        if n_full:
            n_full -= 1
            (pages,) = database.rows("PRAGMA page_count")
            database._connection.execute(f"PRAGMA max_page_count = {pages[0]}")

    monkeypatch.setattr(Database, "_prepare", prepare_small)
    monkeypatch.setattr(worker, "_FIRST_PAUSE_S", 0.05)
    with station.database.change() as connection:  # no page is free for more
        connection.execute("UPDATE entries SET library = NULL")
    worker.work(
        station.paths,
        station.limits,
        is_stopping=lambda: False,
        is_leaving_when_done=lambda: True,
    )
    assert station.tally().done == 3


@pytest.mark.parametrize(
    ("error", "is_full"),
    [
        (no_space(), True),
        (OSError(errno.EDQUOT, "quota"), True),
        (OSError(errno.EIO, "broken"), False),
        (ValueError("no"), False),
    ],
)
def test_which_errors_mean_a_full_disk(error, is_full, tmp_path):
    assert (lack_of_room(error, [tmp_path]) is not None) == is_full
    wrapped = OutputError("cannot write it")
    wrapped.__cause__ = error
    assert (lack_of_room(wrapped, [tmp_path]) is not None) == is_full


def test_any_error_on_a_disk_without_room_means_that(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.station.room.has_room", lambda folder: False)
    assert "is full" in str(lack_of_room(ValueError("cannot be opened"), [tmp_path]))
