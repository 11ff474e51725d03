"""What may an image, a batch or a model be called?

Names come from strangers: they are labels for people, never paths.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from engine.station.errors import StationError

MAX_LENGTH = 120
UNNAMED = "image"

# letters of any language, so that products keep their names; no separator, no leading dot
_MODEL_NAME = re.compile(r"\w[\w .+-]{0,79}")


def label(name: str) -> str:
    """Turn any text into a name on one line: without folders and control characters, not too long.

    Characters that show nothing or turn the direction of writing are dropped. A long name keeps
    its ending; an empty one becomes ``image``.
    """
    last = re.split(r"[/\\]", name.strip())[-1]
    shown = "".join(" " if each.isspace() else each for each in last if _is_shown(each))
    text = " ".join(shown.split())
    if text.strip(". ") == "":
        return UNNAMED
    if len(text) > MAX_LENGTH:
        ending = PurePosixPath(text).suffix[:8]
        text = text[: MAX_LENGTH - len(ending) - 1] + "…" + ending
    return text


def model_name(name: str) -> str:
    """Return the name of a model if it can safely be that of a file, without ``.pw``.

    Raises:
        StationError: It holds anything but letters, digits and some signs, or is too long.
    """
    text = unicodedata.normalize("NFC", name.strip()).removesuffix(".pw").rstrip()
    if not _MODEL_NAME.fullmatch(text):
        raise StationError(
            "a model's name must have 1 to 80 letters, digits, blanks or . + - _ and start with a "
            f"letter or digit, got {label(name)!r}; choose another name"
        )
    return text


def _is_shown(character: str) -> bool:
    """Tell whether a character is visible or a blank; others might hide what a name is."""
    return character.isspace() or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co"}
