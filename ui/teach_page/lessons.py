"""Lessons given from a page, after which the history agrees with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from ui.context import Context
from ui.teach_page.images import examination_of, judged_entries
from ui.teach_page.state import Outcome, note_own, set_outcome
from ui.teach_page.view import verdict_of_entry, verdict_of_report

if TYPE_CHECKING:
    from engine.library import Lesson
    from engine.regions.recogniser import Recogniser
    from engine.station import Entry

# images of the history that are judged again after a lesson
LAST = "teach_last"
DEFAULT_LAST = 12

_REFUSAL = "_teach_refusal"


def give_lessons(
    context: Context,
    lessons: Callable[[Recogniser], Sequence[Lesson]],
    entry: Entry | None = None,
) -> tuple[Lesson, ...]:
    """Give lessons in the name of the author, and let the last images be judged again.

    ``entry`` is judged before this returns; the others by the station.

    Raises:
        LibraryError: A lesson is refused; those before it hold.
        ModelFileError: The model cannot be used.
    """
    from engine.regions.teaching import apply_lesson

    last = _last(context, entry)
    with context.lock, context.library() as library:
        recogniser = context.recogniser().opened_by(library)
        own = {} if entry is None else {str(entry.id): examination_of(context, entry)}
        given, effects = apply_lesson(recogniser, own, lambda: tuple(lessons(recogniser)))
    at = datetime.now(UTC)
    note_own(each.id for each in given)
    context.station.rejudge([each.id for each in last])
    known = {int(number): verdict_of_report(effect.after) for number, effect in effects.items()}
    set_outcome(Outcome(given, at, {each.id: verdict_of_entry(each) for each in last}, known))
    return given


def try_lessons(
    context: Context,
    lessons: Callable[[Recogniser], Sequence[Lesson]],
    entry: Entry | None = None,
) -> None:
    """Give lessons, or say at the head of the page why they cannot be given."""
    from engine.library import LibraryError
    from engine.model_file import ModelFileError

    try:
        give_lessons(context, lessons, entry)
    except (LibraryError, ModelFileError) as error:
        _set_refusal(str(error))


def toggle_lessons(
    context: Context, lessons: Sequence[int], *, is_undone: bool, entry: Entry | None = None
) -> None:
    """Redo lessons that are undone, in their order, or undo them, the last one first."""

    def both(recogniser: Recogniser) -> list[Lesson]:
        library = recogniser.library
        if is_undone:
            return [library.redo(number) for number in lessons]
        return [library.undo(number) for number in reversed(lessons)][::-1]

    try_lessons(context, both, entry)


def _set_refusal(words: str) -> None:
    """Show on the next run of the page why nothing was done."""
    st.session_state[_REFUSAL] = words


def pop_refusal() -> str:
    """Take what is to be shown; empty if nothing was refused."""
    words: str = st.session_state.pop(_REFUSAL, "")
    return words


def _last(context: Context, entry: Entry | None) -> list[Entry]:
    """Return the images to be judged again, that of the lesson first."""
    n_last = int(st.session_state.get(LAST, DEFAULT_LAST))
    last = judged_entries(context, n_last)
    if entry is None:
        return last
    others = [each for each in last if each.id != entry.id]
    return [entry, *others[: n_last - 1]]
