"""Schema of a model file: which values and arrays are in it, and how they fit together.

A checksum tells that a file is what was once written, not that it makes sense. What passes here can
be restored and judges any image: types, sizes, ranges and the relations between arrays are looked
at once, when a model is loaded. What a file holds beyond the schema is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from alignment.frame import KINDS
from alignment.pose import LAYOUTS
from engine.class_edits import MAX_TOLERANCE, Count, Ignore, Merge, Remove, Rename, Split
from engine.config import Profile
from engine.fitted_state import ReferenceWarning
from engine.model_file import ModelFileError
from engine.report import Calibration
from engine.scores import SCORES
from features.embedded.backbone import CELL_PX, dim
from features.images import MIN_MULTIPLES
from features.records import record_from

Arrays = Mapping[str, np.ndarray]

# sums and squares of such are finite in single precision
_LARGE = 1e9
# of two images whose sides are the largest that a config allows, and of a narrow one of that area
_MAX_AREA_PX, _MAX_SIDE_PX = 2 * 4096**2, 2**20
_MAX_COUNT = 1_000_000


@dataclass(frozen=True)
class Stored:
    """One kind of array: its type, its shape, and the range of its values.

    ``shape`` names sizes: equal names are equal sizes in the whole file, digits are themselves, and
    ``_`` is any. ``#`` stands for the number in the array's own name. ``below`` names a size that
    the values, which count something, must be less than.
    """

    dtype: str
    shape: str
    low: float = -_LARGE
    high: float = _LARGE
    below: str = ""
    is_some: bool = False
    """A mask of which something must be true."""


def _classes(prefix: str, references: str, classes: str, prototypes: str) -> dict[str, Stored]:
    """What ``alignment.classes`` keeps, as it is now or as it was before all edits."""
    return {
        f"{prefix}classes.is_background": Stored("bool", classes),
        f"{prefix}classes.looks": Stored("float64", f"{prototypes} 5"),
        f"{prefix}classes.counts": Stored("int64", f"{references} {prototypes}", 0, _MAX_COUNT),
        f"{prefix}classes.class_of_prototype": Stored("int64", prototypes, -1, below=classes),
        f"{prefix}classes.tolerance": Stored("int64", classes, -1, MAX_TOLERANCE),
        f"{prefix}classes.painted#.class_id": Stored("int64", "1", 0, below=classes),
        f"{prefix}classes.painted#.turns_deg": Stored("float64", "turns#", -720, 720),
        f"{prefix}classes.painted#.least_likeness": Stored("float64", "1", -1, 1),
        f"{prefix}classes.painted#.looks#": Stored("float32", "_ _ 7", -1e4, 1e4),
        f"{prefix}classes.painted#.inside#": Stored("bool", "_ _", is_some=True),
    }


def _parts(prefix: str, parts: str, classes: str) -> dict[str, Stored]:
    """The parts of one reference with their classes."""
    return {
        f"{prefix}.is_background": Stored("bool", parts),
        f"{prefix}.labels": Stored("int32", "height width", -1, below=parts),
        f"{prefix}.class_of_part": Stored("int64", parts, -1, below=classes),
        f"{prefix}.cost": Stored("float64", parts),
    }


# In this order: a size is known from the first array that has it.
SCHEMA: dict[str, Stored] = {
    **_classes("", "references", "classes", "prototypes"),
    "backbone.center": Stored("float32", "described", -1e4, 1e4),
    "backbone.scale": Stored("float32", "described", 1e-7, 1e6),
    "pose_backbone.center": Stored("float32", "described", -1e4, 1e4),
    "pose_backbone.scale": Stored("float32", "described", 1e-7, 1e6),
    "segmenter.centers": Stored("float32", "materials 4", -1e4, 1e4),
    "segmenter.material_of": Stored("uint8", "materials", below="materials"),
    "palette.words": Stored("float32", "vocabularies words 10", -1e7, 1e7),
    "pose.hub_image": Stored("uint8", "height width 3"),
    "pose.basis": Stored("float32", "described components", -1e3, 1e3),
    "pose.has_pose": Stored("bool", "1"),
    "pose.layout": Stored("uint8", "1", high=len(LAYOUTS) - 1),
    "pose.explained": Stored("float64", "1", 0, 10),
    "novelty.colors": Stored("float32", "colors 3", -1e3, 1e3),
    "novelty.mean": Stored("float32", "7", -1e4, 1e4),
    "novelty.whiten": Stored("float32", "7 7", -1e4, 1e4),
    "novelty.prototypes": Stored("float32", "_ 7", -1e6, 1e6),
    "novelty.normal": Stored("float64", "4 2"),
    "novelty.n_judged": Stored("int64", "1", 1, _MAX_COUNT),
    "reference#.image": Stored("uint8", "height width 3"),
    "reference#.is_valid": Stored("bool", "height width", is_some=True),
    "reference#.tokens": Stored("float32", "rows columns dim", -1e6, 1e6),
    "reference#.cells_valid": Stored("bool", "rows columns", is_some=True),
    **_parts("reference#", "parts#", "classes"),
    "reference#.composition": Stored("float64", "vocabularies words", -1e-6, 1 + 1e-6),
    **{f"frame.{kind}": Stored("float32", "5", 1, 1e8) for kind in KINDS},
    "network.basis": Stored("float32", "_ seen", -1, 1),
    "reference#.view_tokens": Stored("float16", "view_rows view_columns seen", -2, 2),
    "network.light": Stored("float32", "3", -1e3, 1e3),
    "network.is_placed": Stored("bool", "1"),
    "network.closer_basis": Stored("float32", "_ seen_closer", -1, 1),
    "reference#.view_detail": Stored("float16", "detail_rows detail_columns seen_closer", -2, 2),
    "reference#.view_detail_valid": Stored("bool", "detail_rows detail_columns", is_some=True),
    "reference#.view_is_placed": Stored("bool", "1"),
    "frame.places": Stored("float32", "detail_rows detail_columns", 1e-3, 1e8),
    "reference#.view_in_usual_light": Stored("float16", "view_rows view_columns seen", -2, 2),
    "reference#.view_turned": Stored("float16", "_ seen", -2, 2),
    "reference#.view_to_registered": Stored("float64", "2 3"),
    **_classes("unedited.", "references", "unedited_classes", "unedited_prototypes"),
    **_parts("unedited.reference#", "unedited_parts#", "unedited_classes"),
    "unedited.edit#.mask": Stored("bool", "_ _", is_some=True),
}

# a product may have no part, and then no class
_MAY_BE_NONE = re.compile(r"(unedited_)?(parts\d+|classes|prototypes)")


@dataclass(frozen=True)
class _Normaliser:
    """What is normal, as a header says it."""

    weights: dict[str, float]
    emphasis: dict[str, float]
    caps: dict[str, float]
    threshold: float
    threshold_source: str
    calibration: Calibration
    normal_totals: tuple[float, ...] = ()
    power: float = 1.0
    network_readings: dict[str, tuple[float, ...]] | None = None


@dataclass(frozen=True)
class _Edit:
    """One edit of classes, undone or not."""

    number: int
    kind: Literal["rename", "merge", "split", "ignore", "count", "add", "remove"]
    values: dict[str, Any]
    text: str
    author: str
    at: str
    undone_as: int
    undone_by: str


@dataclass(frozen=True)
class _Edits:
    """What was before all edits, and the edits."""

    names: tuple[str, ...]
    normaliser: _Normaliser
    history: tuple[_Edit, ...]


@dataclass(frozen=True)
class _Header:
    """What is no array, but for the normaliser, which stands beside it."""

    profile: Profile
    config: dict[str, Any]
    working_size: tuple[int, int]
    references: tuple[str, ...]
    classes: tuple[str, ...]
    photo_size: tuple[int, int] | None = None
    identity: dict[str, dict[str, str]] | None = None
    class_edits: _Edits | None = None
    warnings: tuple[ReferenceWarning, ...] = ()


@dataclass(frozen=True)
class _Added:
    """``Add``, the mask of which is an array."""

    name: str
    reference: int
    region: tuple[int, int, int, int]


_EDITS: dict[str, type] = {
    "rename": Rename,
    "merge": Merge,
    "split": Split,
    "ignore": Ignore,
    "count": Count,
    "add": _Added,
    "remove": Remove,
}


def check_model(path: object, arrays: Arrays, header: Mapping[str, Any]) -> None:
    """Look at all that was read of a model file, before it is put to use.

    Raises:
        ModelFileError: Something is of another type, size or range than the schema says.
        KeyError: A value of the header is not there, or what a network saw of a reference.
    """
    try:
        known = _checked_header(header)
        sizes = {
            "height": known.working_size[0],
            "width": known.working_size[1],
            "references": len(known.references),
            "classes": len(known.classes),
            "described": dim(),
        }
        if known.profile in ("embedded", "cnn"):
            rows, columns = (side // CELL_PX for side in known.working_size)
            sizes |= {"rows": rows, "columns": columns, "dim": dim()}
        if known.class_edits is not None:
            sizes["unedited_classes"] = len(known.class_edits.names)
        for name, number, stored in _found(arrays):
            _check_array(name, arrays[name], stored, number, sizes)
        _check_relations(arrays, known)
    except (TypeError, ValueError) as error:
        raise ModelFileError(
            f"{path} is no model although its checksum is right: {error}; fit the references again"
        ) from error


def _checked_header(header: Mapping[str, Any]) -> _Header:
    """Return the values; what the schema does not name is not looked at."""
    _check_normaliser(header)
    known: _Header = record_from(_Header, _named(_Header, header))
    photo_size = known.photo_size or known.working_size
    for size in (known.working_size, photo_size):
        is_whole = all(side % CELL_PX == 0 for side in size)
        if not is_whole or min(size) < MIN_MULTIPLES * CELL_PX or max(size) > _MAX_SIDE_PX:
            raise ValueError(
                f"sizes must be multiples of {CELL_PX}, {MIN_MULTIPLES} of them or more, got {size}"
            )
        if size[0] * size[1] > _MAX_AREA_PX:
            raise ValueError(f"sizes must have at most {_MAX_AREA_PX:,} pixels, got {size}")
    if known.profile == "embedded" and photo_size != known.working_size:
        raise ValueError(f"photo_size must be {known.working_size}, got {photo_size}")
    if not known.references:
        raise ValueError("there must be a reference, got none")
    if known.profile != known.config.get("profile", "embedded"):
        raise ValueError(f"profile must be that of the config, got {known.profile!r}")
    for name in ("machine", "normalisation", "comparison"):
        if not isinstance(known.config.get(name, {}), dict):
            raise ValueError(f"config.{name} must be a table")
    if known.class_edits is not None:
        _check_normaliser(header["class_edits"]["normaliser"])
        _check_history(known.class_edits.history)
    return known


def _named(record: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Take what a record has fields for.

    Raises:
        KeyError: One that it cannot do without is not there.
    """
    optional = {"photo_size", "identity", "class_edits", "normal_totals", "power", "warnings"}
    optional |= {"network_readings"}
    return {
        each.name: values[each.name]
        for each in fields(record)
        if each.name in values or each.name not in optional
    }


