"""Errors of a library, each one line: what, expected, got, cure.

What a database raises is turned into what it means to a person and what helps.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from features.errors import UserError


class LibraryError(UserError, ValueError):
    """A library that cannot be opened, read or taught; nothing half-taught remains."""


class NameConflict(LibraryError):  # noqa: N818 - what it is says that it is one
    """A name that another class of the library already has."""


class KindConflict(LibraryError):  # noqa: N818 - as above
    """A class that is accepted where a defect is meant, or the other way round."""


_STRANGE = "holds what partwise did not write ({}); bring back a copy"
_NOT_OURS = "is not a library, or damaged; bring back a copy, or choose another file"
_READ_ONLY = "is read-only; change its permissions and those of its folder, or choose another place"
_NO_RIGHTS = "may not be opened or made there; choose another folder or change its permissions"
_FILES = {
    errno.ENOENT: "has no folder to lie in; create that first",
    errno.ENOTDIR: "has a file where its path needs a folder; choose another path",
    errno.EISDIR: "is a folder; add the name of a file",
    errno.EACCES: _NO_RIGHTS,
    errno.EPERM: _NO_RIGHTS,
    errno.EROFS: "is on a read-only disk; choose another one",
    errno.ENOSPC: "cannot be made, as the disk is full; free some space",
    errno.ENAMETOOLONG: "has too long a name; choose a shorter one",
}
# the low byte of SQLite's result code (sqlite.org/rescode.html)
_SQLITE = {
    sqlite3.SQLITE_BUSY: "is locked by another process; close that, or try again",
    sqlite3.SQLITE_LOCKED: "is locked by another process; close that, or try again",
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_AUTH: _READ_ONLY,
    sqlite3.SQLITE_FULL: "cannot grow, as the disk is full; free some space",
    sqlite3.SQLITE_IOERR: "cannot be read or written; check the disk and its free space",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check that its folder exists and may be written",
    sqlite3.SQLITE_NOTADB: _NOT_OURS,
    sqlite3.SQLITE_CORRUPT: _NOT_OURS,
}
_GONE = (
    "was lost in the middle of the work; nothing half-taught remains: "
    "start the server, look at the lessons, and try again"
)
_RIGHTS = "does not let this user write; ask its administrator for the right to, or use another"
_FULL = "cannot grow, as the server's disk is full; free some space there"
_BUSY = "is busy; try again"
# PostgreSQL's error codes by their first characters (Appendix A of its manual), longest first
_POSTGRESQL = {
    "3D000": "does not exist; create it with `createdb`",
    "42501": _RIGHTS,
    "25006": _RIGHTS,
    "22P05": "cannot hold a character of this text; create its database with the encoding UTF8",
    "53100": _FULL,
    "53300": "has no connection left; close another program that uses it, or try again",
    "55P03": _BUSY,
    "57014": _BUSY,
    "57P0": _GONE,
    "28": "refuses the user or the password; check both",
    "40": _BUSY,
    "08": _GONE,
    "XX": "is damaged; bring back a copy",
}
# what the server says before it gives codes, if it speaks English; else its own words are shown
_REFUSED = {
    "pg_hba.conf": "does not let this computer in; ask its administrator (pg_hba.conf)",
    "the database system is": "is starting or stopping; try again in a moment",
    "too many clients": _POSTGRESQL["53300"],
    "connection slots": _POSTGRESQL["53300"],
    "password": _POSTGRESQL["28"],
    "authentication failed": _POSTGRESQL["28"],
    'role "': _POSTGRESQL["28"],
    'database "': _POSTGRESQL["3D000"],
}
# deadlock, serialization failure, and a name, colour or library just made by somebody else
_PASSING = {"40001", "40P01", "23505"}


@contextmanager
def explained(shown: str) -> Iterator[None]:
    """Turn what the database of this name raises into a ``LibraryError`` of one line."""
    try:
        yield
    except LibraryError:
        raise
    except DBAPIError as error:
        # from None: the original may hold the parameters of the connection
        raise LibraryError(f"the library {shown} {_reason(error)}") from None
    except PoolTimeout:
        raise LibraryError(f"the library {shown} {_BUSY}") from None
    except OSError as error:
        reason = f"cannot be opened ({error.strerror}); choose another place"
        raise LibraryError(f"the library {shown} {_FILES.get(error.errno or 0, reason)}") from error
    except (SQLAlchemyError, TypeError, ValueError, LookupError, ArithmeticError) as error:
        raise LibraryError(f"the library {shown} {_STRANGE.format(_line(error))}") from error


def is_passing(error: DBAPIError) -> bool:
    """Tell whether the same may succeed a moment later, because another writer came first."""
    return getattr(error.orig, "sqlstate", None) in _PASSING


def _reason(error: DBAPIError) -> str:
    """Say what is wrong and what helps."""
    original = error.orig
    if isinstance(original, sqlite3.Error):
        code = getattr(original, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        return _SQLITE.get(code, _unknown(original))
    state = getattr(original, "sqlstate", None)
    if state:
        found = [reason for start, reason in _POSTGRESQL.items() if state.startswith(start)]
        return found[0] if found else _unknown(original)
    if error.connection_invalidated:
        return _GONE
    if not isinstance(error, OperationalError):
        return "cannot be reached with the options after the '?' of its URL; check these"
    said = [reason for word, reason in _REFUSED.items() if word in str(original)]
    if said:
        return said[0]
    detail = _line(original).rpartition(": ")[2].strip()
    return f"cannot be reached ({detail}); check that the server runs, and host and port"


def _unknown(original: BaseException | None) -> str:
    """Repeat an error that nobody foresaw, such as a table that another program changed."""
    return f"answers '{_line(original)}'; check that nothing else changed it, or bring back a copy"


def _line(error: BaseException | None) -> str:
    """Return the first line of a message; the server's data may follow on others."""
    return str(error).partition("\n")[0]
