"""Which database is meant: a file, or a PostgreSQL server by its URL?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from engine.regions.library.errors import LibraryError

# two letters at least: C:\ is a disk
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+._-]+):")
_CURE = "give a file, or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
_POSTGRESQL = {"postgres", "postgresql", "postgresql+psycopg"}


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
    path = Path(name).expanduser().absolute()
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
