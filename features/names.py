r"""Names and other foreign text: on a line for people, in a cell, in JSON, at a shell.

File names may hold any bytes, and what people type may hold any letters. Printed as it is, such
text can break a line in two, turn the direction of writing, move the cursor of a terminal or be
computed by a spreadsheet. What can be seen stays as it is here, in any language; all else is
written out: ``\n``, ``\x1b``, ``\u202e``, and ``\xe9`` for a byte that is no UTF-8.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import math
import os
import re
import shlex
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Number
from pathlib import Path, PurePath
from typing import Any

# blanks of any width are no harm, and macOS puts some into names
_BLANK = "Zs"
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# letters and marks without any ink: joiner, Hangul fillers, inherent vowels, Mongolian selectors
_INKLESS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_SELECTORS = range(0xE0100, 0xE01F0)
# these two spell in Persian and in many Indian languages, and tie emoji together
_JOINERS = "\u200c\u200d"

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_ESCAPE = re.compile(
    r"\\(?:(?P<sign>[nrt\\'])|x(?P<byte>[0-9a-f]{2})|u(?P<four>[0-9a-f]{4})"
    r"|U(?P<eight>[0-9a-f]{8}))"
)
_SIGNS = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'"}

# what begins a formula in Excel, LibreOffice and others, in half and full width
_FORMULA = re.compile(r"'*\s*[=+\-@＝＋－＠]")


def show_name(name: str | PurePath) -> str:
    r"""Write a name on one line, so that people see each of its letters.

    A name of visible letters without a backslash stays as it is. Others can be told from it, and
    from each other: a backslash becomes two. ``read_name`` is the inverse.
    """
    return one_line(str(name).replace("\\", "\\\\"))


def read_name(shown: str) -> str:
    """Return the name that ``show_name`` wrote."""
    return _ESCAPE.sub(_meant, shown)


def one_line(text: str) -> str:
    r"""Write out what cannot be seen in a text, line breaks too; twice does as much as once.

    For what holds names already, such as a message: backslashes stay as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        each if _is_seen(text, at, each) else _escaped(each) for at, each in enumerate(text)
    )


def _is_seen(text: str, at: int, character: str) -> bool:
    if character.isprintable():
        return character not in _INKLESS and ord(character) not in _SELECTORS
    if character in _JOINERS:
        return _is_joining(text[at - 1 : at]) and _is_joining(text[at + 1 : at + 2])
    return unicodedata.category(character) == _BLANK


def _is_joining(neighbour: str) -> bool:
    return neighbour.isprintable() and neighbour > "\x7f"


def _escaped(character: str) -> str:
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if code < 0x80:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:  # Python's stand-in for a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _meant(match: re.Match[str]) -> str:
    if sign := match["sign"]:
        return _SIGNS[sign]
    if byte := match["byte"]:
        code = int(byte, 16)
        return chr(code if code < 0x80 else 0xDC00 + code)
    return chr(int(match["four"] or match["eight"], 16))


def real_path(path: str | PurePath) -> Path:
    """Return the place that a path means: ``~`` and links are followed as far as they lead.

    A user who has no home, and links in a circle, stay as they are: whoever looks there is told
    that nothing is there, as with any wrong path. ``Path.expanduser`` and ``Path.resolve`` raise a
    RuntimeError for these.
    """
    return Path(os.path.realpath(os.path.expanduser(path)))


class LineFormatter(logging.Formatter):
    """Writes each message of a log on one line, and a traceback line by line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - what logging calls it
        """Write the line of a record."""
        return one_line(super().formatMessage(record))

    def formatException(self, *args: Any) -> str:  # noqa: N802 - what logging calls it
        """Write what was raised, and where."""
        return "\n".join(map(one_line, super().formatException(*args).split("\n")))


def log_to_stderr(form: str) -> None:
    """Let the logs of this process go to the standard error stream, each in this form."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(form))
    logging.basicConfig(handlers=[handler])


# For programs: names that are read back


def as_text(name: str | PurePath) -> str:
    r"""Return a name as text that JSON, databases and other programs take; mostly the name itself.

    A name that is no Unicode becomes what shells call it, ``$'b\xe9.png'``, and so does one that
    begins like this by itself. ``from_text`` is the inverse.
    """
    text = str(name)
    is_text = not any("\ud800" <= each <= "\udfff" for each in text)
    return text if is_text and not text.startswith("$'") else _shell_quoted(text)


def from_text(text: str) -> str:
    """Return the name that ``as_text`` wrote."""
    if not (text.startswith("$'") and text.endswith("'") and len(text) > 2):
        return text
    return read_name(text[2:-1])


def shell_command(words: Iterable[str]) -> str:
    """Write a command on one line, as a shell takes it."""
    return " ".join(
        shlex.quote(each) if each == one_line(each) else _shell_quoted(each) for each in words
    )


def _shell_quoted(text: str) -> str:
    return "$'" + show_name(text).replace("'", r"\'") + "'"


def json_text(
    value: Any, *, indent: int | None = None, default: Callable[[Any], Any] | None = None
) -> str:
    """Write a value as JSON in ASCII, on one line unless it is indented.

    Texts and paths are written by ``as_text``; what is no finite number becomes null. ``default``
    turns what JSON does not know into something that it knows.

    Raises:
        TypeError: Something is none of the things that JSON knows.
    """
    return json.dumps(_as_json(value), indent=indent, allow_nan=False, default=default)


def _as_json(value: Any) -> Any:
    if isinstance(value, str | PurePath):
        return as_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_as_json(key): _as_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    return value


def read_json(text: str) -> Any:
    """Read what ``json_text`` wrote, names as they were.

    Raises:
        ValueError: It is no JSON.
    """
    return _from_json(json.loads(text))


def _from_json(value: Any) -> Any:
    if isinstance(value, str):
        return from_text(value)
    if isinstance(value, dict):
        return {from_text(key): _from_json(each) for key, each in value.items()}
    return [_from_json(each) for each in value] if isinstance(value, list) else value


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Write a table with a heading, one line a row; what a row does not have stays empty."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([csv_cell(each) for each in columns])
    for row in rows:
        writer.writerow([csv_cell(row.get(each)) for each in columns])
    return text.getvalue()


def csv_cell(value: object) -> object:
    """Return what stands for a value in a cell: text that no spreadsheet computes, or a number.

    Text is on one line as ``show_name`` writes it. Before what begins like a formula stands an
    apostrophe.
    """
    if value is None or isinstance(value, Number):
        return value
    text = show_name(str(value))
    return f"'{text}" if _FORMULA.match(text) else text
