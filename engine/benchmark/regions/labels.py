"""Labelled boxes of the photographs of a folder.

Reads the text form of YOLO: ``classes.txt`` names a class in each line; ``images/NAME.jpg`` or
``.png``, in any subfolder, has beside it ``labels/NAME.txt`` with a line ``class cx cy w h`` for
each box: the number of the class, from 0 on, and centre and size as shares of the photograph.

Exports often hold altered copies of a photograph; what tells them is the name (``group_of``).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.benchmark.datasets import DatasetError
from features.files import ContentError, read_text
from features.region import Region

SUFFIXES = (".jpg", ".png")
# boxes may reach over the border by rounding, not by more than this share of the photograph
SLACK = 0.01

# NAME_jpg.rf.0123abcd: how Roboflow exports a photograph and its altered copies
_EXPORT = re.compile(r"_(jpe?g|png)\.rf\.[0-9a-f]+$", re.IGNORECASE)
# "NAME (2)", "NAME - Copy", "NAME_copy3": how file managers name a copy
_COPY = re.compile(r"( \(\d+\)|[ _-]+copy[ _-]?\(?\d*\)?)$", re.IGNORECASE)
_LAYOUT = "classes.txt, and images/NAME.jpg beside labels/NAME.txt"


@dataclass(frozen=True)
class LabelledBox:
    """A thing on a photograph; edges are shares of its width and height, 0 … 1."""

    class_index: int
    edges_xyxy: tuple[float, float, float, float]

    @property
    def share(self) -> float:
        """Share of the photograph that the box covers."""
        left, top, right, bottom = self.edges_xyxy
        return (right - left) * (bottom - top)

    def region(self, size: tuple[int, int]) -> Region:
        """Return all pixels of the box on a photograph of this (height, width); at least one."""
        left, top, right, bottom = self.edges_xyxy
        x0, x1 = _pixels(left, right, size[1])
        y0, y1 = _pixels(top, bottom, size[0])
        return Region((x0, y0, x1, y1), np.ones((y1 - y0, x1 - x0), dtype=bool))


@dataclass(frozen=True)
class BoxedPhoto:
    """A photograph and what is on it; copies of one photograph are of one ``group``."""

    path: Path
    group: str
    boxes: tuple[LabelledBox, ...]


@dataclass(frozen=True)
class BoxedSet:
    """Photographs, sorted by path, and the names of the classes that their boxes count."""

    root: Path
    class_names: tuple[str, ...]
    photos: tuple[BoxedPhoto, ...]

    def groups_of(self, class_index: int) -> list[str]:
        """Return the groups that show a class, sorted."""
        return sorted(
            {
                photo.group
                for photo in self.photos
                if any(box.class_index == class_index for box in photo.boxes)
            }
        )


def find_boxes(folder: Path) -> BoxedSet:
    """Read the labels of every photograph below a folder; no photograph is opened.

    Raises:
        DatasetError: In one line: there is no such folder, no list of classes, no photograph, no
            box, one file without the other, or a line that is no box.
    """
    if not folder.is_dir():
        raise DatasetError(f"no such folder: {folder}")
    names = _class_names(folder / "classes.txt")
    images = _by_name(folder, "images", SUFFIXES)
    labels = _by_name(folder, "labels", (".txt",))
    if not images:
        raise DatasetError(f"no images in {folder}: expected {_LAYOUT}")
    for key in sorted(images.keys() ^ labels.keys()):
        path = images.get(key) or labels[key]
        missing = "labels" if key in images else "image"
        raise DatasetError(f"no {missing} for {path}: expected {_LAYOUT}")
    photos = tuple(
        BoxedPhoto(path, group_of(path.stem), _read_boxes(labels[key], len(names)))
        for key, path in sorted(images.items())
    )
    if not any(photo.boxes for photo in photos):
        raise DatasetError(f"no box in any of the {len(photos)} files of labels in {folder}")
    return BoxedSet(folder, names, photos)


def group_of(stem: str) -> str:
    """Return the name of the photograph that a file is, or is an altered copy of."""
    return _COPY.sub("", _EXPORT.sub("", stem))


def _class_names(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        raise DatasetError(f"no list of classes at {path}: expected {_LAYOUT}")
    names = tuple(line.strip() for line in _lines(path))
    if not names or len(set(names)) < len(names):
        raise DatasetError(f"{path} must name at least one class and none twice, got {names}")
    return names


def _by_name(folder: Path, kind: str, suffixes: tuple[str, ...]) -> dict[tuple[Path, str], Path]:
    """Find files in folders called ``kind``, by the folder above and their stem."""
    found: dict[tuple[Path, str], Path] = {}
    for path in sorted(folder.glob(f"**/{kind}/*")):
        if path.suffix.lower() in suffixes and path.name[0] != "." and path.is_file():
            key = path.parents[1], path.stem
            if key in found:
                raise DatasetError(f"two files share their labels: {found[key]} and {path.name}")
            found[key] = path
    return found


def _read_boxes(path: Path, n_classes: int) -> tuple[LabelledBox, ...]:
    boxes = []
    for number, line in enumerate(_lines(path), start=1):
        try:
            boxes.append(_box(line, n_classes))
        except ValueError as error:
            raise DatasetError(
                f"{path}, entry {number}: expected 'class cx cy w h', got {line!r} ({error})"
            ) from None
    return tuple(boxes)


def _box(line: str, n_classes: int) -> LabelledBox:
    """Read one line; the error says what is wrong with it."""
    fields = line.split()
    if len(fields) != 5:
        raise ValueError(f"{len(fields)} fields")
    class_index, (x, y, width, height) = int(fields[0]), (float(each) for each in fields[1:])
    edges = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    if not 0 <= class_index < n_classes:
        raise ValueError(f"there are {n_classes} classes")
    if not all(math.isfinite(each) for each in edges) or width <= 0 or height <= 0:
        raise ValueError("sizes must be positive numbers")
    if min(edges) < -SLACK or max(edges) > 1 + SLACK:
        raise ValueError("the box must lie within 0 … 1")
    left, top, right, bottom = (min(max(each, 0.0), 1.0) for each in edges)
    return LabelledBox(class_index, (left, top, right, bottom))


def _lines(path: Path) -> list[str]:
    try:
        text = read_text(path)
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    except ContentError as error:
        raise DatasetError(str(error)) from error
    return [line for line in text.splitlines() if line.strip()]


def _pixels(low: float, high: float, n_pixels: int) -> tuple[int, int]:
    """Round two edges to pixels, at least one of which is between them."""
    first = min(round(low * n_pixels), n_pixels - 1)
    return first, max(first + 1, round(high * n_pixels))
