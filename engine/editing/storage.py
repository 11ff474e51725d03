"""How do edits of classes become arrays and JSON in the model file, and back?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from alignment.aligned import AlignedParts
from engine.editing.edits import Add, Count, Edit, Ignore, Merge, Remove, Rename, Split
from engine.editing.history import Base, ClassEdit, EditedClasses
from engine.normalisation import Normaliser
from engine.scores import SCORES
from features.parts import Parts
from features.region import Region

Arrays = dict[str, np.ndarray]

_KINDS: dict[str, type[Edit]] = {
    "rename": Rename,
    "merge": Merge,
    "split": Split,
    "ignore": Ignore,
    "count": Count,
    "add": Add,
    "remove": Remove,
}


def pack_normaliser(normaliser: Normaliser) -> dict[str, Any]:
    """Return a normaliser as JSON."""
    return {
        "weights": normaliser.weights,
        "emphasis": normaliser.emphasis,
        "caps": normaliser.caps,
        "threshold": normaliser.threshold,
        "threshold_source": normaliser.threshold_source,
        "calibration": normaliser.calibration,
        "normal_totals": list(normaliser.normal_totals),
    }


def unpack_normaliser(header: Mapping[str, Any]) -> Normaliser:
    """Take a normaliser from JSON.

    Raises:
        KeyError: A value is not there.
    """
    return Normaliser(
        # JSON sorts keys; sums depend on the order in their last digit
        weights={name: header["weights"][name] for name, _ in SCORES},
        emphasis={name: header["emphasis"][name] for name, _ in SCORES},
        caps=header["caps"],
        threshold=float(header["threshold"]),
        threshold_source=header["threshold_source"],
        calibration=header["calibration"],
        # models of the first release did not keep them
        normal_totals=tuple(header.get("normal_totals", ())),
    )


def pack_edits(edited: EditedClasses) -> tuple[Arrays, dict[str, Any]]:
    """Return arrays and JSON of what was before all edits, and of the edits."""
    base = edited.base
    arrays = {f"classes.{key}": value for key, value in base.classes.items()}
    for index, aligned in enumerate(base.aligned):
        arrays |= {f"reference{index}.{key}": each for key, each in pack_aligned(aligned).items()}
    for each in edited.history:
        if isinstance(each.edit, Add):
            arrays[f"edit{each.number}.mask"] = each.edit.region.mask
    header = {
        "names": list(base.names),
        "normaliser": pack_normaliser(base.normaliser),
        "history": [_pack_edit(each) for each in edited.history],
    }
    return arrays, header


def unpack_edits(arrays: Arrays, header: Mapping[str, Any]) -> EditedClasses:
    """Take base and edits from arrays and JSON.

    Raises:
        KeyError: A value is not there.
    """
    classes = _select(arrays, "classes")
    is_background = classes["is_background"]
    n_references = len({key.partition(".")[0] for key in arrays if key.startswith("reference")})
    base = Base(
        classes,
        tuple(header["names"]),
        tuple(
            AlignedParts(*unpack_parts(_select(arrays, f"reference{index}")), is_background)
            for index in range(n_references)
        ),
        unpack_normaliser(header["normaliser"]),
    )
    return EditedClasses(base, tuple(_unpack_edit(each, arrays) for each in header["history"]))


def pack_aligned(aligned: AlignedParts) -> Arrays:
    """Return the parts of one reference with their classes."""
    return {
        "labels": aligned.parts.labels.astype(np.int32),
        "is_background": aligned.parts.is_background,
        "class_of_part": aligned.class_of_part.astype(np.int64),
        "cost": aligned.cost.astype(np.float64),
    }


def unpack_parts(arrays: Mapping[str, np.ndarray]) -> tuple[Parts, np.ndarray, np.ndarray]:
    """Take the parts of one reference, the class of each, and its cost."""
    parts = Parts(arrays["labels"], arrays["is_background"])
    return parts, arrays["class_of_part"], arrays["cost"]


def _pack_edit(each: ClassEdit) -> dict[str, Any]:
    kind = next(name for name, type_ in _KINDS.items() if isinstance(each.edit, type_))
    values = {field.name: getattr(each.edit, field.name) for field in fields(each.edit)}
    if isinstance(each.edit, Add):
        values["region"] = list(each.edit.region.box_xyxy)
    told = {key: getattr(each, key) for key in _TOLD}
    return told | {"kind": kind, "values": values}


_TOLD = ("number", "text", "author", "at", "undone_as", "undone_by")


def _unpack_edit(packed: Mapping[str, Any], arrays: Arrays) -> ClassEdit:
    values = dict(packed["values"])
    if packed["kind"] == "add":
        left, top, right, bottom = values["region"]
        mask = arrays[f"edit{packed['number']}.mask"]
        values["region"] = Region((left, top, right, bottom), mask)
    if packed["kind"] == "merge":
        values["class_ids"] = tuple(values["class_ids"])
    edit = _KINDS[packed["kind"]](**values)
    return ClassEdit(edit=edit, **{key: packed[key] for key in _TOLD})


def _select(arrays: Arrays, name: str) -> Arrays:
    prefix = f"{name}."
    return {key.removeprefix(prefix): a for key, a in arrays.items() if key.startswith(prefix)}
