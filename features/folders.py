"""Folders of photographs: what lies in one and is not read as a photograph.

Whoever names a folder means all photographs in it. Those of a format that is not read, of a folder
below, or behind a link that leads nowhere would be as if they were not there; so they are counted,
to be said wherever a folder is given. Hidden files and plain texts are not meant.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features import raw_files
from features.names import show_name

# texts, tables and settings that lie beside photographs, and the small pictures that Windows keeps
BESIDE = {
    *(".cfg", ".csv", ".db", ".htm", ".html", ".ini", ".json", ".jsonl", ".log", ".md"),
    *(".names", ".partial", ".pw", ".py", ".sh", ".toml", ".tsv", ".txt", ".xml", ".yaml", ".yml"),
}
# more of a deep folder is not looked at
MAX_COUNTED = 10_000

NO_FILE = "no file, or a link that leads elsewhere or nowhere"
_SHOWN = 4


@dataclass(frozen=True)
class LeftOut:
    """Files of one ending, or of one folder below, that are not read.

    ``where`` is the folder that they lie in, ``what`` they are: an ending such as ``.heic``, or
    words.
    """

    where: Path
    what: str
    n_files: int

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"where": str(self.where), "what": self.what, "n_files": self.n_files}

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> LeftOut:
        """Read what :meth:`as_dict` made, after a journey through JSON."""
        return cls(Path(entry["where"]), str(entry["what"]), int(entry["n_files"]))

    @property
    def text(self) -> str:
        """Say how many and what."""
        n = f"{self.n_files:,}" if self.n_files < MAX_COUNTED else f"{MAX_COUNTED:,} or more"
        return f"{n} {self.what}"


def left_out(
    folder: Path,
    taken: Collection[str],
    *,
    is_read: Callable[[str], bool] = lambda name: False,
    is_deep: bool = True,
) -> tuple[LeftOut, ...]:
    """Count what lies in a folder and is not among the names taken, by ending, then by folder.

    ``is_read`` tells which names would be taken of a file that may be read. Folders below are
    looked into only if ``is_deep``.

    Raises:
        OSError: The folder cannot be listed.
    """
    endings: Counter[str] = Counter()
    below = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in taken:
            continue
        if is_folder(path):
            below += _left_out_below(path) if is_deep else []
        elif is_meant(path.name):
            endings[_what(path, is_read)] += 1
    return *(LeftOut(folder, what, n) for what, n in sorted(endings.items())), *below


def n_left_out(found: Sequence[LeftOut]) -> int:
    """Return how many files these are."""
    return sum(each.n_files for each in found)


def left_out_text(found: Sequence[LeftOut]) -> str:
    """Say in a few words how many files were left out and what they are; nothing if none were."""
    if not found:
        return ""
    n_files = n_left_out(found)
    shown = ", ".join(each.text for each in found[:_SHOWN])
    rest = f", {n_left_out(found[_SHOWN:]):,} others" if len(found) > _SHOWN else ""
    cure = f"; {raw_files.CURE}" if any(each.what in raw_files.SUFFIXES for each in found) else ""
    return f"{n_files:,} {'file' if n_files == 1 else 'files'} left out: {shown}{rest}{cure}"


def is_meant(name: str) -> bool:
    """Tell by its name whether a file may be meant as a photograph, of whatever format."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() not in BESIDE


def is_folder(path: Path) -> bool:
    """Tell whether this is a folder, or a link to one; False where that cannot be known."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def _what(path: Path, is_read: Callable[[str], bool]) -> str:
    """Name the ending of a file, or what it is instead of one."""
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        is_file = False
    ending = path.suffix.lower()
    # a link to a photograph that was not taken leads where nothing may be read
    if not is_file or (path.is_symlink() and is_read(path.name)):
        return NO_FILE
    return show_name(ending) or "without an ending"


def _left_out_below(folder: Path) -> list[LeftOut]:
    if not os.access(folder, os.R_OK | os.X_OK):
        return [LeftOut(folder, f"folder that cannot be listed: {show_name(folder.name)}", 1)]
    n_files = _count_below(folder)
    return [LeftOut(folder, f"in the folder {show_name(folder.name)}", n_files)] if n_files else []


def _count_below(folder: Path) -> int:
    """Count what may be photographs in a folder and those below; links are not followed."""
    n_files = 0
    for _, names, files in os.walk(folder):
        names[:] = [name for name in names if not name.startswith(".")]
        n_files += sum(is_meant(name) for name in files)
        if n_files >= MAX_COUNTED:
            return MAX_COUNTED
    return n_files
