"""Edits of the classes of parts, and their history since a model was fitted.

Classes are told by their number, which never changes and is never given again. Coordinates are
those of a reference as the model keeps it: registered, in working pixels.

The history only grows. Undoing marks the last edit that counts; redoing unmarks the one undone
last, unless something else has been edited since.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from alignment.aligned import AlignedParts
from engine.normalisation import Normaliser
from features.errors import UserError
from features.region import Region

MAX_NAME = 80
MAX_TOLERANCE = 1000


class ClassEditError(UserError, ValueError):
    """An edit that cannot be made; the message is one line and names the cure."""


@dataclass(frozen=True)
class Rename:
    """Call a class by another name."""

    class_id: int
    name: str


@dataclass(frozen=True)
class Merge:
    """Make several classes one: the first, under a new name if one is given."""

    class_ids: tuple[int, ...]
    name: str | None = None


@dataclass(frozen=True)
class Split:
    """Divide a class into ``n`` by the looks of its parts; the largest keeps the number."""

    class_id: int
    n: int = 2


@dataclass(frozen=True)
class Ignore:
    """Take a class for background, which is not counted; or, undoing that, for things."""

    class_id: int
    is_ignored: bool = True


@dataclass(frozen=True)
class Count:
    """Accept counts up to ``tolerance`` beyond the references' range, no others; None: learn."""

    class_id: int
    tolerance: int | None


@dataclass(frozen=True)
class Add:
    """Paint what is of a class on a reference; the class is new, or was painted before."""

    name: str
    reference: int
    region: Region


@dataclass(frozen=True)
class Remove:
    """Let a class be no more; its parts go to the classes that they resemble next."""

    class_id: int


Edit = Rename | Merge | Split | Ignore | Count | Add | Remove


def clean_name(text: str) -> str:
    """Return a name as it is stored: composed, without blanks around it.

    Raises:
        ClassEditError: It is empty, too long, or holds a control character.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise ClassEditError("the name of a class must not be empty; give it a name such as 'leg'")
    if len(name) > MAX_NAME:
        raise ClassEditError(
            f"the name of a class must have at most {MAX_NAME} characters, got {len(name)}; "
            "shorten it"
        )
    if any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in name):
        raise ClassEditError(
            f"the name of a class must be free of control characters, got {name!a}; leave them out"
        )
    return name


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
