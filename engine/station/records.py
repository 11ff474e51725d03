"""Records of a station: entries, batches, watches, jobs, results, limits.

They import nothing heavy, so that a command line may use them. Names of images, batches and models
come from strangers: they are labels for people, never paths (``label``, ``model_name``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

from features.errors import UserError
from features.names import one_line

State = Literal["queued", "running", "done", "failed", "cancelled"]
Source = Literal["upload", "folder", "watch"]
Verdict = Literal["normal", "anomaly"]
Review = Literal["accepted", "rejected"]
JobKind = Literal["fit", "bench", "samples"]

JOB_KINDS: tuple[JobKind, ...] = ("fit", "bench", "samples")

# 120 megapixels: equals features.image_files.MAX_PIXELS, whose import loads NumPy and OpenCV
MAX_PIXELS = 120_000_000


class StationError(UserError, ValueError):
    """Something a station cannot do; the message is one line and names the cure."""


class DiskFullError(StationError):
    """The disk of a station is full; what was not written waits until there is room."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"the disk of {folder} is full; free some space: nothing is lost, the work goes on "
            "where it was"
        )


@dataclass(frozen=True)
class Limits:
    """How much a station takes: bytes of an upload, pixels of an image, images of a folder."""

    max_upload_bytes: int = 200_000_000
    max_pixels: int = MAX_PIXELS
    max_folder_images: int = 20_000


@dataclass(frozen=True)
class Entry:
    """One image that was judged or is to be judged, by one model.

    ``name`` is a label and never a path. An entry that is to be judged again keeps what was said
    of it until then. ``threshold`` is the one in force: that set by hand for the model, else the
    learnt one. ``reason`` says the worst in words; ``classes`` names the classes concerned.
    ``is_by_region`` tells that a taught defect made the verdict, whatever the total. ``total`` is
    that of the report, or how new one region is, in the same units, where that alone makes the
    image an anomaly. ``image_size`` is (height, width) of the photograph as its EXIF orientation
    shows it. Times are in UTC.
    """

    id: int
    name: str
    source: Source
    batch: int | None
    model: Path
    state: State
    added_at: datetime
    judged_at: datetime | None = None
    seconds: float | None = None
    total: float | None = None
    threshold: float | None = None
    verdict: Verdict | None = None
    reason: str = ""
    classes: tuple[str, ...] = ()
    is_by_region: bool = False
    review: Review | None = None
    reviewed_by: str | None = None
    error: str | None = None
    image_sha256: str | None = None
    image_size: tuple[int, int] | None = None
    path: Path | None = None
    """Where the image lies, for one that was not uploaded."""
    is_drawn: bool = False
    """Whether the pictures of its result are there, too; they follow the verdict."""
    library: str | None = None
    """The library of taught regions that was asked for; None means that beside the model."""

    def verdict_at(self, threshold: float) -> Verdict | None:
        """Say what the verdict would be with another threshold; None before it was judged."""
        if self.total is None or self.is_by_region:
            return self.verdict
        return "anomaly" if self.total > threshold else "normal"


@dataclass(frozen=True)
class Result:
    """What a page shows of a judged image; ``entry`` is as it is now.

    Sizes are (height, width); the longer side of ``view_size`` is at most 1600. ``photo`` and
    ``reference`` are JPEG, the layers are PNG with transparency: "parts", "anomaly", "missing",
    and "regions" if any was found. All are of ``view_size`` and lie on each other; the nearest
    reference is warped into the frame of the image. ``report`` is ``Report.as_dict``; ``regions``
    is ``RegionReport.as_dict``. Each of ``classes`` has id (-1: of no class), name, color
    ("#rrggbb"), found, expected, is_background, is_off (that difference is a deviation). Each of
    ``scores`` has name, title, question, value (raw), added (to the total), share (of the total,
    0 … 1), is_active.
    """

    entry: Entry
    image_size: tuple[int, int]
    view_size: tuple[int, int]
    photo: bytes
    layers: Mapping[str, bytes]
    reference: bytes
    reference_name: str
    report: Mapping[str, Any]
    regions: Mapping[str, Any]
    classes: list[dict[str, Any]]
    scores: list[dict[str, Any]]


@dataclass(frozen=True)
class Batch:
    """Images that were added together; ``n_entries`` is how many it has now."""

    id: int
    label: str
    model: Path
    created_at: datetime
    n_entries: int = 0


@dataclass(frozen=True)
class Watch:
    """A folder whose new images are judged as they come; ``error`` says why it cannot be read."""

    id: int
    folder: Path
    model: Path
    batch: int
    created_at: datetime
    error: str | None = None


@dataclass(frozen=True)
class Job:
    """Long work in a process of its own: ``done`` of ``total`` units of the present ``step``.

    ``kind`` is a ``JobKind``, or one that only a newer release knows.
    """

    id: int
    kind: str
    spec: Mapping[str, Any]
    state: State
    step: str
    done: int
    total: int
    result: Mapping[str, Any] | None
    error: str | None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in ("queued", "running")


@dataclass(frozen=True)
class Tally:
    """How many entries there are by state and, of those that are done, by verdict and review."""

    queued: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    cancelled: int = 0
    normal: int = 0
    anomaly: int = 0
    accepted: int = 0
    rejected: int = 0

    @property
    def pending(self) -> int:
        """How many wait or are being judged."""
        return self.queued + self.running

    @property
    def total(self) -> int:
        """How many entries there are."""
        return self.pending + self.done + self.failed + self.cancelled


class Benchmark(NamedTuple):
    """A finished benchmark: its name, its result file, and when it was made."""

    name: str
    path: Path
    created: datetime


# but for a backslash that stands for a byte
_SEPARATOR = re.compile(r"/|\\(?!x[0-9a-f]{2})")
_MAX_LENGTH = 120
UNNAMED = "image"

# letters of any language, so that products keep their names; no separator, no leading dot
_MODEL_NAME = re.compile(r"\w[\w .+-]{0,79}")


def label(name: str) -> str:
    """Turn any text into a name on one line: without folders and control characters, not too long.

    Characters that show nothing or turn the direction of writing are dropped; a byte that is no
    Unicode is written ``\\xe9``. A long name keeps its ending; an empty one becomes ``image``.
    """
    last = _SEPARATOR.split(name.strip())[-1]
    shown = "".join(
        one_line(each) if "\udc80" <= each <= "\udcff" else " " if each.isspace() else each
        for each in last
        if _is_shown(each)
    )
    text = " ".join(shown.split())
    if text.strip(". ") == "":
        return UNNAMED
    if len(text) > _MAX_LENGTH:
        ending = PurePosixPath(text).suffix[:8]
        text = text[: _MAX_LENGTH - len(ending) - 1] + "…" + ending
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
    if "\udc80" <= character <= "\udcff":  # stands for a byte
        return True
    return character.isspace() or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co"}
