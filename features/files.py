"""Files given by name, read only if they are files, of a size that their kind may have.

Whoever opens a pipe waits for its writer, a device has no end, and what lies under /proc has no
size but much content. So every file that somebody names is opened here, or looked at here before a
library opens it by its name. What JSON, TOML and text may hold is bounded, too: a parser must
neither run for ever nor exhaust the stack.
"""

from __future__ import annotations

import errno
import json
import math
import os
import stat
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from features.errors import UserError
from features.names import one_line, show_name

# a list of labels, a password, a config of somebody who comments much
MAX_TEXT_BYTES = 16_000_000
# a benchmark of ten thousand images with all single scores takes a tenth of it
MAX_JSON_BYTES = 256_000_000
MAX_TOML_BYTES = 128_000
MAX_PASSWORD_BYTES = 4_096
# 120 megapixels of three times 16 bits, uncompressed, take less
MAX_IMAGE_BYTES = 1_000_000_000
# the largest published weights of SAM and DINOv2 take 4.5 GB
MAX_WEIGHTS_BYTES = 20_000_000_000
MAX_DATABASE_BYTES = 1_000_000_000_000

# ours have eight levels at most
MAX_DEPTH = 64
# in one line: time to read a key of many parts grows with their square
_MAX_DOTS = 200
_MAX_INTEGER = 2**63
_CHUNK_BYTES = 1 << 20

_NO_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


class FileError(UserError, OSError):
    """A file that cannot be read; ``strerror`` is why and what helps, ``filename`` which."""

    def __init__(self, path: str | Path, reason: str, number: int = errno.EINVAL) -> None:
        super().__init__(number, reason, str(path))

    def __str__(self) -> str:
        return one_line(f"{show_name(str(self.filename))}: {self.strerror}")


class ContentError(UserError, ValueError):
    """A file that holds something else than its kind promises; one line that names the cure."""


def open_regular(path: str | Path, *, max_bytes: int) -> BinaryIO:
    """Open a file for reading; nothing is waited for.

    Raises:
        FileError: It is a pipe or a device, or larger than ``max_bytes``.
        OSError: It is not there, is a folder, or may not be read.
    """
    return os.fdopen(_opened(path, os.O_RDONLY, max_bytes), "rb")


def open_to_append(path: str | Path) -> BinaryIO:
    """Open a file to write at its end; it is made where there is none.

    Raises:
        FileError: It is a pipe or a device.
        OSError: It is a folder, or may not be written.
    """
    return os.fdopen(_opened(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, None), "ab")


def check_regular(path: str | Path, *, max_bytes: int) -> None:
    """Look at a file that a library is about to open by its name.

    Raises:
        FileError: It is a pipe or a device, or larger than ``max_bytes``.
        OSError: It is not there, is a folder, or may not be read.
    """
    os.close(_opened(path, os.O_RDONLY, max_bytes))


def read_bytes(path: str | Path, *, max_bytes: int) -> bytes:
    """Read a whole file.

    Raises:
        FileError: It is a pipe or a device, or larger than ``max_bytes``.
        OSError: It is not there, is a folder, or may not be read.
    """
    with open_regular(path, max_bytes=max_bytes) as stream:
        content: bytes | None = stream.read(max_bytes + 1)
    if content is None:  # what claims to be a file and has nothing to say yet
        raise _no_file(path)
    if len(content) > max_bytes:  # it grew, or says that it has no size
        raise _too_large(path, f"{len(content):,} bytes and more", max_bytes)
    return content


def read_chunks(path: str | Path, *, max_bytes: int) -> Iterator[bytes]:
    """Give a file piece by piece.

    Raises:
        FileError: It is a pipe or a device, is larger than ``max_bytes``, or has no end.
        OSError: It is not there, is a folder, or may not be read.
    """
    with open_regular(path, max_bytes=max_bytes) as stream:
        left = os.fstat(stream.fileno()).st_size
        while chunk := stream.read(_CHUNK_BYTES):
            left -= len(chunk)
            if left < 0:
                raise FileError(path, "it grew while it was read; wait until it is whole")
            yield chunk


