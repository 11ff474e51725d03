import hashlib
import os
import time

import pytest

from features.weights.checksums import hash_file, remembered_hash
from features.weights.sidecar import read_json, write_json


def digest(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"first" * 500_000)
    return path


@pytest.fixture
def memory(tmp_path):
    return tmp_path / "cache" / "hashes.json"


def settled(path, memory):
    """Hash as if the file had been left alone for long."""
    time.sleep(0.03)  # the clock of the file system has steps of some milliseconds
    return remembered_hash(path, memory, settled_s=0.02)


def test_the_sum_is_that_of_hashlib_and_progress_is_told(file):
    told = []
    content = file.read_bytes()
    assert hash_file(file, lambda *each: told.append(each)) == digest(content)
    assert told[-1] == ("checking weights.pth", len(content), len(content))
    assert len(told) == 3


def test_a_sum_is_remembered_while_the_file_stays_as_it_is(file, memory):
    expected = settled(file, memory)
    entries = read_json(memory)
    entries[str(file)]["sha256"] = "remembered"
    write_json(memory, entries)
    assert expected == digest(file.read_bytes())
    assert settled(file, memory) == "remembered"


def test_a_change_is_noticed_even_with_the_old_size_and_time(file, memory):
    settled(file, memory)
    before = file.stat()
    file.write_bytes(b"other" * 500_000)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert settled(file, memory) == digest(b"other" * 500_000)


def test_the_sum_of_a_file_just_written_is_not_remembered(file, memory):
    remembered_hash(file, memory)
    assert not memory.exists()
    file.write_bytes(b"other" * 500_000)
    assert remembered_hash(file, memory) == digest(b"other" * 500_000)


def test_files_that_are_gone_are_forgotten(file, memory, tmp_path):
    other = tmp_path / "other.pth"
    other.write_bytes(b"x")
    settled(file, memory)
    file.unlink()
    settled(other, memory)
    assert list(read_json(memory)) == [str(other)]


@pytest.mark.parametrize("damaged", ["", "[]", '{"', "\xff"])
def test_a_damaged_memory_is_replaced(file, memory, damaged):
    memory.parent.mkdir()
    memory.write_text(damaged, encoding="latin-1")
    assert settled(file, memory) == digest(file.read_bytes())
    assert list(read_json(memory)) == [str(file)]


def test_a_memory_that_cannot_be_written_is_done_without(file):
    assert settled(file, file / "hashes.json") == digest(file.read_bytes())
