"""Kinds of defect of a data set in the layout of MVTec LOCO: ``defects_config.json``.

A list of objects, one for each kind: its name, the value of its pixels in masks, and the area
beyond which finding more of a region earns no more. Everything is checked and nothing converted: a
list that says something else than it seems to would give wrong figures without a word.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import UserError
from features.files import ContentError, read_json

MAX_BYTES = 2**20
MAX_VALUE = 2**16 - 1


class DatasetError(UserError, ValueError):
    """A folder that is no data set, or one that lacks what was asked of it."""


@dataclass(frozen=True)
class Defect:
    """One kind of defect, as ``defects_config.json`` describes it.

    ``saturation_threshold`` is the area beyond which finding more of the region earns no more
    (sPRO); a share of the region if ``is_relative``, in pixels otherwise.
    """

    name: str
    pixel_value: int
    saturation_threshold: float
    is_relative: bool


def read_defects(path: Path) -> tuple[Defect, ...]:
    """Read the list of defects; none where there is no file.

    Raises:
        DatasetError: In one line, if it cannot be read or anything in it is not as it must be.
    """
    if not path.is_file():
        return ()
    try:
        entries = _json(path)
        if not isinstance(entries, list):
            raise ValueError(f"expected a list, got {_shown(entries)}")
        defects = tuple(_defect(entry, number) for number, entry in enumerate(entries, start=1))
        values = [each.pixel_value for each in defects]
        if double := [value for value in values if values.count(value) > 1]:
            raise ValueError(f"pixel_value {double[0]} stands for two defects, expected one")
    except ContentError as error:
        raise DatasetError(str(error)) from error
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DatasetError(f"{path} is no list of defects: {reason}; mend the file") from error
    return defects


def _json(path: Path) -> Any:
    """Read JSON in which no object has a key twice."""
    return read_json(path, max_bytes=MAX_BYTES, make_object=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{_shown(double)} is given twice in one object, expected once")
    return found


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _is_pixel_value(value: Any) -> bool:
    return type(value) is int and 0 < value <= MAX_VALUE


def _is_area(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value < math.inf


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "defect_name": (_is_name, "a text"),
    "pixel_value": (_is_pixel_value, f"a whole number of 1 … {MAX_VALUE}"),
    "saturation_threshold": (_is_area, "a number above 0"),
    "relative_saturation": (_is_flag, "true or false"),
}


def _defect(entry: Any, number: int) -> Defect:
    if not isinstance(entry, dict):
        raise ValueError(f"entry {number} must be an object, got {_shown(entry)}")
    for name, (is_right, expected) in _FIELDS.items():
        if name not in entry:
            raise ValueError(f"entry {number} lacks {name}, expected {expected}")
        if not is_right(entry[name]):
            raise ValueError(
                f"{name} of entry {number} must be {expected}, got {_shown(entry[name])}"
            )
    threshold, is_relative = entry["saturation_threshold"], entry["relative_saturation"]
    if is_relative and threshold > 1:
        raise ValueError(
            f"saturation_threshold of entry {number} must be at most 1, a share of the region, "
            f"got {_shown(threshold)}"
        )
    return Defect(entry["defect_name"], entry["pixel_value"], float(threshold), is_relative)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:60] + "…"
