"""Which names may a class of regions have?

Names are shown in legends, printed on one line and become names of files, so that they hold
nothing that separates folders or lines, and nothing that cannot be seen.
"""

from __future__ import annotations

import unicodedata

from engine.regions.library.errors import LibraryError

MAX_NAME = 100
# what the classifier calls a region of no class
RESERVED = "unknown"
# control characters, half characters, line and paragraph separators, invisible ones
_UNSEEN = {"Cc", "Cs", "Zl", "Zp", "Cf"}
# these two invisible ones spell: Persian and many Indian words need them, and so do emoji
_JOINERS = "\u200c\u200d"


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
    """Return free text as every database takes it; halves of characters and NUL become '?'.

    Names of files may hold the former (bytes that are no UTF-8).
    """
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def _is_bad(character: str) -> bool:
    """Tell whether a name may not hold this."""
    is_unseen = unicodedata.category(character) in _UNSEEN and character not in _JOINERS
    return is_unseen or character in "/\\"