def _check_normaliser(values: Mapping[str, Any]) -> None:
    known: _Normaliser = record_from(_Normaliser, _named(_Normaliser, values))
    ranges = (("weights", 1e-12), ("emphasis", 0.0), ("caps", 1e-12))
    for name, low in ranges:
        numbers: dict[str, float] = getattr(known, name)
        if any(not low <= each <= _LARGE for each in numbers.values()):
            raise ValueError(f"{name} must lie in {low:g} … {_LARGE:g}, got {numbers}")
    if not any(known.emphasis.get(each.name, 0.0) > 0 for each in SCORES):
        raise ValueError("emphasis must be more than 0 for one score")
    if not 0 < known.power <= 1:
        raise ValueError(f"power must lie in 0 (exclusive) … 1, got {known.power:g}")
    n_normal, scores = len(known.normal_totals), {each.name for each in SCORES}
    for name, seen in (known.network_readings or {}).items():
        is_in_range = all(0 <= each <= _LARGE for each in seen)
        if name not in scores or len(seen) != n_normal or not is_in_range:
            raise ValueError(f"network_readings must be {n_normal} of a score, 0 or more")
    if any(abs(each) > _LARGE for each in (known.threshold, *known.normal_totals)):
        raise ValueError(f"threshold and normal_totals must be at most {_LARGE:g}")


