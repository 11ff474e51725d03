"""State of the page Teach between two runs of its script, for one visitor.

Nothing here is needed to keep what was taught: that is in the library, and verdicts are in the
station. A reload begins with an empty memory and the same lessons.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from ui.teach_page.view import VerdictText

if TYPE_CHECKING:
    from engine.library import Lesson
    from engine.library.records import Kind
    from features.region import Region

PAINTER = "teach_painter"
NAME = "teach_name"
NOTE = "teach_note"
KIND = "teach_kind"
ROUGH = "teach_rough"
ENTRY = "teach_entry"
VIEW = "teach_view"

# all that begins with "_teach_" is forgotten with the model
_MODEL = "_teach_model"
_OUTCOME = "_teach_outcome"
_PICKED = "_teach_picked"
_CONFLICT = "_teach_conflict"
_ROUND = "_teach_round"
_OWN = "_teach_own"


@dataclass(frozen=True)
class Outcome:
    """Lessons that were given or taken back ``at`` some time, and what was said before.

    They were given at once, by one press of a button. ``before`` are the verdicts of the last
    images, that of their own image first. ``known`` are verdicts after them that are known before
    the station has them.
    """

    lessons: tuple[Lesson, ...]
    at: datetime
    before: Mapping[int, VerdictText]
    known: Mapping[int, VerdictText]


@dataclass(frozen=True)
class Conflict:
    """A lesson that was refused for now: the look of its region belongs to another class."""

    entry_id: int
    other: str
    wanted: str
    kind: Kind | None
    note: str


def reset_for_model(model: Path) -> None:
    """Forget what belongs to another model than this: its library has other lessons."""
    if st.session_state.get(_MODEL) not in (None, str(model)):
        for key in [each for each in st.session_state if str(each).startswith("_teach_")]:
            del st.session_state[key]
    st.session_state[_MODEL] = str(model)


def current_outcome() -> Outcome | None:
    """Return the lessons whose effect is shown."""
    found: Outcome | None = st.session_state.get(_OUTCOME)
    return found


def set_outcome(value: Outcome | None) -> None:
    """Show the effect of these lessons from now on."""
    st.session_state[_OUTCOME] = value


def current_conflict() -> Conflict | None:
    """Return the question that waits for an answer."""
    found: Conflict | None = st.session_state.get(_CONFLICT)
    return found


def set_conflict(value: Conflict | None) -> None:
    """Ask this, or nothing any longer."""
    st.session_state[_CONFLICT] = value


def picked_region(entry_id: int) -> Region | None:
    """Return the region of this image that was picked instead of painted."""
    found: tuple[int, Region] | None = st.session_state.get(_PICKED)
    return found[1] if found is not None and found[0] == entry_id else None


def pick_region(entry_id: int, region: Region | None) -> None:
    """Take a region as if it had been painted."""
    st.session_state[_PICKED] = None if region is None else (entry_id, region)


def painting_subject(entry_id: int, last_lesson: int) -> str:
    """Name what is being painted now; after each lesson another, so that painting begins anew.

    The last lesson at the time when the page was loaded tells, for the painter remembers what was
    painted even when the page is loaded again.
    """
    return f"{entry_id}/{st.session_state.setdefault(_ROUND, last_lesson)}"


def reset_form(lesson_id: int) -> None:
    """Forget what was painted and typed for this lesson; the next one starts with an empty form."""
    st.session_state[_ROUND] = lesson_id
    for key in (_PICKED, _CONFLICT, NAME, NOTE, KIND, ROUGH):
        st.session_state.pop(key, None)


def note_own(lesson_ids: Iterable[int]) -> None:
    """Remember that this visitor gave lessons, so that they are no news."""
    st.session_state[_OWN] = own_lessons() | set(lesson_ids)


def own_lessons() -> frozenset[int]:
    """Return the lessons that this visitor gave since the page was loaded."""
    found: frozenset[int] = st.session_state.get(_OWN, frozenset())
    return found
