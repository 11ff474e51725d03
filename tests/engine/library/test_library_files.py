"""What a file may suffer: damage, locks, a full disk, missing rights."""

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, event

from engine.library import Library

NOBODY = 65534


@pytest.fixture
def open_folder():
    """A folder that is used as nobody; permissions do not bind root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        is_root = os.geteuid() == 0
        if is_root:
            os.chown(folder, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            if is_root:
                os.seteuid(0)
            folder.chmod(0o700)


@pytest.mark.parametrize("is_read_only", [False, True])
@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"no database at all, but some text " * 100, "is not a library, or damaged"),
        (b"SQLite format 3\0" + bytes(4000), "is not a library, or damaged"),
    ],
)
def test_another_file_is_refused_and_left_alone(tmp_path, content, match, is_read_only, refused):
    place = tmp_path / "library.db"
    place.write_bytes(content)
    with refused(match):
        Library(place, is_read_only=is_read_only)
    with refused(match):
        Library.exists(place)
    assert place.read_bytes() == content


def test_a_damaged_library_says_so(tmp_path, example, identity, refused):
    place = tmp_path / "library.db"
    with Library(place) as library:
        for number in range(30):
            library.teach("button", "accepted", example(number), identity)
    data = bytearray(place.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)  # all but the first page, which names the tables
    place.write_bytes(data)
    with refused("is not a library, or damaged; bring back a copy"), Library(place) as library:
        library.examples()


@pytest.mark.parametrize("column", ["mask_png", "thumbnail_png", "features"])
@pytest.mark.parametrize("content", [b"", b"damaged"])
def test_damaged_content_says_so(tmp_path, example, identity, column, content, refused):
    place = tmp_path / "library.db"
    with Library(place) as library:
        library.teach("button", "accepted", example(), identity)
        with closing(sqlite3.connect(place)) as connection, connection:
            connection.execute(f"UPDATE partwise_example SET {column} = ?", (content,))
        with refused("cannot be read, expected what partwise wrote, got damaged bytes"):
            library.examples()


def test_a_locked_file_says_so(tmp_path, example, identity, refused):
    place = tmp_path / "library.db"
    Library(place).close()
    with closing(sqlite3.connect(place)) as other, Library(place, patience_s=0.05) as library:
        other.execute("BEGIN IMMEDIATE")
        with refused("is locked by another process; close that, or try again"):
            library.teach("button", "accepted", example(), identity)
        assert library.classes() == []
        other.execute("ROLLBACK")
        library.teach("button", "accepted", example(), identity)


def test_a_full_disk_leaves_nothing_half_taught(tmp_path, example, identity, refused):
    def limit(connection, _):
        n_pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {n_pages + 3}").close()

    place = tmp_path / "library.db"
    Library(place).close()
    event.listen(Engine, "connect", limit)
    try:
        with Library(place) as library:
            large = example(features={"tokens": np.ones((100, 100), dtype=np.float32)})
            with refused("cannot grow, as the disk is full; free some space"):
                library.teach("button", "accepted", large, identity)
            assert (library.classes(), library.lessons(), library.revision()) == ([], [], 0)
    finally:
        event.remove(Engine, "connect", limit)


def test_a_read_only_file_in_a_closed_folder_can_be_read(open_folder, example, identity, refused):
    place = open_folder / "library.db"
    with Library(place) as library:
        library.teach("button", "accepted", example(), identity)
    place.chmod(0o444)
    open_folder.chmod(0o555)
    assert Library.exists(place)
    with Library(place, is_read_only=True) as reader:
        assert [each.name for each in reader.classes()] == ["button"]
    with refused("is read-only|cannot be opened; check that"), Library(place) as library:
        library.teach("button", "accepted", example(1), identity)
    with refused("may not be opened or made there; choose another folder"):
        Library(open_folder / "new.db")


def test_a_read_only_file_in_an_open_folder_is_not_taught(open_folder, example, identity, refused):
    place = open_folder / "library.db"
    Library(place).close()
    place.chmod(0o444)
    with refused("is read-only"), Library(place) as library:
        library.teach("button", "accepted", example(), identity)
    with Library(place, is_read_only=True) as reader:
        assert reader.lessons() == []


def test_a_file_that_may_not_be_read_says_so(open_folder, refused):
    place = open_folder / "library.db"
    Library(place).close()
    place.chmod(0)
    for use in (Library, Library.exists):
        with refused("cannot be opened"):
            use(place)


def test_a_folder_that_may_not_be_entered_says_so(open_folder, refused):
    place = open_folder / "closed" / "library.db"
    place.parent.mkdir()
    Library(place).close()
    place.parent.chmod(0)
    uses = (Library, Library.exists, lambda place: Library(place, is_read_only=True))
    for use in uses:
        with refused("may not be opened or made there; choose another folder"):
            use(place)
    place.parent.chmod(0o700)
    assert Library.exists(place)