def _check_history(history: tuple[_Edit, ...]) -> None:
    for index, each in enumerate(history):
        if each.number != index + 1 or not 0 <= each.undone_as <= len(history):
            raise ValueError(f"edits must be numbered through, got {each.number} at {index + 1}")
        where = f"class_edits.history[{index}].values"
        record_from(_EDITS[each.kind], each.values, where)
        if each.kind == "add":
            left, top, right, bottom = each.values["region"]
            if not 0 <= left < right <= _MAX_SIDE_PX or not 0 <= top < bottom <= _MAX_SIDE_PX:
                raise ValueError(f"{where}.region must be a box, got {each.values['region']}")


def _found(arrays: Arrays) -> Iterator[tuple[str, str, Stored]]:
    """Give each array that the schema knows, in its order, with the first number in its name."""
    by_kind: dict[str, list[str]] = {}
    for name in arrays:
        by_kind.setdefault(re.sub(r"(?<=[a-z])\d+(?=\.|$)", "#", name), []).append(name)
    for kind, stored in SCHEMA.items():
        for name in sorted(by_kind.get(kind, ())):
            found = re.search(r"(?<=[a-z])\d+(?=\.|$)", name)
            yield name, found[0] if found else "", stored


def _check_array(
    name: str, array: np.ndarray, stored: Stored, number: str, sizes: dict[str, int]
) -> None:
    """Hold one array against its line; sizes seen for the first time are noted."""
    axes = stored.shape.replace("#", number).split()
    is_right = _is_of(array, stored.dtype) and array.ndim == len(axes)
    if is_right:
        for axis, size in zip(axes, array.shape, strict=True):
            expected = int(axis) if axis.isdecimal() else sizes.get(axis, size)
            is_right &= size == expected and (size > 0 or bool(_MAY_BE_NONE.fullmatch(axis)))
            if axis != "_" and not axis.isdecimal():
                sizes.setdefault(axis, size)
    if not is_right:
        known = ", ".join(f"{axis} {sizes[axis]}" for axis in dict.fromkeys(axes) if axis in sizes)
        raise ValueError(
            f"array {name} must be {stored.dtype} of shape ({', '.join(axes)})"
            f"{f' with {known}' if known else ''}, got {array.dtype} of shape {array.shape}"
        )
    if stored.is_some and not array.any():
        raise ValueError(f"array {name} must be true somewhere")
    if array.dtype == bool or not array.size:
        return
    below = stored.below.replace("#", number)
    high = sizes[below] - 1 if below else stored.high
    low = max(stored.low, 0) if array.dtype == np.uint8 else stored.low
    if not low <= array.min() or not array.max() <= high:
        raise ValueError(
            f"array {name} must have values in {low:g} … {high:g}, "
            f"got {array.min():g} … {array.max():g}"
        )


