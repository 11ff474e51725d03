"""How does one file get here whole, over a line that breaks?

Bytes go to ``NAME.part``. After a cut, a crash or Ctrl-C they are kept, and only the rest is asked
for, provided the server still has the same file: ``NAME.part.json`` holds the tag by which it is
asked to make sure (``If-Range``), and the sum that was published. What has arrived takes its name
when its size and SHA-256 are right; otherwise it is deleted.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, BinaryIO

from features.weights.check import check_file
from features.weights.errors import WeightsError
from features.weights.hashes import Tell, hash_file, silent
from features.weights.json_files import read_json, write_json
from features.weights.patience import InterruptionError, Patience, patiently
from features.weights.registry import WeightsFile
from features.weights.remote import RefusalError, Remote, opened, read_some
from features.weights.room import FreeBytes, free_bytes, room_for

_CHUNK_BYTES = 1 << 20
_PARTIAL, _OUT_OF_RANGE = 206, 416


def fetch(
    remote: Remote,
    target: Path,
    *,
    patience: Patience | None = None,
    tell: Tell = silent,
    free: FreeBytes = free_bytes,
) -> WeightsFile:
    """Bring a file to ``target`` and return what it is; the caller keeps others from doing so.

    Raises:
        RefusalError: The server does not give the file.
        WeightsError: The server cannot be had, the disk is full, or the file is a wrong one.
    """
    patience = patience or Patience()
    part = target.with_name(f"{target.name}.part")
    sha256 = remote.file.sha256
    if sha256 and target.exists() and hash_file(target, tell) == sha256:
        return WeightsFile(target.name, _size(target), sha256)
    _drop_if_other(part, remote)
    missing = (remote.file.size or 0) - _size(part)
    with room_for(max(0, missing), target.parent, free):
        patiently(
            lambda: _continue(part, remote, patience.timeout_s, tell),
            patience,
            progress=lambda: _size(part),
        )
    part.replace(target)
    _drop(part)
    found = WeightsFile(target.name, _size(target), hash_file(target, tell))
    try:
        check_file(target, remote.file, lambda _: str(found.sha256))
    except WeightsError as error:
        target.unlink()
        raise WeightsError(
            f"{remote.url} gave a wrong file, which was deleted: {error}; run again, and if that "
            "does not help, look for a proxy or mirror that alters it"
        ) from error
    return found


def _continue(part: Path, remote: Remote, timeout_s: float, tell: Tell) -> None:
    """Ask for what is missing and write it to ``part``."""
    start, size = _size(part), remote.file.size
    if start and start == size:
        return
    try:
        with opened(remote, _range_headers(part, start), timeout_s) as answer:
            start = _agreed_start(answer, start, size)
            with part.open("r+b" if start else "wb") as stream:
                if not start:
                    write_json(_notes(part), {"tag": _tag(answer), **_published(remote)})
                stream.seek(start)
                end = _receive(answer, stream, _teller(tell, remote), start)
                os.fsync(stream.fileno())
    except RefusalError as error:
        if error.status != _OUT_OF_RANGE or not start:
            raise
        _drop(part)
        raise InterruptionError(f"{remote.url} has become another file") from error
    if size is not None and end < size:
        raise InterruptionError(f"the line broke after {end:,} of {size:,} bytes")


def _receive(
    answer: HTTPResponse, stream: BinaryIO, tell: Callable[[int], None], start: int
) -> int:
    """Write what comes; returns the size of the file then."""
    end = start
    while chunk := read_some(answer, _CHUNK_BYTES):
        stream.write(chunk)
        end += len(chunk)
        tell(end)
    return end


def _agreed_start(answer: HTTPResponse, start: int, size: int | None) -> int:
    """Return from where the server sends; 0 if it sends everything anew.

    Raises:
        RefusalError: It sends something that does not go on where ``start`` is.
    """
    if answer.status != _PARTIAL:
        return 0
    sent, _, total = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    if not sent.startswith(f"{start}-") or (size is not None and total not in ("*", str(size))):
        raise RefusalError(answer.url, _OUT_OF_RANGE)
    return start


def _range_headers(part: Path, start: int) -> dict[str, str]:
    if not start:
        return {}
    tag = _read_notes(part).get("tag")
    return {"Range": f"bytes={start}-", **({"If-Range": tag} if tag else {})}


def _drop_if_other(part: Path, remote: Remote) -> None:
    """Forget bytes that cannot be told to belong to the file that is published now."""
    notes, size = _read_notes(part), remote.file.size
    is_same = {key: notes.get(key) for key in _published(remote)} == _published(remote)
    can_be_told = bool(notes.get("tag") or remote.file.sha256)
    is_too_long = size is not None and _size(part) > size
    if not is_same or not can_be_told or is_too_long:
        _drop(part)


def _published(remote: Remote) -> dict[str, Any]:
    return {"size": remote.file.size, "sha256": remote.file.sha256}


def _tag(answer: HTTPResponse) -> str | None:
    """Return what the server calls this very file, if it can be relied upon (RFC 9110, 13.1.5)."""
    tag = answer.headers.get("ETag")
    return tag if tag and tag.startswith('"') else None


def _teller(tell: Tell, remote: Remote) -> Callable[[int], None]:
    return lambda done: tell(f"fetching {remote.file.name}", done, remote.file.size or 0)


def _notes(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_notes(part: Path) -> dict[str, Any]:
    try:
        return read_json(_notes(part))
    except (OSError, ValueError):
        return {}


def _drop(part: Path) -> None:
    for path in (part, _notes(part)):
        with suppress(FileNotFoundError):
            path.unlink()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
