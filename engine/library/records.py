"""Records of a library as its readers see them: region classes, examples, lessons.

Names of classes are shown in legends, printed on one line and become names of files, so that they
hold nothing that separates folders or lines, and nothing that cannot be seen.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np

from engine.library.errors import LibraryError
from features.images import Image
from features.names import one_line
from features.region import Region

Kind = Literal["accepted", "defect"]
Action = Literal["teach", "forget class", "forget example", "rename", "change kind"]
ReversalAction = Literal["undo", "redo"]
Features = dict[str, np.ndarray]

MAX_NAME = 100
# what the classifier calls a region of no class
RESERVED = "unknown"
# control characters, half characters, line and paragraph separators, invisible ones
_UNSEEN = {"Cc", "Cs", "Zl", "Zp", "Cf"}
# these two invisible ones spell: Persian and many Indian words need them, and so do emoji
_JOINERS = "\u200c\u200d"
# what no database takes as text
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True)
class RegionClass:
    """A named kind of region with at least one example that counts."""

    id: int
    name: str
    kind: Kind
    color: int
    """Index into a palette; the first class has 0, and none is ever given twice."""
    n_examples: int
    created_at: datetime
    created_by: str


@dataclass(frozen=True, eq=False)
class NewExample:
    """A region that somebody outlined, with what is needed to recognise others by it."""

    image_sha256: str
    """Of the image file, 64 hexadecimal digits."""
    image_name: str
    image_size: tuple[int, int]
    """Height and width of the image file, in pixels."""
    region: Region
    thumbnail: Image
    features: Features
    note: str = ""
    verdict: str = ""
    """What was said of the whole image before the lesson."""

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9a-f]{64}", self.image_sha256):
            raise LibraryError(
                "image_sha256 must be 64 hexadecimal digits in lower case, got "
                f"{self.image_sha256!r}; take hashlib.sha256 of the file"
            )
        _check_region(self.region, self.image_size)
        if self.thumbnail.ndim != 3 or self.thumbnail.shape[2] != 3 or not self.thumbnail.size:
            raise LibraryError(
                "thumbnail must have shape (height, width, 3) and at least one pixel, "
                f"got {self.thumbnail.shape}; cut it from the image"
            )
        for name, array in self.features.items():
            _check_feature(name, array)


@dataclass(frozen=True, eq=False)
class Example:
    """An example that counts, with the class it belongs to; the rest is as in ``NewExample``."""

    id: int
    class_id: int
    class_name: str
    kind: Kind
    image_sha256: str
    image_name: str
    image_size: tuple[int, int]
    region: Region
    thumbnail: Image
    features: Features
    """Empty where they were not asked for."""
    note: str
    verdict: str
    author: str
    taught_at: datetime


@dataclass(frozen=True)
class Reversal:
    """Somebody undid a lesson, or redid it."""

    action: ReversalAction
    author: str
    at: datetime


@dataclass(frozen=True)
class Lesson:
    """One thing that the library was told; what counts follows from those that are not undone."""

    id: int
    action: Action
    class_name: str
    """As the class was called when the lesson was given."""
    example_id: int | None
    author: str
    at: datetime
    is_undone: bool
    text: str
    """The lesson in words, such as "teach 'button' (accepted) by example 3"."""
    reversals: tuple[Reversal, ...] = field(default=())
    """Oldest first."""


def _check_region(region: Region, image_size: tuple[int, int]) -> None:
    """Refuse a region that is not of its image."""
    left, top, right, bottom = region.box_xyxy
    height, width = image_size
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise LibraryError(
            f"a region must lie within its image of {width}×{height} px, "
            f"got the box {region.box_xyxy}; outline it again"
        )


def _check_feature(name: str, array: np.ndarray) -> None:
    """Refuse what no distance can be measured to, or no file can hold."""
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise LibraryError(
            f"features must be numbers of at most 64 bits, got {array.dtype} in '{name}'; "
            "convert them with .astype(np.float32)"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise LibraryError(
            f"features must be finite, got NaN or infinity in '{name}'; compute them again"
        )


def clean_name(text: str, what: str = "the name of a class") -> str:
    """Return the name as it is stored: without blanks around it, in Unicode's composed form.

    Raises:
        LibraryError: It is empty, too long, reserved, or holds a character that no name may hold.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise LibraryError(f"{what} must not be empty; give it a name such as 'button'")
    if len(name) > MAX_NAME:
        raise LibraryError(
            f"{what} must have at most {MAX_NAME} characters, got {len(name)}; shorten it"
        )
    bad = [each for each in name if _is_bad(each)]
    if bad:
        raise LibraryError(
            f"{what} must be free of slashes and control characters, got {name!a} with "
            f"{bad[0]!a}; leave that out"
        )
    if name.casefold() == RESERVED:
        raise LibraryError(
            f"{what} must not be '{name}', as regions of no class are called that; choose another"
        )
    return name


def storable(text: str) -> str:
    r"""Return free text as every database takes it, without NUL and halves of characters.

    Names of files may hold the latter for bytes that are no UTF-8, which become ``\xe9``.
    """
    return "".join(one_line(each) if _UNSTORABLE.match(each) else each for each in text)


def _is_bad(character: str) -> bool:
    """Tell whether a name may not hold this."""
    is_unseen = unicodedata.category(character) in _UNSEEN and character not in _JOINERS
    return is_unseen or character in "/\\"
