"""Database schema: tables of classes, examples and lessons, and migrations.

``partwise_lesson`` and ``partwise_reversal`` only ever grow and are the truth. The current name and
kind of a class, and what is active or undone, follow from them and are kept beside, so that readers
need not go through the log. Nothing is ever deleted. One name can belong to one active
class of a library only: an index of the database itself sees to that, whoever writes.

Alembic's migrations bring any database up to date, an empty one included. One transaction does it
all while others wait, so that two stations may open a new library at the same moment.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Connection,
    DateTime,
    Engine,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    inspect,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from engine.library.connection import WRITING
from engine.library.errors import LibraryError
from engine.library.records import MAX_NAME


class UtcTime(TypeDecorator[datetime]):
    """A point in time; SQLite, which knows no zones, keeps it as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn any zone into UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Say that it is UTC, which SQLite forgot; PostgreSQL answers in the server's zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The tables of this module."""


class LibraryRow(Base):
    """One library by its name, with the number of changes made to it."""

    __tablename__ = "partwise_library"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(MAX_NAME), unique=True)
    revision: Mapped[int]
    identity: Mapped[str | None] = mapped_column(Text)
    """JSON of what made the features; none before the first lesson."""


class ClassRow(Base):
    """One class, active or dormant: as it began, and as it is."""

    __tablename__ = "partwise_class"
    __table_args__ = (
        UniqueConstraint("library_id", "color", name="uq_partwise_class_color"),
        Index(
            "ix_partwise_class_active_name",
            "library_id",
            "name",
            unique=True,
            sqlite_where=text("is_active"),
            postgresql_where=text("is_active"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(ForeignKey("partwise_library.id"))
    first_name: Mapped[str] = mapped_column(String(MAX_NAME))
    first_kind: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(MAX_NAME))
    kind: Mapped[str] = mapped_column(String(8))
    color: Mapped[int]
    is_active: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    created_by: Mapped[str] = mapped_column(Text)


class ExampleRow(Base):
    """One example, active or not; the large columns come last, so that lists skip them."""

    __tablename__ = "partwise_example"
    # answers which examples count, and how many, without looking at the large rows
    __table_args__ = (Index("ix_partwise_example_class", "class_id", "is_active"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    class_id: Mapped[int] = mapped_column(ForeignKey("partwise_class.id"))
    is_active: Mapped[bool]
    image_sha256: Mapped[str] = mapped_column(String(64), index=True)
    image_name: Mapped[str] = mapped_column(Text)
    image_height: Mapped[int]
    image_width: Mapped[int]
    left: Mapped[int]
    top: Mapped[int]
    right: Mapped[int]
    bottom: Mapped[int]
    note: Mapped[str] = mapped_column(Text)
    verdict: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(Text)
    taught_at: Mapped[datetime] = mapped_column(UtcTime)
    mask_png: Mapped[bytes] = mapped_column(LargeBinary)
    thumbnail_png: Mapped[bytes] = mapped_column(LargeBinary)
    features: Mapped[bytes] = mapped_column(LargeBinary)


class LessonRow(Base):
    """One lesson; ``before`` and ``after`` are names or kinds where the action changes these."""

    __tablename__ = "partwise_lesson"

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(ForeignKey("partwise_library.id"), index=True)
    class_id: Mapped[int] = mapped_column(ForeignKey("partwise_class.id"), index=True)
    example_id: Mapped[int | None] = mapped_column(ForeignKey("partwise_example.id"))
    action: Mapped[str] = mapped_column(String(16))
    class_name: Mapped[str] = mapped_column(String(MAX_NAME))
    before: Mapped[str] = mapped_column(String(MAX_NAME))
    after: Mapped[str] = mapped_column(String(MAX_NAME))
    author: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcTime)
    is_undone: Mapped[bool]


class ReversalRow(Base):
    """One undoing or redoing of a lesson."""

    __tablename__ = "partwise_reversal"

    id: Mapped[int] = mapped_column(primary_key=True)
    lesson_id: Mapped[int] = mapped_column(ForeignKey("partwise_lesson.id"), index=True)
    action: Mapped[str] = mapped_column(String(8))
    author: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcTime)


# a database may belong to other programs as well, and they may use Alembic
VERSION_TABLE = "partwise_schema"
# any number that no other program on the server takes for its own lock
_LOCK = 0x7061727477697365  # "partwise"


def upgrade(engine: Engine, shown: str) -> None:
    """Bring the tables up to date; where they are, no lock is waited for.

    Raises:
        LibraryError: As of ``is_current``.
    """
    if is_current(engine, shown):
        return
    with engine.execution_options(**WRITING).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if _version(connection, shown) == _versions()[0]:  # somebody else did it meanwhile
            return
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine, shown: str) -> bool | None:
    """Tell whether the tables are as this version of partwise needs them; None without any.

    Raises:
        LibraryError: A newer version made them, or the file is another program's.
    """
    with engine.connect() as connection:
        _refuse_encoding(connection, shown)
        version = _version(connection, shown)
    return None if version is None else version == _versions()[0]


def _version(connection: Connection, shown: str) -> str | None:
    """Return the version of the tables; None without any."""
    options = {"version_table": VERSION_TABLE}
    version = MigrationContext.configure(connection, opts=options).get_current_revision()
    latest, known = _versions()
    if version is None:
        _refuse_stranger(connection, shown)
    elif version not in known:
        raise LibraryError(
            f"the library {shown} must have schema {latest} or older, got {version}, which a newer "
            "version of partwise made; update partwise"
        )
    return version


def _refuse_encoding(connection: Connection, shown: str) -> None:
    """Leave databases alone that take any bytes for text, and give back what is none."""
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding == "SQL_ASCII":
        raise LibraryError(
            f"the library {shown} must lie in a database with the encoding UTF8, got {encoding}; "
            "create one with `createdb --encoding UTF8 --template template0 NAME`"
        )


def _refuse_stranger(connection: Connection, shown: str) -> None:
    """Leave the files of other programs alone; a server's database may be shared."""
    if connection.dialect.name != "sqlite":
        return
    if set(inspect(connection).get_table_names()) - {VERSION_TABLE}:
        raise LibraryError(
            f"the library {shown} must be a file of partwise or a new one, got another program's "
            "database; choose another file"
        )


@cache
def _versions() -> tuple[str, frozenset[str]]:
    """Return the latest version and all there are."""
    scripts = ScriptDirectory.from_config(_config())
    latest = scripts.get_current_head()
    assert latest is not None
    return latest, frozenset(each.revision for each in scripts.walk_revisions())


def _config() -> Config:
    """Point Alembic to the migrations beside this module."""
    config = Config()
    folder = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config
