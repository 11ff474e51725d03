"""Database of a station: one SQLite file with a write-ahead log.

A crash loses nothing: every change is a transaction, and whoever is killed in the middle of one has
changed nothing.

Times are seconds since 1970, paths are absolute. ``verdict`` and ``threshold`` are those in force,
so that a list can be filtered by an index; ``learnt`` is the threshold of the model. A verdict is
noted before its pictures are drawn (``is_drawn``), for drawing a large image takes longer.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TypeVar

from engine.station.connection import (
    TIMEOUT_S,
    Connection,
    explained,
    is_no_database,
    open_database,
    read_only,
)
from engine.station.records import StationError
from features.records import check_record

SCHEMA_VERSION = 1
APPLICATION_ID = 0x50617274  # "Part"

# 0001-01-01 and 9999-12-31, beyond which there are no dates
_FIRST_S, _LAST_S = -62_135_596_800.0, 253_402_300_799.0

Row = sqlite3.Row
R = TypeVar("R")

_TABLES = (
    """CREATE TABLE batches (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        label TEXT NOT NULL,
        model TEXT NOT NULL,
        created_at REAL NOT NULL
    )""",
    """CREATE TABLE entries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        source TEXT NOT NULL,
        batch INTEGER REFERENCES batches (id) ON DELETE SET NULL,
        model TEXT NOT NULL,
        library TEXT,
        path TEXT,
        file_size INTEGER,
        file_mtime_ns INTEGER,
        sha256 TEXT,
        height INTEGER,
        width INTEGER,
        state TEXT NOT NULL DEFAULT 'queued',
        urgency INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        added_at REAL NOT NULL,
        judged_at REAL,
        seconds REAL,
        total REAL,
        learnt REAL,
        threshold REAL,
        severity REAL,
        verdict TEXT,
        is_by_region INTEGER NOT NULL DEFAULT 0,
        worst TEXT NOT NULL DEFAULT '',
        calm TEXT NOT NULL DEFAULT '',
        classes TEXT NOT NULL DEFAULT '[]',
        review TEXT,
        reviewed_by TEXT,
        reviewed_at REAL,
        error TEXT,
        is_drawn INTEGER NOT NULL DEFAULT 0
    )""",
    "CREATE INDEX entries_queue ON entries (urgency DESC, id) WHERE state = 'queued'",
    "CREATE INDEX entries_tally ON entries (model, state, verdict, review)",
    "CREATE INDEX entries_batch ON entries (batch, state, verdict, review)",
    "CREATE INDEX entries_worst ON entries (severity, id)",
    "CREATE INDEX entries_added ON entries (added_at)",
    "CREATE INDEX entries_name ON entries (name COLLATE NOCASE)",
    "CREATE INDEX entries_image ON entries (sha256)",
    """CREATE TABLE entry_classes (
        name TEXT NOT NULL,
        entry INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
        PRIMARY KEY (name, entry)
    ) WITHOUT ROWID""",
    "CREATE INDEX entry_classes_entry ON entry_classes (entry)",
    """CREATE TABLE thresholds (
        model TEXT PRIMARY KEY,
        value REAL NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE watches (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        folder TEXT NOT NULL,
        root TEXT NOT NULL,
        model TEXT NOT NULL,
        library TEXT,
        batch INTEGER NOT NULL REFERENCES batches (id),
        created_at REAL NOT NULL,
        error TEXT
    )""",
    """CREATE TABLE seen (
        watch INTEGER NOT NULL REFERENCES watches (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        file_size INTEGER NOT NULL,
        file_mtime_ns INTEGER NOT NULL,
        PRIMARY KEY (watch, name, file_size, file_mtime_ns)
    ) WITHOUT ROWID""",
    """CREATE TABLE jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        spec TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'queued',
        step TEXT NOT NULL DEFAULT '',
        done INTEGER NOT NULL DEFAULT 0,
        total INTEGER NOT NULL DEFAULT 0,
        result TEXT,
        error TEXT,
        is_to_stop INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        created_at REAL NOT NULL,
        started_at REAL,
        ended_at REAL
    )""",
    "CREATE INDEX jobs_state ON jobs (state, kind)",
)


class Database:
    """One connection to the file, which threads share by taking turns.

    A file that may not be written is opened all the same, to be read.

    Making one, and every method, raises ``StationError`` if the file is no database of a station or
    one of a newer version, is locked, damaged or read-only; ``DiskFullError`` if its disk is full.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._resources = ExitStack()
        try:
            self._connection, self.is_writable = open_database(path, self._resources)
            self._prepare()
        except BaseException:
            self._resources.close()
            raise

    def check_writable(self) -> None:
        """Refuse to change what may only be read.

        Raises:
            StationError: The file may only be read.
        """
        if not self.is_writable:
            raise read_only(self.path)

    @contextmanager
    def change(self) -> Iterator[Connection]:
        """Make some changes all together or, if an exception ends the block, none of them."""
        self.check_writable()
        with self._lock, explained(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.is_in_transaction:  # a full disk has ended it already
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        """Read; what is seen is the outcome of whole transactions."""
        with self._lock, explained(self.path):
            return self._connection.execute(query, values).fetchall()

    def row(self, query: str, values: Sequence[object] = ()) -> Row | None:
        """Read one row, or None."""
        found = self.rows(query, values)
        return found[0] if found else None

    def version(self) -> int:
        """Return a number that differs once another connection has changed anything."""
        return int(self.rows("PRAGMA data_version")[0][0])

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._resources.close()

    def _prepare(self) -> None:
        try:
            with explained(self.path):
                if not self._is_current():
                    self._make_tables()
                self._connection.execute("PRAGMA foreign_keys = ON")
        except StationError as error:
            if not is_no_database(error.__cause__):
                raise
            raise StationError(
                f"{self.path} must be the database of a station, got a file that is none "
                f"({error.__cause__}); choose another folder"
            ) from error

    def _is_current(self) -> bool:
        """Tell whether the tables are there, and refuse those of others."""
        version = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
        owner = int(self._connection.execute("PRAGMA application_id").fetchone()[0])
        n_tables = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not n_tables:
            return False
        if owner != APPLICATION_ID:
            raise StationError(
                f"{self.path} must be the database of a station, got one of another program; "
                "choose another folder"
            )
        if version != SCHEMA_VERSION:
            cure = (
                "upgrade with `pip install --upgrade partwise`"
                if version > SCHEMA_VERSION
                else "choose another folder"
            )
            raise StationError(
                f"{self.path} must have the station schema {SCHEMA_VERSION}, got {version}; {cure}"
            )
        return True

    def _make_tables(self) -> None:
        if not self.is_writable:
            raise StationError(f"{self.path} is empty; choose the folder of a station")
        self._enable_write_ahead_log()
        with self.change() as connection:
            if self._is_current():  # another process was quicker
                return
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _enable_write_ahead_log(self) -> None:
        """Switch to the write-ahead log; processes that do so at once must wait for each other."""
        until = time.monotonic() + TIMEOUT_S
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.02)
            else:
                return


def reads_row(read: Callable[[Row], R]) -> Callable[[Row], R]:
    """Say of a row that partwise did not write what it is, instead of whatever comes of it.

    What is read is a record, which is held against its annotations.
    """

    @wraps(read)
    def checked(row: Row) -> R:
        try:
            record = read(row)
            check_record(record)
        except (TypeError, ValueError, LookupError, ArithmeticError, OSError) as error:
            reason = str(error).partition("\n")[0]
            raise StationError(
                f"a row of the station cannot be read ({reason}); check that nothing else changed "
                "its database, or bring back a copy"
            ) from error
        return record

    return checked


def now() -> float:
    """Return this moment as tables hold it: seconds since 1970."""
    return time.time()


def utc_time(seconds: float) -> datetime:
    """Turn the seconds of a table into a time in UTC."""
    return datetime.fromtimestamp(min(max(seconds, _FIRST_S), _LAST_S), UTC)


def utc_time_or_none(seconds: float | None) -> datetime | None:
    """Do the same where they may be missing."""
    return None if seconds is None else utc_time(seconds)
