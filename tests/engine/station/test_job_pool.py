"""Jobs that this release does not know, or that cannot be read: noted, and the rest goes on."""

import sys
import threading

import pytest

from engine.station import worker
from engine.station.job_pool import JobPool
from engine.station.records import DiskFullError
from engine.station.room import EXIT_STATUS


def add(station, kind, spec="{}", state="queued"):
    with station.database.change() as connection:
        return connection.execute(
            "INSERT INTO jobs (kind, spec, state, created_at) VALUES (?, ?, ?, 0)",
            (kind, spec, state),
        ).lastrowid


def work_off(station):
    """Work until nothing is left to do; fails if that takes for ever."""
    stop = threading.Event()
    timer = threading.Timer(120, stop.set)
    timer.start()
    worker.work(
        station.paths,
        station.limits,
        is_stopping=stop.is_set,
        is_leaving_when_done=lambda: True,
    )
    timer.cancel()
    assert not stop.is_set(), "it waits for ever"


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_job_of_a_newer_release_is_noted_and_the_images_are_judged(
    station, pictures, model, state
):
    number = add(station, "calibrate", state=state)
    station.add_folder(pictures / "a.png", model=model)
    work_off(station)
    job = station.job(number)
    assert (job.kind, job.state) == ("calibrate", "failed")
    assert job.error == (
        "a job of the kind 'calibrate' is unknown to this release of partwise, which knows fit, "
        "bench, samples; upgrade with `pip install --upgrade partwise`"
    )
    assert station.tally().done == 1
    assert station.jobs(is_active=True) == []


def test_a_job_of_a_newer_release_may_come_while_others_run(station, pictures, model):
    pool = JobPool(station.database, station.paths, station.limits)
    number = add(station, "calibrate")
    assert pool.is_busy
    pool.update()
    assert not pool.is_busy
    assert station.job(number).state == "failed"


@pytest.mark.parametrize(
    ("spec", "state"), [("no json", "queued"), ("[1]", "queued"), ("{}", "paused")]
)
def test_a_job_that_cannot_be_read_stops_no_other(station, pictures, model, spec, state):
    number = add(station, "samples", spec, state)
    other = add(station, "calibrate")
    assert [each.id for each in station.jobs()] == [other, number]
    assert station.job(number).state == "failed"
    assert "cannot be read" in station.job(number).error
    station.add_folder(pictures / "a.png", model=model)
    work_off(station)
    assert station.tally().done == 1


def test_a_process_that_cannot_be_started_fails_its_job_only(station, monkeypatch):
    pool = JobPool(station.database, station.paths, station.limits)
    number = station.start_job("samples", {})
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    pool.update()
    assert station.job(number).state == "failed"
    assert "could not be started (No such file or directory)" in station.job(number).error


def test_a_job_without_room_waits(station, tmp_path, monkeypatch, until):
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\nexit {EXIT_STATUS}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    pool = JobPool(station.database, station.paths, station.limits)
    number = station.start_job("samples", {})
    pool.update()
    (running,) = pool._running.values()
    running.process.wait()
    with pytest.raises(DiskFullError):
        pool.update()
    assert station.job(number).state == "queued"
    (row,) = station.database.rows("SELECT attempts FROM jobs")
    assert row["attempts"] == 0


def test_a_job_that_gets_on_is_not_given_up_for_deaths_of_the_worker(station):
    from engine.station import jobs

    pool = JobPool(station.database, station.paths, station.limits)
    number = station.start_job("samples", {})
    for done in range(1, 8):
        with station.database.change() as connection:
            connection.execute("UPDATE jobs SET state = 'running', attempts = attempts + 1")
        jobs.set_progress(station.database, number, "rendering", done, 8)
        pool.recover()
        assert station.job(number).state == "queued"
