"""Long jobs: what they need, what they bring, and that interruptions lose nothing."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from engine.inspector import Inspector
from engine.station import Limits, StationError, jobs, keep_working
from engine.station.job_pool import JobPool
from engine.station.job_process import JobCancelledError, JobProgress, run_job
from engine.synthetic.scenes import write_scenes


def run(station, number):
    """Do a job in this process, as its own process would."""
    with station.database.change() as connection:
        connection.execute("UPDATE jobs SET state = 'running' WHERE id = ?", (number,))
    run_job(station.paths, number, Limits())
    return station.job(number)


@pytest.fixture(scope="module")
def data_set(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "scenes"
    write_scenes(
        root,
        categories=("cable",),
        n_train=3,
        n_validation=0,
        n_good=2,
        n_logical=2,
        n_structural=1,
    )
    return root


@pytest.fixture
def bench_station(tmp_path, data_set):
    from engine.station import Station

    with Station(tmp_path / "bench", roots=[data_set]) as station:
        yield station


@pytest.mark.parametrize(
    ("kind", "spec", "words"),
    [
        ("cook", {}, "a job must be one of fit, bench, samples, got 'cook'"),
        ("fit", {"name": "a"}, "fit needs a list of references, got None"),
        ("fit", {"references": [{}], "name": "a"}, "a reference must have a sha256 or a path"),
        ("fit", {"references": [{"path": "/etc"}], "name": "a"}, "is not below a folder"),
        ("fit", {"references": [{"sha256": "../x"}], "name": "a"}, "64 hexadecimal digits"),
        ("fit", {"references": [{"sha256": "0" * 64}], "name": "a"}, "there is no image 000"),
        ("fit", {"speed": 1}, "a spec may have .*, got speed, too"),
        ("bench", {}, "bench needs the root of a data set"),
        ("bench", {"root": "/etc"}, "is not below a folder"),
        ("bench", {"root": "", "shots": [0]}, "bench needs the root"),
        ("samples", {"seed": -1}, "seed must be whole numbers from 0 on"),
    ],
)
def test_specs_are_checked_at_the_door(station, kind, spec, words):
    with pytest.raises(StationError, match=words):
        station.start_job(kind, spec)
    assert station.jobs() == []


def test_a_model_is_learnt_from_uploads_and_files(station, pictures, photograph):
    digests = [station.add_image(photograph(seed), f"{seed}.png") for seed in (1, 2)]
    references = [{"sha256": each, "name": f"upload {n}"} for n, each in enumerate(digests)]
    references.append({"path": str(pictures / "a.png")})
    number = station.start_job("fit", {"references": references, "name": "my pins"})
    job = run(station, number)
    assert (job.state, job.error) == ("done", None)
    assert job.result["model"] == str(station.model_path("my pins"))
    assert station.models() == [station.model_path("my pins")]
    inspector = Inspector.load(station.models()[0])
    assert set(inspector.fitted.names) == {"upload 0", "upload 1", "a.png"}
    assert [each["name"] for each in job.result["references"]] == list(inspector.fitted.names)
    assert all(each["total"] > 0 for each in job.result["references"])
    assert job.result["threshold"] == inspector.fitted.threshold
    assert job.result["threshold_source"] == inspector.fitted.threshold_source
    assert job.result["classes"] == list(inspector.fitted.class_names)
    assert job.result["warnings"] == []
    assert (job.done, job.total) == (4, 4)


def test_a_double_among_the_references_is_told(station, photograph):
    digest = station.add_image(photograph(1), "a.png")
    references = [{"sha256": digest, "name": name} for name in "ab"]
    job = run(station, station.start_job("fit", {"references": references, "name": "double"}))
    (warning,) = job.result["warnings"]
    assert (warning["kind"], warning["names"]) == ("near-duplicate", ["a", "b"])
    assert [each["name"] for each in job.result["references"]] == ["a"]


def test_a_job_that_cannot_be_done_says_why(station, tmp_path, photograph):
    whole = photograph(1)
    digest = station.add_image(whole[: len(whole) // 2], "torn.png")
    spec = {"references": [{"sha256": digest, "name": "torn.png"}], "name": "torn"}
    job = run(station, station.start_job("fit", spec))
    assert job.state == "failed"
    assert job.error.startswith("torn.png is damaged or truncated")
    assert job.ended_at is not None


def test_samples_are_rendered_to_be_learnt_and_judged(station):
    job = run(station, station.start_job("samples", {}))
    assert job.state == "done"
    good, new = (
        sorted(path.name for path in (station.paths.samples / each).iterdir())
        for each in ("good", "new")
    )
    assert (len(good), len(new)) == (6, 10)
    batch = station.add_folder(job.result["new"], model=station.model_path("x"))
    assert batch.n_entries == 10
    references = [{"path": job.result["good"] + "/" + each} for each in good[:2]]
    assert station.start_job("fit", {"references": references, "name": "sample"})


def test_a_benchmark_shows_its_runs_and_ends_in_the_list(bench_station, data_set):
    station = bench_station
    spec = {"root": str(data_set), "shots": [1, 2], "seeds": [0]}
    number = station.start_job("bench", spec)
    assert station.finished_runs(number) == []
    job = run(station, number)
    assert (job.state, job.error) == ("done", None)
    assert (job.done, job.total) == (10, 10)
    (found,) = station.benchmarks()
    assert str(found.path) == job.result["result"]
    assert [each.shots for each in station.finished_runs(number)] == [1, 2]
    assert json.loads(found.path.read_text())["summary"]


def test_a_killed_benchmark_goes_on_where_it_was(bench_station, data_set, until):
    station = bench_station
    number = station.start_job("bench", {"root": str(data_set), "shots": [1, 2, 3], "seeds": [0]})
    command = [sys.executable, "-m", "engine.station.worker_process", str(station.folder)]
    worker = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    until(lambda: len(station.finished_runs(number)) >= 1)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    seconds = {each.shots: each.fit_seconds for each in station.finished_runs(number)}
    again = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        until(lambda: station.job(number).state == "done")
    finally:
        again.terminate()
        again.wait()
    runs = {each.shots: each.fit_seconds for each in station.finished_runs(number)}
    assert sorted(runs) == [1, 2, 3]
    assert seconds.items() <= runs.items()  # not made again
    assert not list(station.folder.glob("job-*.lock"))


def test_a_benchmark_stops_no_verdict_and_can_be_cancelled(
    bench_station, data_set, model, photograph, until
):
    station = bench_station
    number = station.start_job(
        "bench", {"root": str(data_set), "shots": [1, 2, 3], "seeds": [0, 1]}
    )
    supervisor = keep_working(station.folder)
    try:
        until(lambda: station.job(number).state == "running" and station.job(number).total > 0)
        station.add_upload(photograph(1), "a.png", model=model)
        until(lambda: station.tally().done == 1)
        assert station.job(number).is_active
        station.cancel_job(number)
        until(lambda: station.job(number).state == "cancelled")
        assert station.jobs("bench", is_active=True) == []
        station.resume_job(number)
        until(lambda: station.job(number).state == "running")
        station.cancel_job(number)
        until(lambda: not station.job(number).is_active)
    finally:
        supervisor.stop()


def test_a_job_that_waits_is_cancelled_at_once(station):
    number = station.start_job("samples", {})
    station.cancel_job(number)
    assert station.job(number).state == "cancelled"
    assert station.jobs(is_active=False)[0].id == number
    with pytest.raises(StationError, match="there is no job 99"):
        station.cancel_job(99)


def test_what_ran_when_a_worker_died_is_queued_again_but_not_for_ever(station):
    number = station.start_job("samples", {})
    pool = JobPool(station.database, station.paths, Limits())
    for attempts, state in ((2, "queued"), (3, "failed")):
        with station.database.change() as connection:
            connection.execute("UPDATE jobs SET state = 'running', attempts = ?", (attempts,))
        pool.recover()
        assert station.job(number).state == state
    assert "ended the worker 3 times" in station.job(number).error


def test_progress_is_noted_at_most_five_times_a_second(station):
    number = station.start_job("samples", {})
    before = station.database.version()
    tell, noted = JobProgress(station.database, number), []
    started = time.monotonic()
    for done in range(1000):
        tell("rendering", done, 1000)
        if station.job(number).done == done:
            noted.append(done)
    assert len(noted) <= 2 + 5 * (time.monotonic() - started)
    tell("rendering", 1000, 1000)
    assert (station.job(number).done, before) == (1000, station.database.version())
    with station.database.change() as connection:
        connection.execute("UPDATE jobs SET is_to_stop = 1")
    with pytest.raises(JobCancelledError):
        tell("saving", 0, 1)


def test_a_spec_must_be_json(station):
    with pytest.raises(StationError, match="the spec of a job must be JSON, got a value of type"):
        jobs.start(station.database, "samples", {"seed": np.zeros(2)})