def _is_of(array: np.ndarray, dtype: str) -> bool:
    """Tell whether an array has a type; how wide integers are depends on the machine."""
    return array.dtype.name in (("int32", "int64") if dtype.startswith("int") else (dtype,))


def _check_relations(arrays: Arrays, header: _Header) -> None:
    """Look at what no line of the schema can say."""
    words = arrays.get("palette.words")
    if words is not None and not 1 <= words.shape[0] <= 64:
        raise ValueError(f"array palette.words must have 1 … 64 vocabularies, got {len(words)}")
    for prefix in ("", "unedited."):
        for number in range(len(header.classes)):
            _check_painted(arrays, f"{prefix}classes.painted{number}.")
    if header.profile == "cnn":
        for number in range(len(header.references)):
            if (name := f"reference{number}.view_tokens") not in arrays:
                raise KeyError(name)
    if header.class_edits is None:
        return
    for each in header.class_edits.history:
        if each.kind == "add":
            left, top, right, bottom = each.values["region"]
            name = f"unedited.edit{each.number}.mask"
            if arrays[name].shape != (bottom - top, right - left):
                raise ValueError(f"array {name} must fill its box, got {arrays[name].shape}")


def _check_painted(arrays: Arrays, prefix: str) -> None:
    """Look at the templates of one painted class, if it is there."""
    if f"{prefix}class_id" not in arrays:
        return
    if len(arrays[f"{prefix}turns_deg"]) > 360:
        raise ValueError(f"array {prefix}turns_deg must have at most 360 values")
    n_templates = sum(name.startswith(f"{prefix}looks") for name in arrays)
    if not n_templates:
        raise ValueError(f"{prefix}looks0 is missing")
    strides = set()
    for index in range(n_templates):
        looks, inside = (
            arrays[f"{prefix}looks{index}"].shape,
            arrays[f"{prefix}inside{index}"].shape,
        )
        strides |= {(inside[0] / looks[0]), (inside[1] / looks[1])}
        if max(inside) > 4 * _MAX_SIDE_PX or inside[0] * inside[1] > _MAX_AREA_PX:
            raise ValueError(f"array {prefix}inside{index} is too large: {inside}")
    if strides not in ({2.0}, {4.0}):
        raise ValueError(f"the arrays {prefix}inside must be 2 or 4 times as large as looks")
