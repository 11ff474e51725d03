"""Real processes: whoever is killed loses nothing."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from engine.station import Station, StationError, keep_working
from engine.station.database import APPLICATION_ID, Database
from engine.station.judge import Judge


def start(module, *arguments):
    command = [sys.executable, "-m", f"engine.station.{module}", *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


def end(process):
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.fixture
def started():
    """Start modules as processes, which are killed at the end."""
    processes = []

    def begin(module, *arguments):
        processes.append(start(module, *arguments))
        return processes[-1]

    yield begin
    for process in processes:
        end(process)


def test_a_killed_worker_loses_no_image_and_judges_none_twice(
    station, model, photograph, started, until
):
    ids = [station.add_upload(photograph(60 + n), f"{n}.png", model=model) for n in range(8)]
    for n_done in (1, 4):
        worker = started("worker_process", station.folder)
        until(lambda n=n_done: station.tally().done >= n and station.tally().running == 1)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    assert station.tally().done < 8
    worker = started("worker_process", station.folder)
    until(lambda: station.tally().done == 8 and all(each.is_drawn for each in station.entries()))
    assert sorted(each.id for each in station.entries()) == ids
    assert all(station.result(each).photo for each in ids)
    assert sorted(path.name for path in station.paths.results.iterdir()) == sorted(map(str, ids))
    worker.terminate()
    assert worker.wait(300) == 0


def test_two_processes_add_at_once_and_all_survive(tmp_path, model, photograph):
    folder = tmp_path / "shared"
    (tmp_path / "image.png").write_bytes(photograph(1))
    program = f"""
import sys
from pathlib import Path
from engine.station import Station
with Station(Path({str(folder)!r})) as station:
    data = Path({str(tmp_path / "image.png")!r}).read_bytes()
    for number in range(30):
        station.add_upload(data, f"{{sys.argv[1]}} {{number}}", model=Path({str(model)!r}))
"""
    adding = [subprocess.Popen([sys.executable, "-c", program, name]) for name in "ab"]
    assert [each.wait(300) for each in adding] == [0, 0]
    with Station(folder) as station:
        names = {each.name for each in station.entries()}
        assert names == {f"{name} {number}" for name in "ab" for number in range(30)}


def test_one_worker_at_a_time_and_the_next_takes_over(station, model, photograph, started, until):
    first, second = (
        started("worker_process", station.folder),
        started("worker_process", station.folder),
    )
    station.add_upload(photograph(1), "a.png", model=model)
    until(lambda: station.tally().done == 1)
    assert (first.poll(), second.poll()) == (None, None)
    first.terminate()
    first.wait()
    station.add_upload(photograph(2), "b.png", model=model)
    until(lambda: station.tally().done == 2)


def test_a_worker_that_lost_its_parent_finishes_the_queue_and_leaves(
    station, model, photograph, until
):
    for number in range(3):
        station.add_upload(photograph(number), f"{number}.png", model=model)
    program = f"""
import os
from pathlib import Path
from engine.station import keep_working
supervisor = keep_working(Path({str(station.folder)!r}))
print(supervisor.pid, flush=True)
os._exit(0)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    worker = int(ended.stdout)
    until(lambda: station.tally().done == 3)
    until(lambda: not _is_running(worker))


def _is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_keeping_working_is_idempotent_and_survives_a_kill(station, model, photograph, until):
    supervisor = keep_working(station.folder)
    try:
        assert keep_working(station.folder) is supervisor
        station.add_upload(photograph(1), "a.png", model=model)
        until(lambda: station.tally().done == 1)
        before = supervisor.pid
        os.kill(before, signal.SIGKILL)
        station.add_upload(photograph(2), "b.png", model=model)
        until(lambda: station.tally().done == 2)
        assert supervisor.is_alive
        assert supervisor.pid != before
    finally:
        supervisor.stop()
    assert not supervisor.is_alive
    assert station.paths.log.stat().st_size < 10_000


def slowdown(photo, model):
    """How much longer than its own work a judgement takes just now: 1 on a quiet machine."""
    with closing(Judge()) as judge:
        judge.prepare(model)
        started, worked = time.perf_counter(), time.process_time()
        judge.judge(photo, model)
        return (time.perf_counter() - started) / (time.process_time() - worked)


def test_a_verdict_comes_soon_after_the_engines_own_time(station, model, photograph, until):
    supervisor = keep_working(station.folder)
    try:
        station.add_upload(photograph(1), "warm.png", model=model)
        waits = []
        for number in range(5):
            until(lambda: all(each.is_drawn for each in station.entries()))
            added = time.monotonic()
            entry = station.add_upload(photograph(2 + number), "a.png", model=model)
            until(lambda each=entry: station.entry(each).state == "done")
            waits.append(time.monotonic() - added - (station.entry(entry).seconds or 0))
            if min(waits) < 0.5:
                break
        assert min(waits) < 0.5 * max(1, slowdown(station.photo(entry), model))
    finally:
        supervisor.stop()


def test_a_database_of_a_newer_version_is_refused(tmp_path):
    Station(tmp_path / "s").close()
    with sqlite3.connect(tmp_path / "s" / "station.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StationError, match=r"must have the station schema 1, got 99; upgrade with"):
        Station(tmp_path / "s")


def test_other_files_are_refused(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "station.db").write_bytes(b"no database" * 100)
    with pytest.raises(StationError, match="must be the database of a station, got a file that is"):
        Station(tmp_path / "s")
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE a (b)")
    other.commit()
    other.close()
    with pytest.raises(StationError, match="got one of another program; choose another folder"):
        Database(tmp_path / "other.db")
    assert APPLICATION_ID > 0


def test_a_station_needs_a_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StationError, match="cannot be used as a station"):
        Station(tmp_path / "file")


def test_only_the_owner_may_look_into_a_new_station(tmp_path):
    Station(tmp_path / "s").close()
    assert (tmp_path / "s").stat().st_mode & 0o077 == 0


def test_a_supervisor_outlives_a_start_that_fails(station, until, monkeypatch):
    supervisor = keep_working(station.folder)
    try:
        popen, failed = subprocess.Popen, []

        def fail_once(*given, **options):
            if not failed:
                failed.append(True)
                raise BlockingIOError(11, "Resource temporarily unavailable")
            return popen(*given, **options)

        monkeypatch.setattr("engine.station.supervisor.subprocess.Popen", fail_once)
        before = supervisor.pid
        os.kill(before, signal.SIGKILL)
        until(lambda: supervisor.is_alive and supervisor.pid != before)
        assert failed
    finally:
        supervisor.stop()
