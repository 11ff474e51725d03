"""Which edits of classes were made since a model was fitted, by whom, and which of them count?

Edits are a list that only grows. Undoing marks the last edit that counts; redoing unmarks the one
undone last, unless something else has been edited since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from alignment.aligned import AlignedParts
from engine.editing.edits import ClassEditError, Edit
from engine.normalisation import Normaliser


@dataclass(frozen=True)
class ClassEdit:
    """One edit; ``undone_as`` numbers the undone ones in the order of their undoing from 1 on."""

    number: int
    edit: Edit
    text: str
    author: str
    at: str
    undone_as: int = 0
    undone_by: str = ""

    @property
    def is_undone(self) -> bool:
        """Whether the edit does not count at present."""
        return self.undone_as > 0


@dataclass(frozen=True)
class Base:
    """What was found by fitting, before any edit."""

    classes: dict[str, np.ndarray]
    names: tuple[str, ...]
    aligned: tuple[AlignedParts, ...]
    normaliser: Normaliser


@dataclass(frozen=True)
class EditedClasses:
    """What was there before any edit, and all edits since, the undone ones too."""

    base: Base
    history: tuple[ClassEdit, ...] = ()

    @property
    def counting(self) -> tuple[ClassEdit, ...]:
        """The edits that count."""
        return tuple(each for each in self.history if not each.is_undone)


def with_edit(
    history: Sequence[ClassEdit], edit: Edit, text: str, author: str, at: str
) -> tuple[ClassEdit, ...]:
    """Append an edit."""
    return (*history, ClassEdit(len(history) + 1, edit, text, author, at))


def without_last(history: Sequence[ClassEdit], author: str = "") -> tuple[ClassEdit, ...]:
    """Undo the last edit that counts.

    Raises:
        ClassEditError: None counts.
    """
    counting = [each for each in history if not each.is_undone]
    if not counting:
        raise ClassEditError("there is no edit to undo; `partwise classes history` lists all")
    latest = 1 + max(each.undone_as for each in history)
    return _replaced(history, replace(counting[-1], undone_as=latest, undone_by=author))


def with_last_undone(history: Sequence[ClassEdit], author: str = "") -> tuple[ClassEdit, ...]:
    """Redo the edit undone last; ``author``, if given, stands for it from now on.

    Raises:
        ClassEditError: None is undone, or another was made since.
    """
    last = max(history, key=lambda each: each.undone_as, default=None)
    counting = [each.number for each in history if not each.is_undone]
    if last is None or not last.is_undone or last.number < max(counting, default=0):
        raise ClassEditError(
            "there is no edit to redo: none was undone since the last one was made; "
            "make it again instead"
        )
    author = author or last.author
    return _replaced(history, replace(last, undone_as=0, undone_by="", author=author))


def _replaced(history: Sequence[ClassEdit], edit: ClassEdit) -> tuple[ClassEdit, ...]:
    return tuple(edit if each.number == edit.number else each for each in history)
