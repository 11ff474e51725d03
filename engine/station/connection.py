"""Connection to the SQLite file of a station, to change it or only to read it.

Names of files may hold any bytes: text that is no Unicode is kept as the bytes that it is, and
comes back as Python writes it. What SQLite complains about becomes one line.

A station that may not be written is read all the same. What a killed worker left in the log beside
the file belongs to it; where SQLite cannot make the shared memory that reading the log needs, a
copy of both is read.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

from engine.station.records import DiskFullError, StationError
from engine.station.room import has_room
from features.files import MAX_DATABASE_BYTES, check_regular
from features.names import one_line
from features.temporary_files import temporary_folder

# a writer holds the file for milliseconds; this is for a computer under load
TIMEOUT_S = 30.0

_BUSY = "is locked by another process; close that, or try again"
_READ_ONLY = (
    "is read-only: it can be listed and exported; to change it, change the permissions of its "
    "folder, or copy that to another disk"
)
# the low byte of SQLite's result code (sqlite.org/rescode.html)
_REASONS = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_IOERR: "cannot be read or written; check the disk",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check that its folder exists and may be written",
    sqlite3.SQLITE_NOTADB: "is no database any more; bring back a copy",
    sqlite3.SQLITE_CORRUPT: "is damaged; bring back a copy",
}

# what SQLite says, too, when it cannot make or enlarge a file beside the database
_UNCLEAR = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)


class Connection:
    """Statements to one open file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = _row
        connection.text_factory = _text
        self._connection = connection

    @property
    def is_in_transaction(self) -> bool:
        """Whether something was changed that is not yet for good."""
        return self._connection.in_transaction

    def execute(self, query: str, values: Sequence[object] | dict[str, object] = ()) -> Cursor:
        """Run a statement."""
        if isinstance(values, dict):
            return self._connection.execute(query, {k: _stored(v) for k, v in values.items()})
        return self._connection.execute(query, [_stored(each) for each in values])

    def executemany(self, query: str, rows: Iterable[Sequence[object]]) -> Cursor:
        """Run a statement for each of some rows of values."""
        return self._connection.executemany(query, ([_stored(v) for v in row] for row in rows))

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


Cursor = sqlite3.Cursor


def _stored(value: object) -> object:
    """Return what stands for a value in a table: a text that is no Unicode is its bytes."""
    if not isinstance(value, str) or value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        pass
    else:
        return value
    try:
        return os.fsencode(value)
    except UnicodeEncodeError:  # halves of characters, which no file is called by
        return one_line(value)


def _row(cursor: sqlite3.Cursor, values: tuple[object, ...]) -> sqlite3.Row:
    given = (os.fsdecode(each) if isinstance(each, bytes) else each for each in values)
    return sqlite3.Row(cursor, tuple(given))


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def may_write(path: Path) -> bool:
    """Tell whether a database may be changed, or made."""
    has_ids = os.access in os.supports_effective_ids
    places = [path.parent, path] if path.exists() else [path.parent]
    return all(os.access(each, os.W_OK, effective_ids=has_ids) for each in places)


def open_database(path: Path, resources: ExitStack) -> tuple[Connection, bool]:
    """Open a database; tells whether it may be changed, too.

    ``resources`` keeps what is needed as long as the connection.

    Raises:
        StationError: It is not there and cannot be made, or cannot be opened.
    """
    _check_file(path)
    with explained(path):
        if may_write(path):
            return _opened(str(path), resources), True
        if not path.is_file():
            raise StationError(
                f"there is no station in {path.parent}, and none can be made there: no permission "
                "to write; choose another folder or change its permissions"
            )
        return _opened_to_read(path, resources), False


def _check_file(path: Path) -> None:
    """Refuse a pipe or device before SQLite waits for it."""
    try:
        check_regular(path, max_bytes=MAX_DATABASE_BYTES)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StationError(
            f"{path} cannot be opened ({error.strerror}); check the folder"
        ) from error


def _opened(name: str, resources: ExitStack, *, is_uri: bool = False) -> Connection:
    connection = Connection(
        sqlite3.connect(
            name, timeout=TIMEOUT_S, isolation_level=None, check_same_thread=False, uri=is_uri
        )
    )
    resources.callback(connection.close)
    return connection


def _opened_to_read(path: Path, resources: ExitStack) -> Connection:
    uri = f"file:{quote(os.fsencode(path))}?mode=ro"
    log = path.with_name(path.name + "-wal")
    if not (log.is_file() and log.stat().st_size):
        return _opened(f"{uri}&immutable=1", resources, is_uri=True)
    connection = _opened(uri, resources, is_uri=True)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        folder = resources.enter_context(temporary_folder())
        for each in (path, log):
            shutil.copyfile(each, folder / each.name)
        return _opened(str(folder / path.name), resources)
    return connection


def read_only(path: Path) -> StationError:
    """Make the error that says that nothing can be changed."""
    return StationError(f"the station {path.parent} {_READ_ONLY}")


def is_no_database(error: BaseException | None) -> bool:
    """Tell whether SQLite says that a file is something else."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite complains about into one line.

    Raises:
        DiskFullError: The disk is full.
        StationError: The file is locked, read-only, damaged, or out of reach.
    """
    try:
        yield
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter in SQLite's own words
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code == sqlite3.SQLITE_FULL or (code in _UNCLEAR and not has_room(path.parent)):
            raise DiskFullError(path.parent) from error
        unknown = f"answers '{error}'; check that nothing else changed it, or bring back a copy"
        raise StationError(f"the station {path} {_REASONS.get(code, unknown)}") from error
