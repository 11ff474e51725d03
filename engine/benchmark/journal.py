"""Journal of the finished runs of an interrupted benchmark.

It lies beside the result file until that is written. It holds one JSON line for each finished run,
under a fingerprint of everything the run depends on; a line that the interruption tore is dropped.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from engine.atomic import OutputError, is_stream
from engine.benchmark.records import JsonRecord

R = TypeVar("R", bound=JsonRecord)


def journal_path(results_path: Path | None) -> Path | None:
    """Return where finished runs are noted until the results are written.

    None where these are not kept in a file.
    """
    if results_path is None or is_stream(results_path):
        return None
    return results_path.with_name(results_path.name + ".partial")


class Journal(Generic[R]):
    """Finished runs by fingerprint, in the file at ``path`` or, without one, in memory only.

    ``parse`` makes a run of its JSON form; a KeyError, TypeError or ValueError says it is none.
    """

    def __init__(self, path: Path | None, parse: Callable[[dict[str, Any]], R]) -> None:
        self.path = path
        self._runs = _read(path, parse) if path else {}
        with _explained(path):
            self._file = path.open("a", encoding="utf-8") if path else None

    def __contains__(self, key: str) -> bool:
        return key in self._runs

    def __getitem__(self, key: str) -> R:
        return self._runs[key]

    def add(self, key: str, run: R) -> None:
        """Note a finished run, so that it outlives this process."""
        self._runs[key] = run
        if self._file:
            entry = {"fingerprint": key, "run": run.as_dict()}
            with _explained(self.path):
                self._file.write(json.dumps(entry, allow_nan=False) + "\n")
                self._file.flush()
                os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let go of the file and leave it for the next attempt."""
        if self._file:
            self._file.close()

    def remove(self) -> None:
        """Delete the file, once its runs are safe elsewhere."""
        self.close()
        if self.path:
            self.path.unlink(missing_ok=True)


def fingerprint(facts: Mapping[str, Any]) -> str:
    """Return a short digest of JSON-like facts; their order does not matter."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@contextmanager
def _explained(path: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; choose another path"
        ) from error


def _read(path: Path, parse: Callable[[dict[str, Any]], R]) -> dict[str, R]:
    """Read every whole line, and cut off a torn last one so that the next starts afresh."""
    if not path.exists():
        return {}
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    runs = {}
    for line in whole.splitlines():
        try:
            entry = json.loads(line)
            runs[str(entry["fingerprint"])] = parse(entry["run"])
        except (ValueError, KeyError, TypeError):  # not ours, or of another version
            continue
    return runs
