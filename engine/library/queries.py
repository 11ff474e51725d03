"""Queries for what is in a library now.

Each answer is of one query, so that writers cannot come in between. Numbers that no row can have
are never asked for, and long lists of them are cut into what fits into one statement.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Row, Select, func, select

from engine.library.records import (
    Action,
    Example,
    Features,
    Lesson,
    RegionClass,
    Reversal,
    ReversalAction,
)
from engine.library.schema import ClassRow, ExampleRow, LessonRow, ReversalRow
from engine.library.serialization import features_of, row_to_example
from features.records import check_record

R = TypeVar("R")

# what an integer column of PostgreSQL holds
_MAX = 2**31 - 1
# SQLite takes 32,766 values in one statement, versions before 3.32 only 999
_CHUNK = 900


def valid_id(number: int) -> int:
    """Return the number, or 0, which no row has, where the database could not even ask for it."""
    return number if 0 < number <= _MAX else 0


def chunks(numbers: Collection[int]) -> Iterator[list[int]]:
    """Cut a collection into lists that fit into one statement, smallest number first."""
    rest = iter(sorted({valid_id(each) for each in numbers}))
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def classes(connection: Connection, library_id: int) -> list[RegionClass]:
    """Return the active classes in the order of their colours."""
    n_examples = (
        select(func.count())
        .where(ExampleRow.class_id == ClassRow.id, ExampleRow.is_active)
        .scalar_subquery()
    )
    query = (
        select(
            ClassRow.id,
            ClassRow.name,
            ClassRow.kind,
            ClassRow.color,
            n_examples,
            ClassRow.created_at,
            ClassRow.created_by,
        )
        .where(ClassRow.library_id == library_id, ClassRow.is_active)
        .order_by(ClassRow.color)
    )
    return [_checked(RegionClass(*each)) for each in connection.execute(query)]


def example_classes(connection: Connection, library_id: int) -> dict[int, int]:
    """Return the class of every example that counts, both by their ids."""
    query = _counting(select(ExampleRow.id, ExampleRow.class_id), library_id)
    return {each.id: each.class_id for each in connection.execute(query)}


def features(
    connection: Connection, library_id: int, ids: Collection[int] | None
) -> dict[int, Features]:
    """Return the features of examples that count, by id."""
    query = _counting(select(ExampleRow.id, ExampleRow.features), library_id)
    return {each.id: features_of(each.features) for each in _rows(connection, query, ids)}


def examples(
    connection: Connection,
    library_id: int,
    *,
    class_name: str | None,
    ids: Collection[int] | None,
    with_features: bool,
) -> list[Example]:
    """Return examples that count, in the order of their ids."""
    columns = [
        each for each in ExampleRow.__table__.columns if with_features or each.name != "features"
    ]
    query = _counting(
        select(*columns, ClassRow.name.label("class_name"), ClassRow.kind), library_id
    )
    if class_name is not None:
        query = query.where(ClassRow.name == class_name)
    return [
        row_to_example(each, with_features=with_features) for each in _rows(connection, query, ids)
    ]


def lessons(connection: Connection, library_id: int, lesson_id: int | None = None) -> list[Lesson]:
    """Return all lessons, or one, oldest first."""
    query = (
        select(LessonRow, ReversalRow.action, ReversalRow.author, ReversalRow.at)
        .where(LessonRow.library_id == library_id)
        .outerjoin(ReversalRow, ReversalRow.lesson_id == LessonRow.id)
        .order_by(LessonRow.id, ReversalRow.id)
    )
    if lesson_id is not None:
        query = query.where(LessonRow.id == lesson_id)
    rows: dict[int, Any] = {}
    reversals: dict[int, list[Reversal]] = {}
    for row in connection.execute(query):
        rows.setdefault(row.id, row)
        found = reversals.setdefault(row.id, [])
        if row[-1] is not None:
            found.append(Reversal(cast(ReversalAction, row[-3]), *row[-2:]))
    return [_lesson(row, tuple(reversals[number])) for number, row in rows.items()]


def _counting(query: Select[*tuple[Any, ...]], library_id: int) -> Select[*tuple[Any, ...]]:
    """Restrict a query to examples that count."""
    return (
        query.join_from(ExampleRow, ClassRow, ExampleRow.class_id == ClassRow.id)
        .where(ClassRow.library_id == library_id, ExampleRow.is_active)
        .order_by(ExampleRow.id)
    )


def _rows(
    connection: Connection, query: Select[*tuple[Any, ...]], ids: Collection[int] | None
) -> Iterator[Row[*tuple[Any, ...]]]:
    """Run a query for all examples, or for those of these ids."""
    if ids is None:
        yield from connection.execute(query)
        return
    for chunk in chunks(ids):
        yield from connection.execute(query.where(ExampleRow.id.in_(chunk)))


def _lesson(row: Any, reversals: tuple[Reversal, ...]) -> Lesson:
    """Turn a row into the record."""
    return _checked(
        Lesson(
            id=row.id,
            action=row.action,
            class_name=row.class_name,
            example_id=row.example_id,
            author=row.author,
            at=row.at,
            is_undone=row.is_undone,
            text=_text(row),
            reversals=reversals,
        )
    )


def _checked(record: R) -> R:
    """Return a record whose values are of their kinds.

    Raises:
        TypeError: One is not.
    """
    check_record(record)
    return record


def _text(row: Any) -> str:
    """Put a lesson into words."""
    action = cast(Action, row.action)
    if action == "teach":
        return f"teach '{row.class_name}' ({row.after}) by example {row.example_id}"
    if action == "forget example":
        return f"forget example {row.example_id} of '{row.class_name}'"
    if action == "rename":
        return f"rename '{row.before}' to '{row.after}'"
    if action == "change kind":
        return f"change '{row.class_name}' from {row.before} to {row.after}"
    return f"forget '{row.class_name}'"
