"""Files given by name: what lies there, how much, and what is in it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from features import files
from features.errors import UserError
from features.files import ContentError, FileError

BOM = b"\xef\xbb\xbf"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a"


def test_a_file_is_read(path: Path) -> None:
    path.write_bytes(b"content")
    assert files.read_bytes(path, max_bytes=7) == b"content"
    assert files.read_bytes(str(path), max_bytes=7) == b"content"
    assert b"".join(files.read_chunks(path, max_bytes=7)) == b"content"
    files.check_regular(path, max_bytes=7)


def test_a_file_may_be_too_large(path: Path) -> None:
    path.write_bytes(b"content")
    message = r"a: expected at most 6 bytes, got 7 bytes; name another file$"
    for read in (files.read_bytes, files.check_regular, files.open_regular):
        with pytest.raises(FileError, match=message):
            read(path, max_bytes=6)


def test_what_has_no_size_is_not_read_for_ever() -> None:
    with pytest.raises(
        FileError, match=r"pagemap: expected at most 9 bytes, got 10 bytes and more"
    ):
        files.read_bytes("/proc/self/pagemap", max_bytes=9)
    with pytest.raises(FileError, match="pagemap: it grew while it was read"):
        list(files.read_chunks("/proc/self/pagemap", max_bytes=9))


def test_a_pipe_is_refused_without_waiting_for_its_writer(path: Path) -> None:
    os.mkfifo(path)
    message = r"a: it is a device or pipe, expected a file; save it as a file$"
    for read in (files.read_bytes, files.check_regular, files.open_regular):
        with pytest.raises(FileError, match=message):
            read(path, max_bytes=100)
    with pytest.raises(FileError, match=message):
        files.open_to_append(path)


def test_what_becomes_a_pipe_meanwhile_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"content")
    regular = os.stat(path)
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(os, "stat", lambda *_, **__: regular)
    with pytest.raises(FileError, match="it is a device or pipe"):
        files.read_bytes(path, max_bytes=100)


def test_no_descriptor_stays_open(path: Path) -> None:
    path.write_bytes(b"content")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with pytest.raises(FileError):
            files.open_regular(path, max_bytes=1)
        files.check_regular(path, max_bytes=100)
    assert len(os.listdir("/proc/self/fd")) == before


def test_folders_and_what_is_not_there_are_what_they_are(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.read_text(path)
    path.mkdir()
    with pytest.raises(IsADirectoryError, match="Is a directory"):
        files.read_text(path)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"])
def test_what_no_file_can_be_called(name: str) -> None:
    with pytest.raises(FileError, match="no file can have this name"):
        files.read_text(name)


def test_errors_are_for_users_and_of_the_system(path: Path) -> None:
    error = FileError(path, "it is odd; name another")
    assert isinstance(error, UserError)
    assert isinstance(error, OSError)
    assert (str(error), error.strerror) == (
        f"{path}: it is odd; name another",
        "it is odd; name another",
    )


def test_what_is_appended_is_kept(path: Path) -> None:
    for _ in range(2):
        with files.open_to_append(path) as stream:
            stream.write(b"line\n")
    assert path.read_bytes() == b"line\nline\n"


# Text


def test_the_mark_of_some_editors_is_left_out(path: Path) -> None:
    path.write_bytes(BOM + "Grüße\r\n".encode())
    assert files.read_text(path) == "Grüße\r\n"
    path.write_bytes(BOM + b'{"a": 1}')
    assert files.read_json(path) == {"a": 1}
    path.write_bytes(BOM + b"a = 1")
    assert files.read_toml(path) == {"a": 1}


@pytest.mark.parametrize(
    ("content", "found"),
    [("ab".encode("utf-16"), "UTF-16"), ("äb".encode("latin-1"), "another encoding at byte 0")],
)
def test_text_of_another_encoding_is_named(path: Path, content: bytes, found: str) -> None:
    path.write_bytes(content)
    for read in (files.read_text, files.read_json, files.read_toml):
        with pytest.raises(
            ContentError, match=f"a is not text in UTF-8, expected a .* file, got {found}; save"
        ):
            read(path)


# JSON and TOML

DEEP = files.MAX_DEPTH + 1
BAD_JSON = {
    "not JSON: Expecting value": ["", "x", "[1,]"],
    "not JSON: NaN is no finite number": ["NaN", "[NaN]"],
    "is no finite number": ["Infinity", '{"a": -Infinity}'],
    "the number 1e999 is too large": ["1e999", "[[1e999]]"],
    "a whole number has more than 64 bits": [str(2**64), f"[{2**63}]", f'{{"a": {-(2**63) - 1}}}'],
    "Exceeds the limit": ["9" * 5000],
    "it nests too deeply": [
        "[" * DEEP + "]" * DEEP,
        '{"a":' * DEEP + "1" + "}" * DEEP,
        "[" * 10**6,
    ],
}


@pytest.mark.parametrize(
    ("message", "text"), [(m, t) for m, each in BAD_JSON.items() for t in each]
)
def test_json_that_breaks_its_readers_is_refused(path: Path, message: str, text: str) -> None:
    path.write_text(text)
    with pytest.raises(ContentError, match=message) as caught:
        files.read_json(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500 + len(str(path))


@pytest.mark.parametrize(
    "values", [None, 1, -(2**63), 2**63 - 1, 1e308, "a", [], {}, {"a": [1, {"b": None}]}, [[[]]]]
)
def test_json_that_is_sound_is_read(path: Path, values: Any) -> None:
    path.write_text(json.dumps(values))
    assert files.read_json(path) == values


BAD_TOML = {
    "is not valid TOML": ["a = ", "= 1", "a = 1\na = 2", "[a]\n[a]", "a = 1979-99-99"],
    "Exceeds the limit": ["a = " + "9" * 5000],
    "a whole number has more than 64 bits": ["a = 0x" + "f" * 5000, "a = [0b" + "1" * 70 + "]"],
    "it nests too deeply": [
        "a = " + "[" * 3000,
        "a = " + "[" * 3000 + "]" * 3000,
        "a = " + "{b = " * 3000 + "1" + "}" * 3000,
        ".".join("a" * DEEP) + " = 1",
        "[" + ".".join("a" * DEEP) + "]",
    ],
    "must have at most 200 dots in a line": [
        ".".join("a" * 30_000) + " = 1",
        "[" + ".".join("a" * 30_000) + "]",
        "a = {" + ".".join("a" * 30_000) + " = 1}",
        ".".join(['"="'] * 15_000) + " = 1",
    ],
    "expected at most 128,000 bytes": ["# " + "x" * 130_000],
}


@pytest.mark.parametrize(
    ("message", "text"), [(m, t) for m, each in BAD_TOML.items() for t in each]
)
def test_toml_that_breaks_its_readers_is_refused(path: Path, message: str, text: str) -> None:
    path.write_text(text)
    started = time.perf_counter()
    with pytest.raises(UserError, match=message) as caught:
        files.read_toml(path)
    assert "\n" not in str(caught.value)
    assert time.perf_counter() - started < 2


def test_the_slowest_toml_of_all_is_read_soon(path: Path) -> None:
    keys = [f"{'.'.join('a' * 60)}.k{number} = 1" for number in range(900)]
    path.write_text("\n".join(keys))
    started = time.perf_counter()
    files.read_toml(path)
    assert time.perf_counter() - started < 4
