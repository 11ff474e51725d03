from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from engine.atomic import OutputError, atomic_write, check_writable, write_text


def test_the_file_appears_only_when_the_block_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "model.pw"
    with atomic_write(path) as stream:
        stream.write(b"new")
        stream.flush()
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["model.pw"]


def test_an_old_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "model.pw"
    path.write_bytes(b"a long old content")
    with atomic_write(str(path)) as stream:
        stream.write(b"new")
        assert path.read_bytes() == b"a long old content"
    assert path.read_bytes() == b"new"


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with atomic_write("model.pw") as stream:
        stream.write(b"new")
    assert (tmp_path / "model.pw").read_bytes() == b"new"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError, KeyError])
def test_any_exception_leaves_everything_as_it_was(
    error: type[BaseException], tmp_path: Path
) -> None:
    def write_half() -> None:
        with atomic_write(path) as stream:
            stream.write(b"half")
            raise error("stop")

    path = tmp_path / "model.pw"
    path.write_bytes(b"old")
    with pytest.raises(error, match="stop"):
        write_half()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model.pw"]


def test_an_error_about_another_file_is_not_blamed_on_this_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="other"), atomic_write(tmp_path / "a"):
        (tmp_path / "other").read_bytes()
    assert os.listdir(tmp_path) == []


def test_the_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a"):
        pass
    (tmp_path / "b").touch()
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"}
    assert len(modes) == 1


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    with atomic_write(tmp_path / "link") as stream:
        stream.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_missing_folder(tmp_path: Path) -> None:
    message = r"^cannot write .*none/model\.pw: the folder does not exist; create it first$"
    with pytest.raises(OutputError, match=message), atomic_write(tmp_path / "none" / "model.pw"):
        pass


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message = r"part of its path is a file, not a folder; choose another path$"
    with pytest.raises(OutputError, match=message), atomic_write(tmp_path / "file" / "model.pw"):
        pass


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"cannot write .*: it is a folder; add a file name$"),
        atomic_write(tmp_path),
    ):
        pass


def test_a_device_is_written_and_never_replaced() -> None:
    check_writable(Path("/dev/null"))
    with atomic_write("/dev/null") as stream:
        stream.write(b"new")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's always-full device")
def test_a_device_that_takes_nothing() -> None:
    check_writable(Path("/dev/full"))
    message = r"^cannot write /dev/full: the disk is full; free some space"
    with pytest.raises(OutputError, match=message), atomic_write("/dev/full") as stream:
        stream.write(b"new")


def test_a_pipe_with_a_name_is_written(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    check_writable(tmp_path / "pipe")  # waits for no reader
    with subprocess.Popen(["cat", str(tmp_path / "pipe")], stdout=subprocess.PIPE) as reader:
        write_text(tmp_path / "pipe", "new")
        assert reader.communicate(timeout=60)[0] == b"new"
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_socket_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        message = r"cannot write .*/s: it is a disk or socket; choose a file name$"
        with pytest.raises(OutputError, match=message), atomic_write(tmp_path / "s"):
            pass


THROUGH = """
import sys
from pathlib import Path
from engine.atomic import check_writable, write_text
print("one")
check_writable(Path(sys.argv[1]))
write_text(Path(sys.argv[1]), "two\\n")
print("three")
"""


@pytest.mark.parametrize(
    "name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link", "/dev/../dev/stdout"]
)
def test_an_open_file_is_written_where_it_is(name: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/stdout")
    run = [sys.executable, "-c", THROUGH, name]
    expected = b"one\ntwo\nthree\n"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    piped = subprocess.run(run, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, check=True)
    assert piped.stdout == expected
    with (tmp_path / "lines").open("wb") as file:
        subprocess.run(run, cwd=tmp_path, env=environment, stdout=file, check=True)
    assert (tmp_path / "lines").read_bytes() == expected


def test_a_number_of_no_open_file() -> None:
    with pytest.raises(OutputError, match="cannot write /dev/fd/999: Bad file descriptor"):
        write_text(Path("/dev/fd/999"), "new")


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    message = r"the name is too long; choose a shorter one$"
    with pytest.raises(OutputError, match=message), atomic_write(tmp_path / ("a" * 300)):
        pass
    assert os.listdir(tmp_path) == []


def test_a_folder_without_permission(locked_folder: Path) -> None:
    message = r"model\.pw: no permission to write there; choose another folder or change"
    with pytest.raises(OutputError, match=message), atomic_write(locked_folder / "model.pw"):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's always-full device")
def test_a_full_disk(tmp_path: Path) -> None:
    def write_to_full_disk() -> None:
        with atomic_write(path) as stream, open("/dev/full", "wb") as full:
            os.dup2(full.fileno(), stream.fileno())
            stream.write(b"new")

    path = tmp_path / "model.pw"
    path.write_bytes(b"old")
    message = r"model\.pw: the disk is full; free some space or choose another disk$"
    with pytest.raises(OutputError, match=message):
        write_to_full_disk()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model.pw"]


LIMITED = """
import resource, sys
from engine.atomic import OutputError, atomic_write, check_writable, write_text
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with atomic_write(sys.argv[1]) as stream:
        stream.write(bytes(1_000_000))
except OutputError as error:
    print(error)
"""


def test_a_limit_on_file_sizes(tmp_path: Path) -> None:
    run = [sys.executable, "-c", LIMITED, str(tmp_path / "model.pw")]
    result = subprocess.run(run, capture_output=True, text=True, check=True)
    assert "model.pw: it exceeds the largest size allowed for a file; check" in result.stdout
    assert os.listdir(tmp_path) == []


INTERRUPTED = """
import os, signal, sys
from engine.atomic import atomic_write
with atomic_write(sys.argv[1]) as stream:
    stream.write(bytes(1000))
    os.kill(os.getpid(), signal.SIGINT)
    signal.pause()
"""


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    run = [sys.executable, "-c", INTERRUPTED, str(tmp_path / "model.pw")]
    result = subprocess.run(run, capture_output=True, text=True, check=False)
    assert "KeyboardInterrupt" in result.stderr
    assert os.listdir(tmp_path) == []


def test_bytes_and_then_the_name_reach_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    fsync, replace = os.fsync, os.replace

    def note_fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("folder" if is_folder else "bytes")
        fsync(descriptor)

    def note_replace(source: str, target: Path) -> None:
        steps.append("name")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    with atomic_write(tmp_path / "model.pw") as stream:
        stream.write(b"new")
    assert steps == ["bytes", "name", "folder"]


KILLED = """
import os, signal, sys
from engine.atomic import atomic_write
with atomic_write(sys.argv[1]) as stream:
    stream.write(bytes(1000))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_kill_left_is_gone_after_the_next_write(tmp_path: Path) -> None:
    path = tmp_path / "model.pw"
    path.write_bytes(b"old")
    for _ in range(2):
        subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
        assert path.read_bytes() == b"old"
        assert len(os.listdir(tmp_path)) == 2, "one is swept when the next is made"
    with atomic_write(path) as stream:
        stream.write(b"new")
    assert os.listdir(tmp_path) == ["model.pw"]
