"""How does an inspector become a model file, and back?

The file holds what was learnt and the references themselves (registered images, descriptors, parts
with their classes), so that nothing is computed anew when a station starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alignment.classes import PartClasses
from alignment.sample import Sample
from engine.config import from_dict, to_dict
from engine.editing.storage import (
    pack_aligned,
    pack_edits,
    pack_normaliser,
    unpack_edits,
    unpack_normaliser,
    unpack_parts,
)
from engine.errors import NotFittedError
from engine.model_file import ModelFileError, read_model, write_model
from engine.novelty import Novelty
from features.dense import DenseMap

if TYPE_CHECKING:
    from engine.inspector import Inspector

Arrays = dict[str, np.ndarray]


def save_inspector(inspector: Inspector, path: str | Path) -> None:
    """Write a fitted inspector atomically; equal inspectors give equal bytes.

    Raises:
        NotFittedError: There is nothing to write; ``fit`` comes first.
    """
    if not hasattr(inspector, "normaliser_"):
        raise NotFittedError("this inspector has no references to save; call fit first")
    arrays: Arrays = {}
    for name, state in _states(inspector).items():
        arrays |= {f"{name}.{key}": value for key, value in state.items()}
    arrays |= {f"novelty.{key}": value for key, value in inspector.novelty.state().items()}
    for index, sample in enumerate(inspector.samples_):
        arrays |= {f"reference{index}.{key}": value for key, value in _pack(sample).items()}
    header: dict[str, Any] = {
        "profile": inspector.config.profile,
        "config": to_dict(inspector.config),
        "working_size": list(inspector.working_size_),
        "photo_size": list(inspector.photo_size_),
        "identity": _identity(inspector),
        "references": inspector.names_,
        "classes": inspector.class_names_,
        **pack_normaliser(inspector.normaliser_),
    }
    if inspector.edited_ is not None:
        before, header["class_edits"] = pack_edits(inspector.edited_)
        arrays |= {f"unedited.{key}": value for key, value in before.items()}
    write_model(path, arrays, header)


def load_inspector(
    path: str | Path,
    *,
    profile: str | None = None,
    machine: Mapping[str, str | int] | None = None,
    is_to_judge: bool = True,
) -> Inspector:
    """Read an inspector; ``machine`` replaces settings of the machine it was fitted on.

    One that is not to judge may lack its networks.

    Raises:
        ModelFileError: The file is none of ours, damaged, newer, of another profile, or was fitted
            with other networks than those that are here.
    """
    from engine.inspector import Inspector

    arrays, header = read_model(path)
    try:
        if profile is not None and header["profile"] != profile:
            raise ModelFileError(
                f"{path} is a model of profile {header['profile']!r}, expected {profile!r}; "
                f"fit the references again with --profile {profile}, or drop the option"
            )
        values = header["config"]
        values["machine"] = values.get("machine", {}) | dict(machine or {})
        inspector = Inspector(from_dict(values, source=str(path)))
        if is_to_judge:
            _check_identity(path, header.get("identity", {}), inspector)
        for name, part in _parts(inspector).items():
            part.restore(_select(arrays, name))
        inspector.working_size_ = (header["working_size"][0], header["working_size"][1])
        inspector.photo_size_ = tuple(header.get("photo_size", header["working_size"]))
        inspector.names_ = list(header["references"])
        inspector.class_names_ = list(header["classes"])
        inspector.samples_ = [
            _unpack(_select(arrays, f"reference{index}"), inspector.classes)
            for index in range(len(inspector.names_))
        ]
        novelty = _select(arrays, "novelty")  # models of the first release have none
        inspector.novelty_ = Novelty.restore(novelty) if novelty else None
        inspector.normaliser_ = unpack_normaliser(header)
        inspector.edited_ = None
        if "class_edits" in header:
            inspector.edited_ = unpack_edits(_select(arrays, "unedited"), header["class_edits"])
    except (KeyError, IndexError, TypeError) as error:
        raise ModelFileError(
            f"{path} lacks {error} although its checksum is right; fit the references again"
        ) from error
    return inspector


def _parts(inspector: Inspector) -> dict[str, Any]:
    parts = {
        "backbone": inspector.backbone,
        "segmenter": inspector.segmenter,
        "palette": inspector.visual_words,  # what model files call it
        "classes": inspector.classes,
        "pose": inspector.pose,
    }
    if inspector.pose.backbone is not inspector.backbone:
        # before the pose, which describes with it when restored
        parts = {"pose_backbone": inspector.pose.backbone} | parts
    return parts


def _identity(inspector: Inspector) -> dict[str, dict[str, str]]:
    """Name the networks whose outcome is in the file."""
    return {
        "backbone": inspector.backbone.identity(),
        "segmenter": inspector.segmenter.identity(),
    }


def _states(inspector: Inspector) -> dict[str, Arrays]:
    return {name: part.state() for name, part in _parts(inspector).items()}


def _check_identity(
    path: str | Path, fitted: dict[str, dict[str, str]], inspector: Inspector
) -> None:
    """Refuse networks other than those whose descriptors and parts are in the file."""
    for part, here in _identity(inspector).items():
        there = fitted.get(part, here)
        # equal weights may lie here under another name
        differing = [key for key in sorted(there | here) if there.get(key) != here.get(key)]
        if differing not in ([], ["name"]):
            expected, got = (
                ", ".join(
                    f"{key} {each.get(key, 'unknown')}"
                    for key in {"name": 0} | dict.fromkeys(differing)
                )
                for each in (there, here)
            )
            raise ModelFileError(
                f"{path} was fitted with another {part}: expected {expected}, got {got}; "
                "fit the references again, or bring the weights it was fitted with"
            )


def _select(arrays: Arrays, name: str) -> Arrays:
    prefix = f"{name}."
    return {key.removeprefix(prefix): a for key, a in arrays.items() if key.startswith(prefix)}


def _pack(sample: Sample) -> Arrays:
    return {
        "image": sample.image,
        "is_valid": sample.is_valid,
        "tokens": sample.dense.tokens,
        "cells_valid": sample.dense.is_valid,
        **pack_aligned(sample.aligned),
        "composition": sample.composition,
    }


def _unpack(arrays: Arrays, classes: PartClasses) -> Sample:
    aligned = classes.aligned_parts(*unpack_parts(arrays))
    dense = DenseMap(arrays["tokens"], arrays["cells_valid"])
    return Sample(arrays["image"], arrays["is_valid"], dense, aligned, arrays["composition"])
