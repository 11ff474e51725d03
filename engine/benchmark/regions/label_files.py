"""Label files of the YOLO family: lists of classes, and the boxes of one photograph.

Label tools write the same lines and keep the names of the classes in different files:

- labelImg and Label Studio: ``classes.txt``, a name in each line, beside the labels or above them;
- CVAT's YOLO 1.1 and Darknet: ``obj.names``; Roboflow's Darknet: ``_darknet.labels``;
- Ultralytics, Roboflow and CVAT: ``data.yaml``, whose ``names`` are a list, or numbered.

A line is ``class cx cy w h``, or ``class x1 y1 x2 y2 x3 y3 …`` for an outline, which counts as the
box around it. Where ``data.yaml`` has a ``kpt_shape``, points of a pose follow the box and are
passed over.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine.benchmark.datasets import DatasetError
from features.files import ContentError, read_text

# boxes may reach over the border by rounding, not by more than this share of the photograph
SLACK = 0.01
# a list of classes is a page or a few, the labels of a photograph are rarely more
MAX_LIST_BYTES, MAX_BYTES = 2**18, 2**22

LISTS = "classes.txt, obj.names or data.yaml"
_YAML = (".yaml", ".yml")

# the number of a class, also as exports of tables write it
_WHOLE = re.compile(r"(\d+)\.0*")
_EXPECTED = "'class cx cy w h', or 'class x1 y1 x2 y2 x3 y3 …' for an outline"
_SHOWN_CHARS = 80

Edges = tuple[float, float, float, float]


@dataclass(frozen=True)
class ClassList:
    """The names of classes in the order of their numbers, and the file that has them.

    ``n_pose_fields`` numbers follow each box; None where lines may be outlines.
    """

    path: Path
    names: tuple[str, ...]
    n_pose_fields: int | None = None


@dataclass(frozen=True)
class LabelLine:
    """One thing on a photograph: edges as shares of its width and height, 0 … 1."""

    class_index: int
    edges_xyxy: Edges
    is_outline: bool


def is_class_list(path: Path) -> bool:
    """Tell by its name whether a file may list classes."""
    name = path.name.lower()
    return name in ("classes.txt", "_darknet.labels") or path.suffix.lower() in (".names", *_YAML)


def agreed_classes(paths: Sequence[Path], folder: Path) -> ClassList:
    """Read every list of classes below a folder; they must tell the same.

    Tools that add classes while one labels leave lists that are the beginning of others.

    Raises:
        DatasetError: There is none, one cannot be read, or two number classes differently.
    """
    lists = [found for path in paths if (found := _class_list(path)) is not None]
    if not lists:
        raise DatasetError(f"no list of classes in {folder}: expected {LISTS}")
    longest = max(lists, key=lambda each: len(each.names))
    for each in lists:
        if each.names != longest.names[: len(each.names)]:
            raise DatasetError(
                f"{each.path} and {longest.path} number the classes differently; "
                "keep the one that belongs to the labels"
            )
    poses = {each.n_pose_fields for each in lists} - {None}
    return ClassList(longest.path, longest.names, poses.pop() if poses else None)


def _class_list(path: Path) -> ClassList | None:
    """Read a list of classes; None for a YAML file about something else."""
    if path.suffix.lower() not in _YAML:
        return ClassList(
            path, _checked_names(path, _text(path, MAX_LIST_BYTES).rstrip().splitlines())
        )
    content = _yaml(path)
    if not isinstance(content, dict) or "names" not in content:
        return None
    names = _names_of(path, content["names"])
    n_said = content.get("nc")
    if n_said is not None and n_said != str(len(names)):
        raise DatasetError(f"{path} has {len(names)} names, and another number as nc; mend it")
    return ClassList(path, names, _n_pose_fields(path, content.get("kpt_shape")))


def _yaml(path: Path) -> Any:
    """Read YAML with every scalar as the text that it is: a class may be called ``no`` or ``1``."""
    text = _text(path, MAX_LIST_BYTES)
    try:
        return yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise DatasetError(f"{path} is no YAML ({reason[:200]}); export it again") from error


def _names_of(path: Path, names: Any) -> tuple[str, ...]:
    """Read names given as a list, or as a mapping from their numbers."""
    if isinstance(names, dict):
        numbers = {str(number) for number in range(len(names))}
        if set(names) != numbers:
            raise DatasetError(
                f"{path} must number its names 0 … {len(names) - 1}, "
                f"got {', '.join(map(str, names))[:_SHOWN_CHARS]}; export it again"
            )
        names = [names[str(number)] for number in range(len(names))]
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise DatasetError(f"{path} must have a list of names, or numbered ones; export it again")
    return _checked_names(path, names)


def _checked_names(path: Path, found: Sequence[str]) -> tuple[str, ...]:
    names = tuple(each.strip() for each in found)
    if "" in names:
        raise DatasetError(
            f"{path} has no name for class {names.index('')}, and numbers count names; fill it in"
        )
    if not names or len(set(names)) < len(names):
        raise DatasetError(f"{path} must name at least one class and none twice, got {names}")
    return names


def _n_pose_fields(path: Path, shape: Any) -> int | None:
    if shape is None:
        return None
    try:
        points, numbers = (int(each) for each in shape)
    except (TypeError, ValueError):
        points = numbers = 0
    if points < 1 or numbers not in (2, 3):
        raise DatasetError(f"{path} must have a kpt_shape such as [17, 3]; export it again")
    return points * numbers


# Labels of one photograph


def read_labels(path: Path, classes: ClassList) -> tuple[LabelLine, ...]:
    """Read the labels of one photograph; empty lines say nothing.

    Raises:
        DatasetError: The file cannot be read, or a line is no label.
    """
    found = []
    lines = [line for line in _text(path).splitlines() if line.strip()]
    for number, line in enumerate(lines, start=1):
        try:
            found.append(_label(line, len(classes.names), classes.n_pose_fields))
        except ValueError as error:
            shown = line if len(line) <= _SHOWN_CHARS else line[:_SHOWN_CHARS] + "…"
            raise DatasetError(
                f"{path}, entry {number}: expected {_EXPECTED}, got {shown!r} ({error})"
            ) from None
    return tuple(found)


def _label(line: str, n_classes: int, n_pose_fields: int | None) -> LabelLine:
    """Read one line; the error says what is wrong with it."""
    fields = line.split()
    n_fields = len(fields)
    is_box = n_fields in (5, 5 + (n_pose_fields or 0))
    is_outline = n_pose_fields is None and n_fields >= 7 and n_fields % 2 == 1
    if not is_box and not is_outline:
        raise ValueError(f"{n_fields} fields")
    whole = _WHOLE.fullmatch(fields[0])
    class_index = int(whole[1] if whole else fields[0])
    numbers = [float(each) for each in fields[1:]]
    if not 0 <= class_index < n_classes:
        raise ValueError(f"there are {n_classes} classes")
    if not all(math.isfinite(each) for each in numbers):
        raise ValueError("sizes must be positive numbers")
    return LabelLine(class_index, _edges(numbers, is_outline=is_outline), is_outline)


def _edges(numbers: Sequence[float], *, is_outline: bool) -> Edges:
    if is_outline:
        xs, ys = numbers[::2], numbers[1::2]
        edges = min(xs), min(ys), max(xs), max(ys)
    else:
        x, y, width, height = numbers[:4]
        edges = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    if edges[0] >= edges[2] or edges[1] >= edges[3]:
        raise ValueError("sizes must be positive numbers")
    if min(edges) < -SLACK or max(edges) > 1 + SLACK:
        raise ValueError(f"the {'outline' if is_outline else 'box'} must lie within 0 … 1")
    left, top, right, bottom = (min(max(each, 0.0), 1.0) for each in edges)
    return left, top, right, bottom


def _text(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """Read a text file, also one that begins with a byte order mark."""
    try:
        return read_text(path, max_bytes=max_bytes, expected="text of labels")
    except ContentError as error:
        raise DatasetError(str(error)) from error
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
