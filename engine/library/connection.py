"""Database connections to SQLite files and PostgreSQL servers.

Writers wait for each other and readers for nobody. SQLite: write-ahead log where the file system
has it, and a lesson takes the lock for writing when it begins, not half-way. PostgreSQL: through
psycopg 3.

SQLite's write-ahead log needs memory that all its users share, hence one computer
(sqlite.org/wal.html); over a network it may lose what was written, so that a folder shared with
other computers gets none.
"""

from __future__ import annotations

import errno
import os
import re
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool, QueuePool

from engine.library.errors import LibraryError
from features.names import real_path

# two letters at least: C:\ is a disk
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+._-]+):")
_CURE = "give a file, or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
_POSTGRESQL = {"postgres", "postgresql", "postgresql+psycopg"}

_MOUNTS = Path("/proc/self/mounts")
_NETWORK = re.compile(
    r"(nfs\d*|cifs|smb\d*|smbfs|afs|ncpfs|9p|virtiofs|vboxsf|ceph|lustre|glusterfs|gfs2|ocfs2"
    r"|fuse\..*)"
)

# what a lesson's connection is asked for; see ``_begin``
WRITING = {"is_writing": True}


@dataclass(frozen=True)
class Address:
    """A file by its ``path`` or a server by its ``url``, and how messages call it."""

    shown: str
    """Without any password."""
    path: Path | None = None
    url: URL | None = None


def address_of(url_or_path: str | Path) -> Address:
    """Understand a path, ``sqlite:///path`` or ``postgresql://…``; a ``Path`` is always a file.

    Raises:
        LibraryError: It is neither; the message repeats nothing that may hold a password.
    """
    scheme = None if isinstance(url_or_path, Path) else _SCHEME.match(url_or_path)
    if scheme is None:
        return _file(str(url_or_path))
    url = _parsed(str(url_or_path), scheme[1])
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        if not url.database or url.database == ":memory:":
            raise LibraryError(f"a library needs a file to last, got {url.drivername}://; {_CURE}")
        return _file(url.database)
    if url.drivername in _POSTGRESQL:
        # the query may hold a password, too
        shown = url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
        return Address(shown, url=url.set(drivername="postgresql+psycopg"))
    raise LibraryError(
        f"a library lies in SQLite or PostgreSQL, got a URL of '{scheme[1]}'; {_CURE}"
    )


def _file(name: str) -> Address:
    """Take a name as that of a file, from the working folder on."""
    if not name.strip():
        raise LibraryError(f"a library needs a place, got an empty name; {_CURE}")
    path = Path(os.path.expanduser(name)).absolute()  # as features.names.real_path does
    return Address(str(path), path=path)


def _parsed(text: str, scheme: str) -> URL:
    """Take a URL apart."""
    unreadable = LibraryError(
        f"a URL that starts with '{scheme}:' cannot be read, perhaps for an '@' in its "
        f"password, which must be written %40; {_CURE}"
    )
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise unreadable from None  # the original repeats the text, password and all
    # the rest of such a password is taken for a part that messages show
    parts = (url.host, url.database if url.drivername in _POSTGRESQL else None, *url.query)
    if any("@" in part for part in parts if part):
        raise unreadable
    return url


def is_shared(folder: Path) -> bool:
    """Tell whether a folder lies on a network's file system; without Linux's list, it does not."""
    try:
        mounts = _MOUNTS.read_text(errors="replace")
    except OSError:
        return False
    return _NETWORK.fullmatch(file_system_of(real_path(folder), mounts)) is not None


def file_system_of(folder: Path, mounts: str) -> str:
    """Return the type of the file system that holds a folder, by lines as of /proc/self/mounts."""
    found = {}
    for line in mounts.splitlines():
        _, point, kind, *_ = line.split(" ")
        # blanks and the like are written as \\040
        name = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point)
        found[Path(name)] = kind  # the last one mounted there is the one seen
    return next((found[each] for each in (folder, *folder.parents) if each in found), "")


def connect(address: Address, *, is_read_only: bool, patience_s: float) -> Engine:
    """Prepare connections; the first is made when it is needed.

    ``patience_s`` is how long another writer, or a server that does not answer, is waited for.

    Raises:
        LibraryError: PostgreSQL is asked for, but its driver is not installed.
        OSError: A file that is to be made cannot be.
    """
    if address.path is not None:
        return _sqlite(address.path, is_read_only=is_read_only, patience_s=patience_s)
    assert address.url is not None
    return _postgresql(address.url, is_read_only=is_read_only, patience_s=patience_s)


def _postgresql(url: URL, *, is_read_only: bool, patience_s: float) -> Engine:
    """Prepare connections to a server; a lost one is replaced before its next use."""
    wait_ms = round(patience_s * 1000)
    given = url.query.get("options", "")
    options = [given] if isinstance(given, str) else list(given)
    options += [f"-c lock_timeout={wait_ms} -c default_transaction_read_only={is_read_only}"]
    seconds = max(2, round(patience_s))  # libpq waits 2 s at least
    try:
        return create_engine(
            url,
            # who waited for a lock must see what the other did, whatever the server's default
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            pool_timeout=patience_s,
            connect_args={"options": " ".join(options), "connect_timeout": seconds},
        )
    except ModuleNotFoundError as error:
        raise LibraryError(
            "a library on PostgreSQL needs the driver psycopg, which is not installed; "
            "install it with: pip install 'partwise[postgresql]'"
        ) from error


def _sqlite(path: Path, *, is_read_only: bool, patience_s: float) -> Engine:
    """Prepare connections to a file, which is made where it may be written."""
    if not is_read_only:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        if not path.exists():
            path.touch()  # an empty file is an empty database
        if not path.stat().st_size and not is_shared(path.parent):
            _prefer_log(path, patience_s)

    def opened() -> sqlite3.Connection:
        # transactions begin in _begin; one connection serves threads one after the other
        connection = sqlite3.connect(
            _uri(path, is_read_only=is_read_only),
            uri=True,
            timeout=patience_s,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    # a reader of a file that cannot be locked sees changes only when it opens it anew
    pool = NullPool if is_read_only else QueuePool
    engine = create_engine("sqlite://", creator=opened, poolclass=pool)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    """Begin a transaction; one that writes waits for its turn now and cannot be overtaken."""
    is_writing = connection.get_execution_options().get("is_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


def _prefer_log(path: Path, patience_s: float) -> None:
    """Let readers read while somebody writes, where the file system has shared memory."""
    # busy: another process is doing the same; without rights: the next step says so
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(path, timeout=patience_s)) as connection,
    ):
        connection.execute("PRAGMA journal_mode = WAL").close()


def _uri(path: Path, *, is_read_only: bool) -> str:
    """Name the file to SQLite."""
    name = f"file:{quote(os.fsencode(path))}"  # any bytes
    if not is_read_only:
        return f"{name}?mode=rw"
    return f"{name}?mode=ro{'&immutable=1' if _is_still(path) else ''}"


def _is_still(path: Path) -> bool:
    """Tell whether the folder is closed to writing, so that no log can be made for reading.

    What another station's log holds that is not yet in the file is then not seen; there is none
    once that station closed the library.
    """
    has_rights = os.access(
        path.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids
    )
    log = path.with_name(f"{path.name}-wal")
    return not has_rights and not (log.exists() and log.stat().st_size)
