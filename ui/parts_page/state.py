"""What does the page Parts remember of one visitor: an edit that is tried out, and what it changes?

The edit itself is in a file of the station, and its name in the address (``?draft=``): a reload
finds it again. What follows from it is computed anew whenever it, or the model, is another one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from ui.parts_page.keep import drop, keep, kept
from ui.parts_page.view_effect import Verdict

if TYPE_CHECKING:
    from engine.editing import Edit, Effect
    from engine.inspector import Inspector
    from ui.context import Context

PARAMETER = "draft"

_MODEL = "_parts_model"
_TRIED = "_parts_tried"
_DRAFT = "_parts_draft"
_PAINTING = "_parts_painting"
_NOTICE = "_parts_notice"
_ERROR = "_parts_error"


@dataclass
class Draft:
    """An edit, the inspectors without and with it, and what differs between them."""

    edit: Edit
    before: Inspector
    after: Inspector
    effect: Effect
    verdicts: list[Verdict] = field(default_factory=list)
    is_judging: bool = True

    @property
    def text(self) -> str:
        """The edit in words."""
        return self.after.class_history_[-1].text

    @property
    def shown_classes(self) -> tuple[int, ...]:
        """The classes that there are after the edit and that it concerns."""
        from engine.editing import class_rows

        known = {row.id for row in class_rows(self.after)}
        concerned = {each.class_id for each in self.effect.changed_counts}
        concerned |= set(getattr(self.edit, "class_ids", ()))
        concerned.add(getattr(self.edit, "class_id", -1))
        return tuple(sorted(known & concerned))


@dataclass(frozen=True)
class Notice:
    """What was done last, and the verdicts before it of the images that are judged again."""

    words: str
    before: dict[int, Verdict] = field(default_factory=dict)


def arrive(context: Context) -> None:
    """Forget what was said and painted if another model was chosen since."""
    if st.session_state.get(_MODEL) != context.model:
        st.session_state[_MODEL] = context.model
        paint(None)
        set_notice(None)
        set_error("")


def tried(context: Context) -> Edit | None:
    """Return the edit that this visitor tries out on this model, if any."""
    if _TRIED not in st.session_state:
        name = st.query_params.get(PARAMETER, "")
        found = kept(_folder(context), name) if name else None
        st.session_state[_TRIED] = (name, *found) if found else None
    trial: tuple[str, str, Edit] | None = st.session_state[_TRIED]
    if trial is None or trial[1] != str(context.model):
        return None
    # other pages have addresses of their own
    st.query_params[PARAMETER] = trial[0]
    return trial[2]


def try_out(context: Context, edit: Edit) -> None:
    """Begin a draft; nothing is saved by it."""
    forget(context)
    model = str(context.model)
    st.session_state[_TRIED] = (keep(_folder(context), model, edit), model, edit)


def forget(context: Context) -> None:
    """Discard the draft, and whatever was being painted."""
    trial: tuple[str, str, Edit] | None = st.session_state.get(_TRIED)
    if trial is not None:
        drop(_folder(context), trial[0])
    st.query_params.pop(PARAMETER, None)
    st.session_state[_TRIED] = None
    set_draft(None)
    paint(None)
    set_error("")


def draft() -> Draft | None:
    """Return what was computed of the edit that is tried out."""
    found: Draft | None = st.session_state.get(_DRAFT)
    return found


def set_draft(value: Draft | None) -> None:
    """Keep what was computed."""
    st.session_state[_DRAFT] = value


def painting() -> str | None:
    """Return the name of the class that is being painted; empty for one that has none yet."""
    found: str | None = st.session_state.get(_PAINTING)
    return found


def paint(name: str | None) -> None:
    """Begin to paint this class; None ends it."""
    st.session_state[_PAINTING] = name


def notice() -> Notice | None:
    """Return what is to be said of the last thing that was done."""
    found: Notice | None = st.session_state.get(_NOTICE)
    return found


def set_notice(value: Notice | None) -> None:
    """Say this from now on."""
    st.session_state[_NOTICE] = value


def error() -> str:
    """Return why the last edit could not be made; empty if it could."""
    found: str = st.session_state.get(_ERROR, "")
    return found


def set_error(message: str) -> None:
    """Say why the edit could not be made."""
    st.session_state[_ERROR] = message


def _folder(context: Context) -> Path:
    return context.station.folder / "drafts"
