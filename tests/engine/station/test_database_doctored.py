"""Stations in which another program wrote what does not belong there."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engine.station import Station, StationError

ODD = (
    None,
    "x",
    "",
    7,
    -(2**63),
    0.5,
    float("inf"),
    1e300,
    "[" * 5000,
    "[1]",
    '{"a": NaN}',
    "9" * 5000,
)
TABLES = ("batches", "entries", "entry_classes", "thresholds", "watches", "jobs")


@pytest.fixture
def filled(tmp_path: Path, photograph: Callable[..., bytes], model: Path, pictures: Path) -> Path:
    folder = tmp_path / "filled"
    with Station(folder, roots=[pictures]) as station:
        station.add_upload(photograph(20), "a.png", model=model)
        station.add_folder(pictures, model=model)
        station.watch(pictures, model=model)
        station.set_threshold(model, 1.5)
        station.start_job("samples", {"seed": 1})
    with closing(sqlite3.connect(folder / "station.db")) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return folder


def doctor(database: Path, table: str, column: str, value: object) -> None:
    """Write a value as it is, whatever the table says of the column."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(f"CREATE TABLE bare AS SELECT * FROM {table}")
        connection.execute(f"DROP TABLE {table}")
        connection.execute(f"ALTER TABLE bare RENAME TO {table}")
        connection.execute(f'UPDATE {table} SET "{column}" = ?', (value,))


def read(folder: Path, model: Path) -> None:
    with Station(folder) as station:
        station.entries(order="worst")
        station.batches()
        station.watches()
        station.jobs()
        station.tally()
        station.classes()
        station.threshold(model)
        station.export_csv(folder / "out.csv")
        station.export_jsonl(folder / "out.jsonl")


def outcome(folder: Path, model: Path) -> str:
    """What is said when a station is read; nothing if it can be."""
    try:
        read(folder, model)
    except StationError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("table", TABLES)
def test_whatever_a_column_holds_is_one_line(filled: Path, model: Path, table: str) -> None:
    database = filled / "station.db"
    content = database.read_bytes()
    with closing(sqlite3.connect(database)) as connection:
        columns = [each[1] for each in connection.execute(f"PRAGMA table_info({table})")]
    n_refused = 0
    for column in columns:
        for value in ODD:
            database.write_bytes(content)
            doctor(database, table, column, value)
            said = outcome(filled, model)
            assert "\n" not in said
            n_refused += said != ""
    assert n_refused or table == "entry_classes"


@pytest.mark.parametrize("table", TABLES)
def test_a_table_that_is_gone_is_one_line(filled: Path, model: Path, table: str) -> None:
    with closing(sqlite3.connect(filled / "station.db")) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        if table == "entry_classes":
            connection.execute("DROP TRIGGER IF EXISTS entry_classes")
        connection.execute(f"DROP TABLE {table}")
    with pytest.raises(StationError, match="no such table"):
        read(filled, model)


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "station.db")
    with pytest.raises(
        StationError, match=r"station\.db cannot be opened \(it is a device or pipe"
    ):
        Station(tmp_path)


def test_what_sqlite_says_of_damaged_names_is_one_line(filled: Path) -> None:
    database = filled / "station.db"
    content = database.read_bytes()
    name = b"CREATE TABLE entries"
    assert name in content
    database.write_bytes(content.replace(name, b"CREATE TABLE entr\xe9es", 1)[: len(content)])
    with pytest.raises(StationError) as caught:
        Station(filled)
    assert "\n" not in str(caught.value)
