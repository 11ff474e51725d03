"""How do the tables come to agree with the log after a lesson about a class?"""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from engine.regions.library.errors import NameConflict
from engine.regions.library.numbers import chunks
from engine.regions.library.records import Action, Kind
from engine.regions.library.replay import Outcome, Step, replay
from engine.regions.library.tables import ClassRow, ExampleRow, LessonRow


def refresh(session: Session, row: ClassRow, refusal: str) -> None:
    """Replay all lessons about a class that count, and let its tables say what follows.

    Raises:
        NameConflict: Another class has the name; the message begins with ``refusal``.
    """
    outcome = outcome_of(session, row)
    if outcome.example_ids:
        _check_name(session, row, outcome, refusal)
    active = select(ExampleRow.id).where(ExampleRow.class_id == row.id, ExampleRow.is_active)
    before = set(session.scalars(active))
    _mark(session, before - outcome.example_ids, is_active=False)
    _mark(session, outcome.example_ids - before, is_active=True)
    row.name, row.kind = outcome.name, outcome.kind
    row.is_active = bool(outcome.example_ids)
    session.flush()


def outcome_of(session: Session, row: ClassRow) -> Outcome:
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
