"""What may a person change about the classes of parts?

Classes are told by their number, which never changes and is never given again. Coordinates are
those of a reference as the model keeps it: upright, in working pixels.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

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
