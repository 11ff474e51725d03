"""Which file systems are those of a network."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.library import Library
from engine.library.connection import file_system_of, is_shared

MOUNTS = r"""
/dev/sda1 / ext4 rw,relatime 0 0
server:/export /mnt/line nfs4 rw,vers=4.2 0 0
/dev/sdb1 /mnt/line/local xfs rw 0 0
//server/share /mnt/two\040words cifs rw 0 0
tmpfs /mnt/over tmpfs rw 0 0
ssh /mnt/over fuse.sshfs rw 0 0
""".strip()


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/mnt", "ext4"),
        ("/mnt/lines", "ext4"),
        ("/mnt/line", "nfs4"),
        ("/mnt/line/deep/down", "nfs4"),
        ("/mnt/line/local/x", "xfs"),
        ("/mnt/two words/x", "cifs"),
        ("/mnt/over", "fuse.sshfs"),
    ],
)
def test_the_innermost_and_last_mount_counts(folder, kind):
    assert file_system_of(Path(folder), MOUNTS) == kind


def test_nothing_is_known_without_a_list():
    assert file_system_of(Path("/anything"), "") == ""


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("nfs4", True), ("cifs", True), ("fuse.sshfs", True), ("9p", True), ("ext4", False)],
)
def test_network_file_systems_are_known(tmp_path, monkeypatch, kind, expected):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"somewhere / {kind} rw 0 0\n")
    monkeypatch.setattr("engine.library.connection._MOUNTS", mounts)
    assert is_shared(tmp_path) is expected
    monkeypatch.setattr("engine.library.connection._MOUNTS", tmp_path / "none")
    assert not is_shared(tmp_path)


@pytest.mark.parametrize(("kind", "journal"), [("nfs4", "delete"), ("ext4", "wal")])
def test_files_of_a_network_have_no_log_to_be_shared(
    tmp_path, monkeypatch, kind, journal, example, identity
):
    (tmp_path / "mounts").write_text(f"somewhere / {kind} rw 0 0\n")
    monkeypatch.setattr("engine.library.connection._MOUNTS", tmp_path / "mounts")
    place = tmp_path / "library.db"
    with Library(place) as left, Library(place) as right:
        left.teach("button", "accepted", example(0), identity)
        right.teach("button", "accepted", example(1), identity)
        assert left.classes()[0].n_examples == right.revision() == 2
        with closing(sqlite3.connect(place)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == (journal,)
