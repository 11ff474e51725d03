"""Who is to blame when a worker dies: an image only if it ends a process that judges nothing else.

An image is made deadly by its name: a hook kills the process that opens such a file.
"""

import os
import signal
import subprocess
import sys

import pytest

from engine.station import queue
from engine.station.queue import MAX_DEATHS

HOOK = """
import os, sys

def look(event, given):
    if event == "open" and any(each in str(given[0]) for each in {deadly!r}):
        os.kill(os.getpid(), 9)

sys.addaudithook(look)
"""


@pytest.fixture
def deadly(tmp_path, monkeypatch):
    """Let files whose path holds a word kill the processes that open them."""
    folder = tmp_path / "hook"
    folder.mkdir()

    def become(*words):
        (folder / "sitecustomize.py").write_text(HOOK.format(deadly=words))
        places = [str(folder), *sys.path]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, places)))

    return become


def run_worker(station, *, until_dead=True):
    """Run a worker; it dies, or finishes the queue and leaves, for its parent is not there."""
    command = [sys.executable, "-m", "engine.station.worker_process", str(station.folder)]
    return subprocess.run([*command, "--parent=-1"], stderr=subprocess.PIPE, timeout=300)


def test_a_deadly_image_is_given_up_only_after_it_died_alone(
    station, pictures, model, deadly, photograph
):
    (pictures / "b.png").rename(pictures / "deadly.png")
    station.add_folder(pictures, model=model)
    deadly("deadly.png")
    for _ in range(MAX_DEATHS):
        assert run_worker(station).returncode == -signal.SIGKILL
    assert station.tally().failed == 0
    assert run_worker(station).returncode == 0  # comes last, and another process dies of it
    assert station.tally().done == 2
    (failed,) = station.entries(states=["failed"])
    assert failed.name == "deadly.png"
    assert failed.error == (
        "deadly.png ended the process that judged it and nothing else (signal 9); reduce the "
        "image, or look into the log of the station"
    )
    assert (failed.verdict, failed.total, failed.judged_at) == (None, None, None)


def test_a_sound_image_outlives_any_number_of_deaths(station, pictures, model):
    station.add_folder(pictures, model=model)
    for _ in range(3 * MAX_DEATHS):
        assert queue.claim(station.database) is not None
        queue.recover(station.database)
    assert station.tally().queued == 3
    assert run_worker(station).returncode == 0
    assert station.tally().done == 3
    assert all(each.is_drawn for each in station.entries())


def test_after_three_deaths_an_image_comes_last(station, pictures, model):
    station.add_folder(pictures, model=model)
    for n in range(1, MAX_DEATHS + 1):
        claimed = queue.claim(station.database)
        assert (claimed.entry.name, claimed.attempt) == ("a.png", n)
        assert not claimed.is_suspect
        queue.recover(station.database)
    claimed = [queue.claim(station.database) for _ in range(3)]
    assert [each.entry.name for each in claimed] == ["b.png", "c.png", "a.png"]
    assert [each.is_suspect for each in claimed] == [False, False, True]


def test_what_was_judged_keeps_its_verdict_when_drawing_it_kills(station, pictures, model, deadly):
    station.add_folder(pictures / "c.png", model=model)
    deadly("photo.jpg")
    for _ in range(MAX_DEATHS):
        assert run_worker(station).returncode == -signal.SIGKILL
        assert station.entry(1).verdict == "anomaly"
    assert run_worker(station).returncode == 0
    entry = station.entry(1)
    assert (entry.state, entry.verdict, entry.is_drawn) == ("done", "anomaly", False)
    assert "the verdict stands, but its pictures could not be drawn" in entry.error
    with pytest.raises(ValueError, match=r"c\.png has no pictures: .*; judge it again"):
        station.result(1)
    assert run_worker(station).returncode == 0
    assert station.entry(1) == entry, "it is not drawn again and again"


def test_a_verdict_of_before_is_cleared_where_judging_again_kills(
    station, pictures, model, deadly, work
):
    station.add_folder(pictures, model=model)
    work(station)
    deadly("c.png")
    station.rejudge([3])
    for _ in range(MAX_DEATHS):
        assert run_worker(station).returncode == -signal.SIGKILL
    assert station.entry(3).verdict == "anomaly", "until then it keeps what was said"
    assert run_worker(station).returncode == 0
    entry = station.entry(3)
    assert (entry.state, entry.verdict, entry.total) == ("failed", None, None)
    assert station.classes() == []
    assert station.tally(verdicts=["anomaly"]).total == 0


def test_a_worker_killed_beside_the_process_that_judges_alone_blames_nobody(
    station, pictures, model
):
    station.add_folder(pictures / "a.png", model=model)
    with station.database.change() as connection:
        connection.execute("UPDATE entries SET attempts = ?", (MAX_DEATHS,))
    command = [sys.executable, "-m", "engine.station.worker_process", str(station.folder)]
    for _ in range(2):
        process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE)
        while not station.tally().running:
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert station.tally().running == 1
    assert run_worker(station).returncode == 0
    assert station.tally().done == 1


def test_a_process_that_judges_alone_does_nothing_that_was_not_claimed(station, pictures, model):
    station.add_folder(pictures / "a.png", model=model)
    command = [sys.executable, "-m", "engine.station.worker_process", str(station.folder)]
    subprocess.run([*command, "--entry", "1", "--attempt", "7"], check=True, timeout=300)
    assert station.tally().queued == 1
