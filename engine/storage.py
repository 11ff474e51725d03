"""Model files: what an inspector has learnt, and the references themselves.

The references are kept as registered pictures, descriptors, and parts with their classes, so that
nothing is computed anew when a station starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from alignment.aligned import AlignedParts
from alignment.classes import PartClasses
from alignment.network_view import NetworkView
from alignment.sample import Sample
from engine.class_edits import (
    Add,
    Base,
    ClassEdit,
    Count,
    Edit,
    EditedClasses,
    Ignore,
    Merge,
    Remove,
    Rename,
    Split,
)
from engine.config import Config, from_dict, to_dict
from engine.fitted_state import FittedState, ReferenceWarning
from engine.model_file import ModelFileError, read_header, read_model, write_model
from engine.normalisation import OF_NETWORK, Normaliser
from engine.novelty import Novelty
from engine.scores import SCORES
from features.dense import DenseMap
from features.errors import UserError
from features.parts import Parts
from features.region import Region

Arrays = dict[str, np.ndarray]
Identity = dict[str, dict[str, str]]

# the objects of an inspector that describe images; each keeps what it has learnt itself
STATES = (
    "backbone",
    "segmenter",
    "palette",
    "classes",
    "pose",
    "pose_backbone",
    "network",
    "frame",
)

_KINDS: dict[str, type[Edit]] = {
    "rename": Rename,
    "merge": Merge,
    "split": Split,
    "ignore": Ignore,
    "count": Count,
    "add": Add,
    "remove": Remove,
}
_TOLD = ("number", "text", "author", "at", "undone_as", "undone_by")


@dataclass(frozen=True)
class StoredModel:
    """A model file, read: the config, what was learnt, and the state of each describing object.

    ``identity`` names the networks that described the references, ``{}`` where it is not known.
    """

    config: Config
    fitted: FittedState
    states: dict[str, Arrays]
    identity: Identity


def write_inspector(path: str | Path, stored: StoredModel) -> None:
    """Write a model file atomically; equal content gives equal bytes.

    Raises:
        ModelFileError: A value cannot be stored.
        OutputError: The file cannot be written.
    """
    fitted, arrays = stored.fitted, Arrays()
    for name, state in stored.states.items():
        arrays |= {f"{name}.{key}": value for key, value in state.items()}
    if fitted.novelty is not None:
        arrays |= {f"novelty.{key}": value for key, value in fitted.novelty.state().items()}
    for index, sample in enumerate(fitted.samples):
        arrays |= {f"reference{index}.{key}": value for key, value in _pack(sample).items()}
    header: dict[str, Any] = {
        "profile": stored.config.profile,
        "config": to_dict(stored.config),
        "working_size": list(fitted.working_size),
        "photo_size": list(fitted.photo_size),
        "identity": stored.identity,
        "references": list(fitted.names),
        "classes": list(fitted.class_names),
        "warnings": [asdict(each) for each in fitted.warnings],
        **_pack_normaliser(fitted.normaliser),
    }
    if fitted.significant_bits is not None:  # so that other models are what they were
        header["significant_bits"] = fitted.significant_bits
    if fitted.edits is not None:
        before, header["class_edits"] = _pack_edits(fitted.edits)
        arrays |= {f"unedited.{key}": value for key, value in before.items()}
    write_model(path, arrays, header)


def read_inspector(
    path: str | Path,
    *,
    profile: str | None = None,
    machine: Mapping[str, str | int] | None = None,
) -> StoredModel:
    """Read a model file; ``machine`` replaces settings of the machine it was fitted on.

    Raises:
        ModelFileError: The file is none of ours, damaged, newer, or of another profile.
    """
    from engine.model_schema import check_model  # whoever fits, or judges, needs none

    arrays, header = read_model(path)
    with complete(path):
        check_model(path, arrays, header)
        if profile is not None and header["profile"] != profile:
            raise ModelFileError(
                f"{path} is a model of profile {header['profile']!r}, expected {profile!r}; "
                f"fit the references again with --profile {profile}, or drop the option"
            )
        values = header["config"]
        values["machine"] = values.get("machine", {}) | dict(machine or {})
        # before there was a choice, scores were added up, and cells compared, as they are
        values["normalisation"] = {"power": 1.0} | values.get("normalisation", {})
        values["comparison"] = {"is_framed": False} | values.get("comparison", {})
        config = from_dict(values, source=str(path))
        states = {name: _select(arrays, name) for name in STATES}
        classes = PartClasses(config.classes).restore(states["classes"])
        fitted = _unpack_fitted(arrays, header, classes)
        return StoredModel(config, fitted, states, header.get("identity", {}))


def read_significant_bits(path: str | Path) -> int | None:
    """Read from a model file how many of 16 bits count in photographs, and nothing else.

    Raises:
        ModelFileError: The file is absent, foreign, damaged or of another schema.
    """
    header = read_header(path)
    with complete(path):
        return _unpack_bits(header)


@contextmanager
def complete(path: str | Path) -> Iterator[None]:
    """Explain what is missing while the content of a model file is put to use.

    Raises:
        ModelFileError: Something was looked for and not there.
    """
    try:
        yield
    except (KeyError, IndexError, TypeError) as error:
        raise ModelFileError(
            f"{path} lacks {error} although its checksum is right; fit the references again"
        ) from error
    except UserError:
        raise
    except (ValueError, AttributeError, ArithmeticError) as error:
        raise ModelFileError(
            f"{path} holds what does not fit together although its checksum is right "
            f"({' '.join(str(error).split())}); fit the references again"
        ) from error


def check_identity(path: str | Path, stored: Identity, here: Identity) -> None:
    """Refuse networks other than those whose descriptors and parts are in the file.

    Raises:
        ModelFileError: The model was fitted with others.
    """
    for part, ours in here.items():
        theirs = stored.get(part, ours)
        # equal weights may lie here under another name
        differing = [key for key in sorted(theirs | ours) if theirs.get(key) != ours.get(key)]
        if differing not in ([], ["name"]):
            expected, got = (
                ", ".join(
                    f"{key} {each.get(key, 'unknown')}"
                    for key in {"name": 0} | dict.fromkeys(differing)
                )
                for each in (theirs, ours)
            )
            raise ModelFileError(
                f"{path} was fitted with another {part}: expected {expected}, got {got}; "
                "fit the references again, or bring the weights it was fitted with"
            )


def _unpack_fitted(arrays: Arrays, header: Mapping[str, Any], classes: PartClasses) -> FittedState:
    names = tuple(header["references"])
    height, width = header.get("photo_size", header["working_size"])
    novelty = _select(arrays, "novelty")  # models of the first release have none
    edits = None
    if "class_edits" in header:
        edits = _unpack_edits(_select(arrays, "unedited"), header["class_edits"])
    return FittedState(
        samples=tuple(
            _unpack(_select(arrays, f"reference{index}"), classes) for index in range(len(names))
        ),
        names=names,
        photo_size=(height, width),
        class_names=tuple(header["classes"]),
        normaliser=_unpack_normaliser(header),
        novelty=Novelty.restore(novelty) if novelty else None,
        edits=edits,
        # models of the first release told of none
        warnings=tuple(
            ReferenceWarning(each["kind"], tuple(each["names"]), each["text"])
            for each in header.get("warnings", ())
        ),
        significant_bits=_unpack_bits(header),
    )


def _unpack_bits(header: Mapping[str, Any]) -> int | None:
    """Take how many of 16 bits count; None in models of the first release.

    Raises:
        TypeError: That is no such number.
    """
    bits: int | None = header.get("significant_bits")
    if bits is not None and (type(bits) is not int or not 8 <= bits <= 16):
        raise TypeError(f"significant_bits of 8 … 16, got {bits!r},")
    return bits


def _pack_normaliser(normaliser: Normaliser) -> dict[str, Any]:
    """Return a normaliser as JSON."""
    return {
        # the keys are those of the first release
        "weights": normaliser.scales,
        "emphasis": normaliser.weights,
        "caps": normaliser.caps,
        "threshold": normaliser.threshold,
        "threshold_source": normaliser.threshold_source,
        "calibration": normaliser.calibration,
        "normal_totals": list(normaliser.normal_totals),
        "power": normaliser.power,
        # so that models of other profiles are what they were
        **({"network_readings": each} if (each := normaliser.network_readings) else {}),
    }


def _unpack_normaliser(header: Mapping[str, Any]) -> Normaliser:
    """Take a normaliser from JSON.

    Raises:
        KeyError: A value is not there.
    """
    scales, weights = header["weights"], header["emphasis"]
    seen = header.get("network_readings") or {}  # in profiles with a network
    return Normaliser(
        # JSON sorts keys; sums depend on the order in their last digit. A score that came after the
        # model has no say in it
        scales={each.name: scales.get(each.name, 1.0) for each in SCORES},
        weights={each.name: weights.get(each.name, 0.0) for each in SCORES},
        caps=header["caps"],
        threshold=float(header["threshold"]),
        threshold_source=header["threshold_source"],
        calibration=header["calibration"],
        # models of the first release did not keep them
        normal_totals=tuple(header.get("normal_totals", ())),
        # until then, scores were added up as they are
        power=float(header.get("power", 1.0)),
        network_readings={name: tuple(seen[name]) for name in OF_NETWORK if name in seen},
    )


def _pack_edits(edited: EditedClasses) -> tuple[Arrays, dict[str, Any]]:
    """Return arrays and JSON of what was before all edits, and of the edits."""
    base = edited.base
    arrays = {f"classes.{key}": value for key, value in base.classes.items()}
    for index, aligned in enumerate(base.aligned):
        arrays |= {f"reference{index}.{key}": each for key, each in _pack_aligned(aligned).items()}
    for each in edited.history:
        if isinstance(each.edit, Add):
            arrays[f"edit{each.number}.mask"] = each.edit.region.mask
    header = {
        "names": list(base.names),
        "normaliser": _pack_normaliser(base.normaliser),
        "history": [_pack_edit(each) for each in edited.history],
    }
    return arrays, header


def _unpack_edits(arrays: Arrays, header: Mapping[str, Any]) -> EditedClasses:
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
            AlignedParts(*_unpack_parts(_select(arrays, f"reference{index}")), is_background)
            for index in range(n_references)
        ),
        _unpack_normaliser(header["normaliser"]),
    )
    return EditedClasses(base, tuple(_unpack_edit(each, arrays) for each in header["history"]))


def _pack_aligned(aligned: AlignedParts) -> Arrays:
    """Return the parts of one reference with their classes."""
    return {
        "labels": aligned.parts.labels.astype(np.int32),
        "is_background": aligned.parts.is_background,
        "class_of_part": aligned.class_of_part.astype(np.int64),
        "cost": aligned.cost.astype(np.float64),
    }


def _unpack_parts(arrays: Mapping[str, np.ndarray]) -> tuple[Parts, np.ndarray, np.ndarray]:
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


def _pack(sample: Sample) -> Arrays:
    return {
        "image": sample.image,
        "is_valid": sample.is_valid,
        "tokens": sample.dense.tokens,
        "cells_valid": sample.dense.is_valid,
        **_pack_aligned(sample.aligned),
        "composition": sample.composition,
        **({} if sample.view is None else sample.view.state()),
    }


def _unpack(arrays: Arrays, classes: PartClasses) -> Sample:
    aligned = classes.aligned_parts(*_unpack_parts(arrays))
    dense = DenseMap(arrays["tokens"], arrays["cells_valid"])
    return Sample(
        arrays["image"],
        arrays["is_valid"],
        dense,
        aligned,
        arrays["composition"],
        NetworkView.of_state(arrays),  # models of other profiles have none
    )
