"""Checksums and structure of weights files, compared with what is known of them.

Hashing gigabytes takes seconds, so sums are remembered in the user's cache, beside what the file
system says of the file: size, time of last change of content, and of any change. A file in which
one of these differs is hashed again. So is one changed within the last seconds, because a further
change might fall into the same tick of the clock.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from features.names import real_path
from features.progress import ProgressReporter, silent
from features.weights.errors import WeightsError
from features.weights.registry import Known, WeightsFile
from features.weights.sidecar import read_json, read_sidecar, write_json

_CHUNK_BYTES = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SETTLED_S = 2.0  # FAT counts time in steps of two seconds; other file systems are finer


def hash_file(path: Path, tell: ProgressReporter = silent) -> str:
    """Read the whole file and return its SHA-256 in hexadecimal digits."""
    digest = hashlib.sha256()
    done, total = 0, path.stat().st_size
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            tell(f"checking {path.name}", done, total)
    return digest.hexdigest()


def remembered_hash(path: Path, memory: Path, *, settled_s: float = _SETTLED_S) -> str:
    """Return the SHA-256, from the JSON file ``memory`` if the file is as it was then.

    Where ``memory`` cannot be written, the file is hashed each time.
    """
    key = str(real_path(path))
    stamp = _stamp(path)
    remembered = _entries(memory).get(key)
    if isinstance(remembered, dict) and remembered.get("stamp") == stamp:
        return str(remembered["sha256"])
    sha256 = hash_file(path)
    if time.time() - max(stamp[1:]) / 1e9 > settled_s and _stamp(path) == stamp:
        entries = {each: entry for each, entry in _entries(memory).items() if Path(each).exists()}
        with suppress(OSError):
            memory.parent.mkdir(parents=True, exist_ok=True)
            write_json(memory, entries | {key: {"stamp": stamp, "sha256": sha256}})
    return sha256


def _stamp(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _entries(memory: Path) -> dict[str, Any]:
    try:
        return read_json(memory)
    except (OSError, ValueError):  # none yet, or damaged: what it held can be computed again
        return {}


def facts_about(path: Path, known: Sequence[Known]) -> WeightsFile:
    """Gather what is known of a file: by its name, from ``partwise.json``, from the hub's cache.

    Sums written out in the code win over those of files that lie about.

    Raises:
        WeightsError: ``partwise.json`` is damaged.
    """
    for each in known:
        if each.model_file.name == path.name and each.model_file.sha256:
            return each.model_file
    sidecar = read_sidecar(path.parent)
    recorded = sidecar and sidecar.facts(path.name)
    if recorded:
        return recorded
    content = real_path(path)  # the hub's cache links names to files called by their sum
    if content.parent.name == "blobs" and _SHA256.fullmatch(content.name):
        return WeightsFile(path.name, sha256=content.name)
    return WeightsFile(path.name)


def check_file(path: Path, facts: WeightsFile, digest: Callable[[Path], str]) -> None:
    """Compare a file with what is known of it, the cheapest first.

    Raises:
        WeightsError: It is incomplete, or is another file.
    """
    size = path.stat().st_size
    if facts.size is not None and size != facts.size:
        raise WeightsError(f"{path} is corrupted: expected {facts.size:,} bytes, got {size:,}")
    _check_structure(path)
    if facts.sha256 is not None:
        found = digest(path)
        if found != facts.sha256:
            raise WeightsError(f"{path} is corrupted: expected SHA-256 {facts.sha256}, got {found}")


def _check_structure(path: Path) -> None:
    """Find out whether a safetensors or JSON file is whole, without reading its tensors.

    Raises:
        WeightsError: It is not, or is of another format.
    """
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="np"):
                pass  # opening compares the sizes in the header with that of the file
        elif path.suffix == ".json":
            read_json(path)
    except (SafetensorError, ValueError) as error:
        raise WeightsError(f"{path} is corrupted: {error}") from error