def read_text(
    path: str | Path, *, max_bytes: int = MAX_TEXT_BYTES, expected: str = "a text file"
) -> str:
    """Read a text in UTF-8; the mark that some editors put before it is left out.

    ``expected`` is what messages call the file that should be there.

    Raises:
        ContentError: It is no text in UTF-8.
        OSError: As of ``read_bytes``.
    """
    content = read_bytes(path, max_bytes=max_bytes)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        found = "UTF-16" if is_utf16 else f"another encoding at byte {error.start:,}"
        raise ContentError(
            f"{path} is not text in UTF-8, expected {expected}, got {found}; save it as UTF-8"
        ) from error


def read_json(
    path: str | Path,
    *,
    max_bytes: int = MAX_JSON_BYTES,
    make_object: Callable[[list[tuple[str, Any]]], dict[str, Any]] = dict,
) -> Any:
    """Read JSON; ``make_object`` is given the keys of an object and their values, in order.

    Raises:
        ContentError: It is none, or nests too deeply, or holds numbers that are not finite.
        OSError: As of ``read_bytes``.
    """
    text = read_text(path, max_bytes=max_bytes, expected="a JSON file")
    return parse_json(text, str(path), make_object=make_object)


def read_toml(path: str | Path) -> dict[str, Any]:
    """Read TOML.

    Raises:
        ContentError: It is none, or holds what no config needs.
        OSError: As of ``read_bytes``.
    """
    text = read_text(path, max_bytes=MAX_TOML_BYTES, expected="a TOML file")
    if any(line.count(".") > _MAX_DOTS for line in text.splitlines()):
        raise ContentError(
            f"{path} must have at most {_MAX_DOTS} dots in a line, got more; divide that line"
        )
    return dict(_parsed(tomllib.loads, text, str(path), "valid TOML"))


def parse_json(
    text: str,
    what: str,
    *,
    make_object: Callable[[list[tuple[str, Any]]], dict[str, Any]] = dict,
) -> Any:
    """Parse JSON; ``what`` is said of it in messages.

    Raises:
        ContentError: It is none, or nests too deeply, or holds numbers that are not finite.
    """
    parse = partial(
        json.loads,
        parse_constant=_not_finite,
        parse_float=_finite,
        object_pairs_hook=None if make_object is dict else make_object,
    )
    return _parsed(parse, text, what, "JSON")


def _parsed(parse: Callable[[str], Any], text: str, what: str, kind: str) -> Any:
    """Call a parser, and refuse what would break whoever goes through its answer."""
    try:
        values = parse(text)
        _check_values(values)
    except RecursionError as error:
        raise ContentError(
            f"{what} is not {kind} that can be read: it nests too deeply; flatten it"
        ) from error
    except MemoryError as error:
        raise ContentError(f"{what} is too large for this machine's memory; shorten it") from error
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise ContentError(f"{what} is not {kind}: {reason[:200]}; correct it") from error
    return values


def _check_values(values: Any) -> None:
    """Look at all levels, one after the other.

    Raises:
        RecursionError: There are too many.
        ValueError: An integer has more than 64 bits.
    """
    level: list[Any] = [[values]]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for each in level:
            inside = each.values() if isinstance(each, dict) else each
            if any(type(one) is int and not -_MAX_INTEGER <= one < _MAX_INTEGER for one in inside):
                raise ValueError("a whole number has more than 64 bits")
            below += [one for one in inside if isinstance(one, dict | list)]
        if not below:
            return
        level = below
    raise RecursionError


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text[:40]} is too large")
    return number


def _not_finite(text: str) -> float:
    raise ValueError(f"{text} is no finite number")


def _opened(path: str | Path, flags: int, max_bytes: int | None) -> int:
    """Open what is a file, by its name and still once it is open; return the descriptor."""
    try:
        if not flags & os.O_CREAT or os.path.exists(path):
            _check(path, os.stat(path), max_bytes)
        descriptor = os.open(path, flags | _NO_WAITING, 0o666)
    except ValueError as error:  # a null byte, or half a character
        raise FileError(path, f"no file can have this name ({error}); check it") from error
    try:
        _check(path, os.fstat(descriptor), max_bytes)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check(path: str | Path, status: os.stat_result, max_bytes: int | None) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise _no_file(path)
    if max_bytes is not None and status.st_size > max_bytes:
        raise _too_large(path, f"{status.st_size:,} bytes", max_bytes)


def _no_file(path: str | Path) -> FileError:
    return FileError(path, "it is a device or pipe, expected a file; save it as a file")


def _too_large(path: str | Path, found: str, max_bytes: int) -> FileError:
    return FileError(
        path, f"expected at most {max_bytes:,} bytes, got {found}; name another file", errno.EFBIG
    )
