"""What a station's file holds of any name, and what is read of one that may not be written."""

import os
import shutil
import sqlite3
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.station import Station, StationError
from engine.station.connection import Connection, open_database
from engine.station.records import DiskFullError

NOBODY = 65534
NAMES = st.binary(min_size=1, max_size=40).map(lambda name: os.fsdecode(name.replace(b"\0", b"/")))


@contextmanager
def opened():
    connection = Connection(sqlite3.connect(":memory:"))
    connection.execute("CREATE TABLE names (name TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID")
    yield connection
    connection.close()


@given(NAMES)
@example("b\udce9.png")
@example("plain")
@example("\N{GREEK SMALL LETTER ALPHA}\n")
def test_any_name_is_found_again_as_the_bytes_that_it_is(name):
    with opened() as connection:
        connection.execute("INSERT INTO names VALUES (?)", (name,))
        found = connection.execute("SELECT name FROM names WHERE name = ?", (name,)).fetchone()
        assert os.fsencode(found["name"]) == os.fsencode(name)
        named = connection.execute("SELECT name FROM names WHERE name = :n", {"n": name}).fetchall()
        assert len(named) == 1


@given(st.text(st.characters(categories=["Cs"]), min_size=1))
def test_halves_of_characters_are_written_out(text):
    with opened() as connection:
        connection.executemany("INSERT INTO names VALUES (?)", [(text,)])
        (found,) = connection.execute("SELECT name FROM names").fetchone()
    is_name = all("\udc80" <= each <= "\udcff" for each in text)
    assert found == text if is_name else found.isascii()


def test_text_of_another_program_that_is_no_unicode_stops_no_listing():
    with opened() as connection:
        connection.execute("INSERT INTO names VALUES (CAST(x'62e9' AS TEXT))")
        assert connection.execute("SELECT name FROM names").fetchone()["name"] == "b\udce9"


# A station that may not be written


@contextmanager
def as_nobody():
    """Give up the rights of root, whom permissions do not bind."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.fixture
def place():
    """A folder that nobody may look into, unlike tmp_path."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
        if (Path(name) / "s").exists():
            (Path(name) / "s").chmod(0o755)


def copy_read_only(station, place, *, without=()):
    """Copy a station that is open, as a kill would leave it, to where it may only be read."""
    folder = shutil.copytree(station.folder, place / "s")
    for path in [*folder.iterdir(), folder]:
        if path.suffix in without:
            path.unlink()
        else:
            path.chmod(0o555 if path.is_dir() else 0o444)
    return folder


@pytest.mark.parametrize("without", [(), (".db-shm",)])
def test_a_station_is_read_where_nothing_may_be_written(
    station, pictures, model, place, without, tmp_path
):
    station.add_folder(pictures, model=model)
    folder = copy_read_only(station, place, without=without)
    assert (folder / "station.db-wal").stat().st_size, "what was queued lies in the log alone"
    before = sorted(folder.iterdir())
    with as_nobody(), Station(folder) as read:
        assert len(read.entries()) == 3
        assert read.tally().queued == 3
        assert read.models() == []
        for change in (
            read.cancel,
            read.check_writable,
            lambda: read.rejudge([1]),
            lambda: read.new_batch("b", model=model),
        ):
            with pytest.raises(StationError, match="is read-only: it can be listed and exported"):
                change()
    assert sorted(folder.iterdir()) == before


def test_a_station_that_was_closed_is_read_without_its_log(station, pictures, model, place):
    station.add_folder(pictures, model=model)
    station.close()  # moves what the log holds into the file
    folder = copy_read_only(station, place)
    with as_nobody(), Station(folder) as read:
        assert read.tally().queued == 3


def test_an_empty_or_missing_station_that_cannot_be_made_is_refused(locked_folder):
    with pytest.raises(StationError, match="cannot be used as a station"):
        Station(locked_folder / "s")
    with ExitStack() as resources, pytest.raises(StationError, match="no permission to write"):
        open_database(locked_folder / "station.db", resources)


# A full disk


def test_a_full_disk_is_said_in_one_line_and_changes_nothing(station, model, pictures):
    station.add_folder(pictures, model=model)
    (pages,) = station.database.rows("PRAGMA page_count")
    station.database._connection.execute(f"PRAGMA max_page_count = {pages[0]}")

    def fill():
        for _ in range(100):
            station.add_folder(pictures, model=model)

    with pytest.raises(DiskFullError, match="is full; free some space: nothing is lost") as caught:
        fill()
    assert "\n" not in str(caught.value)
    before = station.tally().total
    assert before % 3 == 0, "a batch is added whole or not at all"
    station.database._connection.execute("PRAGMA max_page_count = 1000000")
    station.add_folder(pictures, model=model)
    assert station.tally().total == before + 3


def test_what_sqlite_says_in_between_is_one_line(station):
    with pytest.raises(StationError, match="answers 'no such table: nowhere'; check that nothing"):
        station.database.rows("SELECT * FROM nowhere")
    is_refused = pytest.raises(
        StationError, match=r"answers 'NOT NULL constraint failed: jobs\.kind'"
    )
    with is_refused, station.database.change() as connection:
        connection.execute("INSERT INTO jobs (kind, spec, created_at) VALUES (NULL, '', 0)")
