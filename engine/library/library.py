"""Region library: classes and their examples, shared by several stations at once.

It lies in a database that holds one or more libraries, each by its name: a SQLite file, or a
PostgreSQL server. Every lesson is one transaction, is kept for good, and can be undone and redone;
which examples count follows from the lessons by the rules of ``engine.library.replay``.

An empty library stands in for one where nothing was taught yet.
"""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.library import lessons, queries
from engine.library.connection import address_of
from engine.library.lessons import LibraryTransaction
from engine.library.records import (
    Example,
    Features,
    Kind,
    Lesson,
    NewExample,
    RegionClass,
    clean_name,
    storable,
)
from engine.library.schema import ExampleRow, LessonRow, LibraryRow
from engine.library.serialization import example_to_row, identity_of, identity_text, refuse_other
from engine.library.transactions import Access, is_there
from features.temporary_files import temporary_folder

# how long other writers are waited for; a lesson takes milliseconds
PATIENCE_S = 10.0


class Library:
    """Classes of regions and their examples; opened by making it, closed by leaving ``with``.

    A database, and a library in it, is made where there is none. With ``is_read_only`` nothing is
    ever written, and both must be there. ``patience_s`` is how long other writers are waited for.

    Every method raises ``LibraryError`` if the database cannot do what it should: one line that
    says what is wrong and what helps, and holds no password. No change is ever made by half.
    """

    def __init__(
        self,
        url_or_path: str | Path,
        name: str = "default",
        *,
        author: str | None = None,
        is_read_only: bool = False,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.name = _library_name(name)
        self.author = storable(author or _somebody())
        self._access = Access(
            address_of(url_or_path), self.name, is_read_only=is_read_only, patience_s=patience_s
        )

    @staticmethod
    def exists(url_or_path: str | Path, name: str = "default") -> bool:
        """Tell whether there is such a library, without making it.

        Raises:
            LibraryError: The database cannot be read, or is of another version or program.
        """
        return is_there(address_of(url_or_path), _library_name(name), patience_s=PATIENCE_S)

    def close(self) -> None:
        """Give all connections back."""
        self._access.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def classes(self) -> list[RegionClass]:
        """Return the classes that have examples, in the order of their colours."""
        with self._access.reading() as (connection, library_id):
            return queries.classes(connection, library_id)

    def examples(
        self,
        class_name: str | None = None,
        *,
        ids: Collection[int] | None = None,
        with_features: bool = True,
    ) -> list[Example]:
        """Return the examples that count: all, of a class, or of these ids; oldest first."""
        with self._access.reading() as (connection, library_id):
            return queries.examples(
                connection,
                library_id,
                class_name=None if class_name is None else clean_name(class_name),
                ids=ids,
                with_features=with_features,
            )

    def example_classes(self) -> dict[int, int]:
        """Return the class of every example that counts, both by id; quick.

        An example never changes, so that a reader who keeps what it has read need only ask
        ``examples`` or ``features`` for the ids that are new here, and drop those that are gone.
        """
        with self._access.reading() as (connection, library_id):
            return queries.example_classes(connection, library_id)

    def features(self, ids: Collection[int] | None = None) -> dict[int, Features]:
        """Return the features of all examples that count, or of these, without the pictures."""
        with self._access.reading() as (connection, library_id):
            return queries.features(connection, library_id, ids)

    def lessons(self) -> list[Lesson]:
        """Return every lesson that was ever given, undone ones too, oldest first."""
        with self._access.reading() as (connection, library_id):
            return queries.lessons(connection, library_id)

    def revision(self) -> int:
        """Return a number that grows with every lesson, undoing and redoing; quick.

        Whoever keeps what it read asks for this first: if it changes meanwhile, the next look
        tells.
        """
        with self._access.reading() as (connection, library_id):
            query = select(LibraryRow.revision).where(LibraryRow.id == library_id)
            return int(connection.execute(query).scalar_one())

    def identity(self) -> dict[str, str] | None:
        """Return what made the features of all examples; None before the first lesson."""
        with self._access.reading() as (connection, library_id):
            query = select(LibraryRow.identity).where(LibraryRow.id == library_id)
            return identity_of(connection.execute(query).scalar_one())

    def check_identity(self, identity: dict[str, str]) -> None:
        """Refuse features that were made otherwise than those of this library.

        Raises:
            LibraryError: They were; a library without any lesson refuses nothing.
        """
        refuse_other(self.identity(), identity, self._called)

    def teach(
        self, class_name: str, kind: Kind | None, example: NewExample, identity: dict[str, str]
    ) -> Lesson:
        """Add an example to a class, which is made if there is none of that name.

        Args:
            class_name: See ``clean_name`` for what a name may hold.
            kind: Of the class; None if the class must be there already.
            example: The region and what is needed to recognise others by it.
            identity: What made the features; all lessons of a library must agree.

        Raises:
            KindConflict: The class is of the other kind.
            LibraryError: As said of the class, or ``kind`` is missing, or ``identity`` differs.
        """
        columns = example_to_row(example)  # before others must wait

        def work(change: LibraryTransaction) -> LessonRow:
            refuse_other(identity_of(change.library.identity), identity, self._called)
            change.library.identity = identity_text(identity)
            return lessons.teach(change, class_name, kind, ExampleRow(**columns))

        return self._give(work)

    def forget(self, class_name: str) -> Lesson:
        """Let no example of a class count any longer; its history is kept."""
        return self._give(lambda change: lessons.forget(change, class_name))

    def forget_example(self, example_id: int) -> Lesson:
        """Let an example no longer count; without its last one, a class is gone from the lists."""
        return self._give(lambda change: lessons.forget_example(change, example_id))

    def rename(self, old: str, new: str) -> Lesson:
        """Call a class by another name.

        Raises:
            NameConflict: Another class is called that.
        """
        return self._give(lambda change: lessons.rename(change, old, new))

    def change_kind(self, name: str, kind: Kind) -> Lesson:
        """Make an accepted class a defect, or the other way round."""
        return self._give(lambda change: lessons.change_kind(change, name, kind))

    def undo(self, lesson_id: int | None = None) -> Lesson:
        """Let a lesson no longer count: this one, or the last that does.

        Raises:
            NameConflict: A class would get back a name that another one has by now.
        """
        return self._give(lambda change: lessons.reverse(change, lesson_id, "undo"))

    def redo(self, lesson_id: int | None = None) -> Lesson:
        """Let an undone lesson count again: this one, or the one that was undone last.

        Raises:
            NameConflict: A class would get back a name that another one has by now.
        """
        return self._give(lambda change: lessons.reverse(change, lesson_id, "redo"))

    @property
    def _called(self) -> str:
        """Name this library in a message."""
        return f"library '{self.name}' in {self._access.shown}"

    def _give(self, lesson: Callable[[LibraryTransaction], LessonRow]) -> Lesson:
        """Give a lesson, and return what the log then says of it."""

        def work(session: Session, library: LibraryRow) -> Lesson:
            row = lesson(LibraryTransaction(session, library, self.author))
            (given,) = queries.lessons(session.connection(), library.id, row.id)
            return given

        return self._access.change(work)


def _library_name(name: str) -> str:
    """Return the name of a library as it is stored; the rules are those of classes."""
    return clean_name(name, "the name of a library")


def _somebody() -> str:
    """Name who sits here: user and computer, as far as they are known."""
    try:
        user = getpass.getuser()
    except (ImportError, KeyError, OSError):  # containers may have users without a name
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


@contextmanager
def empty_library() -> Iterator[Library]:
    """Open a library of nothing, which is gone when it is closed."""
    with (
        temporary_folder() as folder,
        Library(folder / "empty.db") as library,
    ):
        yield library
