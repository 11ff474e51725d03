"""How does an edit that is only tried out outlive a reload of the page? As JSON in the station."""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.atomic import atomic_write
from features.region import Region

if TYPE_CHECKING:
    from engine.editing import Edit

# names come back from addresses, so that nothing else is ever a path
_NAME = re.compile(r"[0-9a-f]{16}")
_KINDS = ("Add", "Count", "Ignore", "Merge", "Remove", "Rename", "Split")


def keep(folder: Path, model: str, edit: Edit) -> str:
    """Write an edit of a model down; returns the name by which it is found again.

    Raises:
        OutputError: The folder cannot be written.
    """
    name = secrets.token_hex(8)
    values = {each.name: getattr(edit, each.name) for each in fields(edit)}
    document = {
        "model": model,
        "kind": type(edit).__name__,
        "values": {key: _packed(value) for key, value in values.items()},
    }
    folder.mkdir(exist_ok=True)
    with atomic_write(_path(folder, name)) as stream:
        stream.write(json.dumps(document).encode())
    return name


def kept(folder: Path, name: str) -> tuple[str, Edit] | None:
    """Read the model and the edit back; None if there is none of this name."""
    from engine import editing

    if not _NAME.fullmatch(name):
        return None
    try:
        document = json.loads(_path(folder, name).read_bytes())
        if document["kind"] not in _KINDS:
            return None
        values = {key: _unpacked(value) for key, value in document["values"].items()}
        return str(document["model"]), getattr(editing, document["kind"])(**values)
    except (OSError, ValueError, KeyError, TypeError, binascii.Error):
        return None


def drop(folder: Path, name: str) -> None:
    """Forget an edit; one that is not there is forgotten already."""
    if _NAME.fullmatch(name):
        _path(folder, name).unlink(missing_ok=True)


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


def _packed(value: Any) -> Any:
    if not isinstance(value, Region):
        return value
    bits = base64.b64encode(np.packbits(value.mask).tobytes()).decode()
    return {"box_xyxy": value.box_xyxy, "bits": bits}


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, dict):
        return value
    left, top, right, bottom = (int(side) for side in value["box_xyxy"])
    bits = np.frombuffer(base64.b64decode(value["bits"], validate=True), np.uint8)
    size = bottom - top, right - left
    mask = np.unpackbits(bits, count=size[0] * size[1]).astype(bool).reshape(size)
    return Region((left, top, right, bottom), mask)
