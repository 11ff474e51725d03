"""How do classes, examples and lessons lie in a database?

``partwise_lesson`` and ``partwise_reversal`` only ever grow and are the truth. The current name and
kind of a class, and what is active or undone, follow from them and are kept beside, so that readers
need not go through the log. Nothing is ever deleted. One name can belong to one active
class of a library only: an index of the database itself sees to that, whoever writes.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from engine.regions.library.names import MAX_NAME


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
