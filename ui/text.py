"""Text on pages: escaped Markdown, counts, figures, times, states and folders.

Pure: nothing here knows Streamlit. What only one page says is in the ``*view.py`` of its folder.
"""

from __future__ import annotations

import os
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, SupportsFloat

from features.folders import left_out, left_out_text
from features.image_files import is_image_name
from features.names import one_line, real_path, show_name

if TYPE_CHECKING:
    from engine.station import Job, Tally

_JOB_WORDS = {"fit": "learning", "bench": "benchmark", "samples": "example product"}
_IDLE_HINT = "Everything that was given has been judged."
_STUCK_HINT = (
    "The process that judges images is starting, or has died and is started again. If this stays, "
    "look into worker.log in the folder of the station."
)
_BUSY_HINT = "Work goes on when you close this page."

# zero width, no break: keeps two characters from being read together, and is not seen
_JOINER = "\u2060"
_PUNCTUATION = re.compile(f"([{re.escape(string.punctuation)}])")
# Streamlit looks for icons, emoji, arrows and addresses once more when escapes are resolved
_READ_AGAIN = re.compile(r"(?<=:)(?=\S)|(?<=[-<])(?=[->])|(?<=www)(?=\.)|(?=@)")

# more than a person reads, and what a careless root may hold
MAX_SHOWN = 200


def plain(text: str) -> str:
    """Write text so that Streamlit's Markdown shows it letter for letter, on one line.

    What cannot be seen is written out, as it is on terminals.
    """
    joined = _READ_AGAIN.sub(_JOINER, one_line(" ".join(text.split())))
    return _PUNCTUATION.sub(r"\\\1", joined)


def _plain_piece(text: str) -> str:
    """Keep the blanks at both ends, which join it to its neighbours."""
    before, after = (" " if text[:1].isspace() else ""), (" " if text[-1:].isspace() else "")
    return f"{before}{plain(text)}{after}" if text.strip() else " " * bool(text)


def with_code(text: str) -> str:
    """Do the same, but let what stands between backticks look like what is typed at a terminal."""
    pieces = text.split("`")
    return "".join(
        f"`{each}`" if i % 2 and each else _plain_piece(each) for i, each in enumerate(pieces)
    )


def counted(n: int, one: str, many: str | None = None) -> str:
    """Write a number of things: ``1 image``, ``12 images``; thousands are set apart."""
    return f"{n:,} {one if n == 1 else many or one + 's'}".replace(",", "\u202f")


@dataclass(frozen=True)
class Status:
    """One line about the queue: an icon, words, and what they mean."""

    icon: str
    text: str
    hint: str


def status_of(tally: Tally, jobs: Sequence[Job], *, is_worked_on: bool) -> Status:
    """Say what is waiting; ``jobs`` are the active ones."""
    words = [counted(tally.pending, "image") + " waiting"] if tally.pending else []
    words += [f"{_JOB_WORDS.get(job.kind, 'Working')} {percent(job)}".strip() for job in jobs]
    if not words:
        return Status(":material/check_circle:", "Nothing is waiting", _IDLE_HINT)
    if not is_worked_on:
        return Status(":material/warning:", f"{' · '.join(words)} · nobody works", _STUCK_HINT)
    return Status(":material/hourglass_top:", " · ".join(words), _BUSY_HINT)


def percent(job: Job) -> str:
    """Say how far the present step of a job is; nothing where that is not known."""
    return f"{job.done / job.total:.0%}" if job.total else ""


def share_done(job: Job) -> float:
    """Return which share of its present step a job has done, 0 … 1; 0 where that is not known."""
    return min(job.done / job.total, 1.0) if job.total else 0.0


def figure(value: SupportsFloat) -> str:
    """Write a number with three significant digits, from a thousand on to the unit."""
    number = float(value)
    return f"{number:.0f}" if 999.5 <= abs(number) < 1e6 else f"{number:.3g}"


def time_text(at: datetime) -> str:
    """Write a time to the minute, as clocks show it here."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


@dataclass(frozen=True)
class Folder:
    """A folder below a root: the folders in it by name, and how many images it holds itself."""

    path: Path
    parent: Path | None
    children: tuple[str, ...]
    n_images: int
    n_hidden: int = 0
    """Children beyond those that are listed."""
    left_out: str = ""
    """Says which files in it may be photographs and are not read; empty if there are none."""


def list_folder(path: Path, roots: Sequence[Path]) -> Folder:
    """List a resolved folder below a root; links and hidden folders are left out.

    Raises:
        OSError: It cannot be listed.
    """
    with os.scandir(path) as listed:
        found = [each for each in listed if not each.name.startswith(".")]
    names = sorted(each.name for each in found if each.is_dir(follow_symlinks=False))
    images = {each.name for each in found if is_image_name(each.name)}
    rest = left_out_text(left_out(path, images, is_read=is_image_name, is_deep=False))
    parent = path.parent if is_below(path.parent, roots) else None
    shown, hidden = tuple(names[:MAX_SHOWN]), names[MAX_SHOWN:]
    return Folder(path, parent, shown, len(images), len(hidden), rest)


def is_below(path: Path, roots: Sequence[Path]) -> bool:
    """Whether a resolved path lies in or below one of the roots."""
    return any(path.is_relative_to(real_path(root)) for root in roots)


def short_path(path: Path, roots: Sequence[Path]) -> str:
    """Write a path from the name of its root on."""
    for root in roots:
        base = real_path(root)
        if path.is_relative_to(base):
            return show_name(Path(base.name or "/") / path.relative_to(base))
    return show_name(path)
