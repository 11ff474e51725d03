"""What a killed writer leaves is gone after the next; what is alive or not ours stays."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from features import temporary_files
from features.temporary_files import LEFT_OVER_S, is_temporary, sweep, temporary_file

KINDS = ["temporary_file", "temporary_folder"]

# makes something temporary, tells its name, and waits to be killed
WRITER = """
import sys, time
from pathlib import Path
from features import temporary_files
with getattr(temporary_files, sys.argv[1])(Path(sys.argv[2])) as made:
    print(getattr(made, "name", made), flush=True)
    time.sleep(1000)
"""


@pytest.fixture
def writer(tmp_path):
    """Start a process that fills something temporary; gives the process and the path."""
    started = []

    def begin(kind):
        command = [sys.executable, "-c", WRITER, kind, str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process, tmp_path / process.stdout.readline().strip()

    yield begin
    for each in started:
        each.kill()
        each.communicate()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_what_a_killed_process_left_is_gone_at_the_next_write(kind, other, writer, tmp_path):
    process, path = writer(kind)
    _, beside = writer(kind)
    assert path.exists()
    assert is_temporary(path)
    if path.is_dir():
        (path / "deep").mkdir()
        (path / "deep" / "content").write_bytes(b"x")
    process.send_signal(signal.SIGKILL)
    process.wait()
    with getattr(temporary_files, other)(tmp_path):
        assert not path.exists()
        assert beside.exists(), "its writer is alive"
    assert os.listdir(tmp_path) == [beside.name]


def test_two_writers_of_one_process_leave_each_other_alone(tmp_path):
    with temporary_file(tmp_path) as first, temporary_file(tmp_path) as second:
        sweep(tmp_path)
        assert sorted(os.listdir(tmp_path)) == sorted(Path(s.name).name for s in (first, second))
    assert os.listdir(tmp_path) == []


def test_others_names_links_and_pipes_are_never_touched(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"x")
    folder = tmp_path / "folder"
    folder.mkdir()
    name = f".partwise-{temporary_files._computer()}-{{}}.tmp"
    (folder / name.format("0" * 16)).symlink_to(outside)
    (folder / name.format("1" * 16)).symlink_to(outside / "precious")
    os.mkfifo(folder / name.format("2" * 16))
    for each in (
        "partwise-0.tmp",
        ".partwise-x.tmp",
        "notes.tmp",
        ".partwise-" + "0" * 17 + ".tmp",
    ):
        (folder / each).write_bytes(b"x")
        os.utime(folder / each, (0, 0))
    before = sorted(os.listdir(folder))
    with temporary_file(folder):
        pass
    assert sorted(os.listdir(folder)) == before
    assert (outside / "precious").read_bytes() == b"x"


@pytest.mark.parametrize(
    "name",
    [
        ".partwise-" + "0" * 16 + ".tmp",  # of the first release
        ".partwise-" + "f" * 8 + "-" + "0" * 16 + ".tmp",  # of another computer
        ".partwise.json." + "0" * 16 + ".tmp",
        ".hashes.json." + "0" * 16 + ".tmp",
    ],
)
def test_where_a_lock_says_nothing_an_hour_decides(name, tmp_path):
    (tmp_path / name).write_bytes(b"x")
    made = (tmp_path / name).stat().st_ctime
    sweep(tmp_path, now=made + LEFT_OVER_S - 60)
    assert os.listdir(tmp_path) == [name]
    sweep(tmp_path, now=made + LEFT_OVER_S + 60)
    assert os.listdir(tmp_path) == []


def test_where_there_are_no_locks_an_hour_decides(tmp_path, monkeypatch):
    monkeypatch.setattr(temporary_files, "_lock", lambda descriptor: None)
    name = f".partwise-{temporary_files._computer()}-{'0' * 16}.tmp"
    (tmp_path / name).write_bytes(b"x")
    sweep(tmp_path)
    assert os.listdir(tmp_path) == [name]
    sweep(tmp_path, now=time.time() + LEFT_OVER_S + 60)
    assert os.listdir(tmp_path) == []


def test_a_name_that_was_swept_before_it_was_locked_is_made_anew(tmp_path, monkeypatch):
    lock = temporary_files._lock
    swept = []

    def slow(descriptor):
        if not swept:
            swept.extend(tmp_path.iterdir())
            for each in swept:
                each.unlink()
        return lock(descriptor)

    monkeypatch.setattr(temporary_files, "_lock", slow)
    with temporary_file(tmp_path) as stream:
        assert os.path.exists(stream.name)
        assert stream.name != str(swept[0])


def test_a_folder_that_may_not_be_listed_stops_nothing(locked_folder):
    sweep(locked_folder)
    sweep(locked_folder / "none")


def test_a_computer_without_a_boot_id_is_known_by_its_name(monkeypatch):
    monkeypatch.setattr(Path, "read_bytes", lambda path: (_ for _ in ()).throw(OSError()))
    temporary_files._computer.cache_clear()
    try:
        assert len(temporary_files._computer()) == 8
        assert socket.gethostname()
    finally:
        temporary_files._computer.cache_clear()


OTHER_MEANS = re.compile(
    r"\btempfile\.(?!gettempdir)|\bmkdtemp|\bmkstemp|TemporaryDirectory|\.tmp\b"
)


def test_nobody_else_makes_temporaries():
    root = Path(temporary_files.__file__).parents[1]
    found = {
        path.relative_to(root).as_posix()
        for package in ("features", "alignment", "engine", "ui")
        for path in (root / package).rglob("*.py")
        if OTHER_MEANS.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"features/temporary_files.py"}, "features.temporary_files makes them"


def test_the_folder_for_temporary_files_is_swept_by_default(writer, tmp_path, monkeypatch):
    process, path = writer("temporary_folder")
    process.send_signal(signal.SIGKILL)
    process.wait()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    sweep()
    assert not path.exists()
