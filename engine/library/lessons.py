"""Lessons, each in a transaction of whoever calls: what it changes in the tables.

A lesson is written into the log; then all lessons about its class are replayed, and the tables
come to agree with what follows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from engine.library.errors import KindConflict, LibraryError, NameConflict
from engine.library.queries import chunks, valid_id
from engine.library.records import Action, Kind, ReversalAction, clean_name
from engine.library.replay import Outcome, Step, replay
from engine.library.schema import ClassRow, ExampleRow, LessonRow, LibraryRow, ReversalRow


@dataclass(frozen=True)
class LibraryTransaction:
    """A transaction on a library that nobody else can change meanwhile."""

    session: Session
    library: LibraryRow
    author: str
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


def teach(
    change: LibraryTransaction, name: str, kind: Kind | None, example: ExampleRow
) -> LessonRow:
    """Add an example, which comes with all but its class, author and time, to a class.

    The class is made if there is none of that name. A dormant one of that name and kind awakes.
    """
    name = clean_name(name)
    row = _active(change, name)
    if row is None and kind is None:
        raise LibraryError(
            f"class '{name}' is new, so that its kind must be 'accepted' or 'defect', got none; "
            "say which of the two"
        )
    if row is not None and kind not in (None, row.kind):
        raise KindConflict(
            f"class '{name}' is {_a(row.kind)}, got an example of {_a(str(kind))}; "
            "choose another name, or change the kind of the class"
        )
    if row is None:
        row = _dormant(change, name, str(kind)) or _new_class(change, name, str(kind))
    example.class_id, example.is_active = row.id, False
    example.author, example.taught_at = change.author, change.at
    change.session.add(example)
    change.session.flush()
    return _log_lesson(change, row, "teach", example_id=example.id, after=row.kind)


def forget(change: LibraryTransaction, name: str) -> LessonRow:
    """Let none of the examples of a class count any longer."""
    return _log_lesson(change, _named(change, name), "forget class")


def forget_example(change: LibraryTransaction, example_id: int) -> LessonRow:
    """Let one example no longer count."""
    query = (
        select(ClassRow)
        .join(ExampleRow, ExampleRow.class_id == ClassRow.id)
        .where(_in_library(change), ExampleRow.id == valid_id(example_id), ExampleRow.is_active)
    )
    row = change.session.scalar(query)
    if row is None:
        raise LibraryError(
            f"library '{change.library.name}' has no example {example_id} that counts; "
            "look at the list of examples"
        )
    return _log_lesson(change, row, "forget example", example_id=example_id)


def rename(change: LibraryTransaction, old: str, new: str) -> LessonRow:
    """Give a class another name, which no other active class has."""
    row, name = _named(change, old), clean_name(new, "the new name of a class")
    if name == row.name:
        raise LibraryError(f"class '{name}' is called that already; choose another name")
    other = _active(change, name)
    if other is not None:
        raise NameConflict(
            f"class '{row.name}' cannot be called '{name}', as {_a(other.kind)} is called that; "
            "choose another name, or rename that class first"
        )
    return _log_lesson(change, row, "rename", before=row.name, after=name)


def change_kind(change: LibraryTransaction, name: str, kind: Kind) -> LessonRow:
    """Make a class accepted or a defect, with all its examples."""
    row = _named(change, name)
    if kind == row.kind:
        raise LibraryError(f"class '{row.name}' is {_a(kind)} already; there is nothing to change")
    return _log_lesson(change, row, "change kind", before=row.kind, after=kind)


def reverse(change: LibraryTransaction, lesson_id: int | None, action: ReversalAction) -> LessonRow:
    """Undo a lesson or redo it; without a number, see ``Library.undo`` and ``Library.redo``."""
    lesson = _latest(change, action) if lesson_id is None else _lesson(change, lesson_id, action)
    lesson.is_undone = action == "undo"
    reversal = ReversalRow(lesson_id=lesson.id, action=action, author=change.author, at=change.at)
    change.session.add(reversal)
    row = change.session.get_one(ClassRow, lesson.class_id)
    refresh(change.session, row, f"cannot {action} lesson {lesson.id}")
    change.library.revision += 1
    return lesson


def _log_lesson(
    change: LibraryTransaction,
    row: ClassRow,
    action: Action,
    *,
    example_id: int | None = None,
    before: str = "",
    after: str = "",
) -> LessonRow:
    """Write a lesson into the log and let it count."""
    lesson = LessonRow(
        library_id=change.library.id,
        class_id=row.id,
        example_id=example_id,
        action=action,
        class_name=row.name,
        before=before,
        after=after,
        author=change.author,
        at=change.at,
        is_undone=False,
    )
    change.session.add(lesson)
    change.session.flush()
    refresh(change.session, row, f"cannot {action} '{row.name}'")
    change.library.revision += 1
    return lesson


def refresh(session: Session, row: ClassRow, refusal: str) -> None:
    """Replay all lessons about a class that count, and let its tables say what follows.

    Raises:
        NameConflict: Another class has the name; the message begins with ``refusal``.
    """
    outcome = _outcome(session, row)
    if outcome.example_ids:
        _check_name(session, row, outcome, refusal)
    active = select(ExampleRow.id).where(ExampleRow.class_id == row.id, ExampleRow.is_active)
    before = set(session.scalars(active))
    _mark(session, before - outcome.example_ids, is_active=False)
    _mark(session, outcome.example_ids - before, is_active=True)
    row.name, row.kind = outcome.name, outcome.kind
    row.is_active = bool(outcome.example_ids)
    session.flush()


def _outcome(session: Session, row: ClassRow) -> Outcome:
    """Replay all lessons about a class that count."""
    query = (
        select(LessonRow.action, LessonRow.example_id, LessonRow.after)
        .where(LessonRow.class_id == row.id, ~LessonRow.is_undone)
        .order_by(LessonRow.id)
    )
    steps = [Step(cast(Action, each[0]), *each[1:]) for each in session.execute(query)]
    return replay(row.first_name, cast(Kind, row.first_kind), steps)


def _mark(session: Session, ids: Collection[int], *, is_active: bool) -> None:
    """Let examples count or not."""
    for chunk in chunks(ids):
        query = update(ExampleRow).where(ExampleRow.id.in_(chunk)).values(is_active=is_active)
        session.execute(query, execution_options={"synchronize_session": False})


def _check_name(session: Session, row: ClassRow, outcome: Outcome, refusal: str) -> None:
    """Refuse that two active classes have one name."""
    query = select(ClassRow.kind).where(
        ClassRow.library_id == row.library_id,
        ClassRow.name == outcome.name,
        ClassRow.is_active,
        ClassRow.id != row.id,
    )
    with session.no_autoflush:
        other = session.scalar(query)
    if other is not None:
        raise NameConflict(
            f"{refusal}: its class would be called '{outcome.name}' ({outcome.kind}), as another "
            f"one ({other}) is by now; rename or forget that one first"
        )


# Rows


def _in_library(change: LibraryTransaction) -> ColumnElement[bool]:
    """Select the classes of this library."""
    return ClassRow.library_id == change.library.id


def _active(change: LibraryTransaction, name: str) -> ClassRow | None:
    """Find the active class of a name."""
    query = select(ClassRow).where(_in_library(change), ClassRow.name == name, ClassRow.is_active)
    return change.session.scalar(query)


def _named(change: LibraryTransaction, name: str) -> ClassRow:
    """Find the active class of a name, or say that there is none."""
    name = clean_name(name)
    row = _active(change, name)
    if row is None:
        raise LibraryError(
            f"library '{change.library.name}' has no class '{name}'; look at the list of classes"
        )
    return row


def _dormant(change: LibraryTransaction, name: str, kind: str) -> ClassRow | None:
    """Find the class that was last called so; several were if all were forgotten."""
    query = (
        select(ClassRow)
        .where(_in_library(change), ClassRow.name == name, ClassRow.kind == kind)
        .order_by(ClassRow.id.desc())
        .limit(1)
    )
    return change.session.scalar(query)


def _new_class(change: LibraryTransaction, name: str, kind: str) -> ClassRow:
    """Make a class, with a colour that no other had."""
    n_classes = change.session.scalar(
        select(func.count()).select_from(ClassRow).where(_in_library(change))
    )
    row = ClassRow(
        library_id=change.library.id,
        first_name=name,
        first_kind=kind,
        name=name,
        kind=kind,
        color=n_classes or 0,
        is_active=False,
        created_at=change.at,
        created_by=change.author,
    )
    change.session.add(row)
    change.session.flush()
    return row


def _latest(change: LibraryTransaction, action: str) -> LessonRow:
    """Find the last lesson that counts, or the one that was undone last and still is."""
    query = select(LessonRow).where(LessonRow.library_id == change.library.id)
    if action == "undo":
        query = query.where(~LessonRow.is_undone).order_by(LessonRow.id.desc())
    else:
        query = query.join(ReversalRow, ReversalRow.lesson_id == LessonRow.id)
        query = query.where(LessonRow.is_undone).order_by(ReversalRow.id.desc())
    lesson = change.session.scalar(query.limit(1))
    if lesson is None:
        raise LibraryError(
            f"library '{change.library.name}' has no lesson to {action}; look at its lessons"
        )
    return lesson


def _lesson(change: LibraryTransaction, lesson_id: int, action: str) -> LessonRow:
    """Find a lesson that can be undone or redone."""
    lesson = change.session.get(LessonRow, valid_id(lesson_id))
    if lesson is None or lesson.library_id != change.library.id:
        raise LibraryError(
            f"library '{change.library.name}' has no lesson {lesson_id}; look at its lessons"
        )
    if lesson.is_undone == (action == "undo"):
        state = "undone already" if lesson.is_undone else "not undone"
        raise LibraryError(f"lesson {lesson_id} is {state}; choose another lesson")
    return lesson


def _a(kind: str) -> str:
    """Name a class of this kind."""
    return "an accepted class" if kind == "accepted" else "a defect"
