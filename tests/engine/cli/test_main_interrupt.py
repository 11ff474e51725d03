"""Ctrl-C in a real process, whose standard error stream is a terminal."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.model_file import read_model

PATIENCE_S = 300


class Session:
    """A running command; what it draws on its terminal is read as it comes."""

    def __init__(self, *arguments):
        self.terminal, theirs = pty.openpty()
        os.set_blocking(self.terminal, False)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine", *map(str, arguments)],
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            start_new_session=True,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
        )
        os.close(theirs)
        self.drawn = ""

    def read(self):
        """Read all that is there; who does not read lets the command wait for room."""
        try:
            while some := os.read(self.terminal, 65536):
                self.drawn += some.decode(errors="replace")
        except (BlockingIOError, OSError):  # nothing yet, or the other end is closed
            return

    def wait_until(self, is_reached):
        deadline = time.monotonic() + PATIENCE_S
        while not is_reached():
            assert time.monotonic() < deadline, self.drawn
            assert self.process.poll() is None, f"ended too early: {self.drawn}"
            self.read()
            time.sleep(0.005)

    def children(self):
        """Ids of the processes that it has started itself."""
        pid = self.process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    def interrupt(self):
        """Press Ctrl-C: every process of the session is told."""
        os.killpg(self.process.pid, signal.SIGINT)
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.drawn
            self.read()
            time.sleep(0.005)
        self.read()
        return self.process.returncode


@pytest.fixture
def start():
    sessions = []

    def begin(*arguments):
        sessions.append(Session(*arguments))
        return sessions[-1]

    yield begin
    for session in sessions:
        session.process.kill()
        session.process.wait()
        os.close(session.terminal)


def test_fit_leaves_the_old_model_as_it_was(start, partwise, photos, tmp_path):
    output = tmp_path / "model.pw"
    output.write_bytes(b"an older model")
    references = [photos / "references"] * 2
    session = start("fit", *references, "-o", output)
    session.wait_until(lambda: "aligning" in session.drawn)
    assert session.interrupt() == 130
    assert "Interrupted; no file was left half-written." in session.drawn
    assert "Traceback" not in session.drawn
    assert list(tmp_path.iterdir()) == [output]
    assert output.read_bytes() == b"an older model"
    assert partwise("fit", *references, "-o", output).code == 0
    read_model(output)


@pytest.mark.parametrize("jobs", [1, 2])
def test_bench_goes_on_where_it_was_interrupted(
    start, partwise, write_scene, small, tmp_path, jobs
):
    root, results = tmp_path / "cable", tmp_path / "bench.json"
    journal = tmp_path / "bench.json.partial"
    for seed in range(2):
        write_scene(root / "train" / "good" / f"{seed}.png", seed)
        write_scene(root / "test" / "good" / f"{seed}.png", 10 + seed)
        write_scene(root / "test" / "bad" / f"{seed}.png", 20 + seed, is_stained=True)
    command = ("bench", root, "--shots", "1,2", "--seeds", "1,2", "-c", small)
    command += ("--json", results)

    session = start(*command, "--jobs", jobs)
    session.wait_until(lambda: journal.exists() and journal.read_text().count("\n"))
    assert session.interrupt() == 130
    assert "Interrupted; no file was left half-written." in session.drawn
    assert "Traceback" not in session.drawn
    assert not results.exists()
    finished = [json.loads(line)["run"] for line in journal.read_text().splitlines()]
    assert 1 <= len(finished) < 4

    assert partwise(*command).code == 0
    runs = json.loads(results.read_text())["runs"]
    assert [(run["shots"], run["seed"]) for run in runs] == [
        (shots, seed) for shots in (1, 2) for seed in (1, 2)
    ]
    assert all(run in runs for run in finished)  # to the microsecond: they were not made again
    assert not journal.exists()


def test_processes_that_are_just_starting_end_silently_too(start, write_scene, small, tmp_path):
    root = tmp_path / "cable"
    write_scene(root / "train" / "good" / "0.png", 0)
    write_scene(root / "test" / "good" / "0.png", 10)
    write_scene(root / "test" / "bad" / "0.png", 20, is_stained=True)
    session = start("bench", root, "--shots", 1, "--seeds", "1,2", "-c", small, "--jobs", 2)
    # one process watches over the others: https://docs.python.org/3/library/multiprocessing.html
    session.wait_until(lambda: len(session.children()) == 3)
    assert session.interrupt() == 130
    assert "Interrupted; no file was left half-written." in session.drawn
    assert "Traceback" not in session.drawn
