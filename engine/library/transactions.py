"""Transactions of one library, so that nothing is lost and nothing half-done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from engine.library.connection import WRITING, Address, connect
from engine.library.errors import LibraryError, explained, is_passing
from engine.library.schema import LibraryRow, is_current, upgrade

T = TypeVar("T")

# of a change that another writer came before; each failure means that one of them succeeded
_ATTEMPTS = 10


class Access:
    """The transactions of one library in one database.

    Raises:
        LibraryError: The database cannot be opened, or may only be read and has no such library.
    """

    def __init__(
        self, address: Address, name: str, *, is_read_only: bool, patience_s: float
    ) -> None:
        self.shown = address.shown
        self.name = name
        self.is_read_only = is_read_only
        with explained(self.shown):
            if is_read_only and address.path is not None and not address.path.exists():
                raise self._missing()
            self._engine = connect(address, is_read_only=is_read_only, patience_s=patience_s)
            try:
                self._id = self._found() if is_read_only else self._found_or_made()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[tuple[Connection, int]]:
        """Give a connection and the id of the library to read."""
        with explained(self.shown), self._engine.connect() as connection:
            yield connection, self._id

    def change(self, work: Callable[[Session, LibraryRow], T]) -> T:
        """Do some work in one transaction, alone; nothing of it remains if it fails.

        The work is done anew if another writer came before.
        """
        if self.is_read_only:
            raise LibraryError(
                f"the library {self.shown} was opened only to be read; open it for teaching"
            )
        with explained(self.shown):
            return _repeated(lambda: self._changed(work))

    def _changed(self, work: Callable[[Session, LibraryRow], T]) -> T:
        """Do some work in one transaction; on PostgreSQL the row of the library is the lock."""
        query = select(LibraryRow).where(LibraryRow.id == self._id).with_for_update()
        with Session(self._engine.execution_options(**WRITING)) as session, session.begin():
            return work(session, session.execute(query).scalar_one())

    def _found(self) -> int:
        """Return the id of the library."""
        found = _find(self._engine, self.name, self.shown)
        if found is None:
            raise self._missing()
        return found

    def _found_or_made(self) -> int:
        """Return the id of the library after making whatever is missing."""
        upgrade(self._engine, self.shown)
        return _find(self._engine, self.name, self.shown) or _repeated(self._made)

    def _made(self) -> int:
        """Make the library unless somebody else just did."""
        with Session(self._engine.execution_options(**WRITING)) as session, session.begin():
            found = session.scalar(select(LibraryRow.id).where(LibraryRow.name == self.name))
            if found is not None:
                return found
            row = LibraryRow(name=self.name, revision=0, identity=None)
            session.add(row)
            session.flush()
            return row.id

    def _missing(self) -> LibraryError:
        """Say that there is nothing to read."""
        return LibraryError(
            f"there is no library '{self.name}' in {self.shown}; teach it something first, "
            "or check its place and name"
        )


def is_there(address: Address, name: str, *, patience_s: float) -> bool:
    """Tell whether a database has such a library, without making anything.

    Raises:
        LibraryError: The database cannot be read, or is of another version or program.
    """
    with explained(address.shown):
        if address.path is not None and not address.path.exists():
            return False
        engine = connect(address, is_read_only=True, patience_s=patience_s)
        try:
            return _find(engine, name, address.shown) is not None
        finally:
            engine.dispose()


def _find(engine: Engine, name: str, shown: str) -> int | None:
    """Return the id of a library; None if it, or all of the tables, are missing.

    Raises:
        LibraryError: The tables are of another version than ours, or another program's.
    """
    is_latest = is_current(engine, shown)
    if is_latest is None:
        return None
    if not is_latest:
        raise LibraryError(
            f"the library {shown} is of an older version of partwise and cannot be read as it is; "
            "open it once for teaching, which brings it up to date"
        )
    with engine.connect() as connection:
        return connection.scalar(select(LibraryRow.id).where(LibraryRow.name == name))


def _repeated(work: Callable[[], T]) -> T:
    """Do some work until no other writer came before."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return work()
        except DBAPIError as error:
            if not is_passing(error):
                raise
    return work()
