"""Sidecar beside weights: a JSON record of what their publisher said of them.

``partwise.json`` is written beside weights when they are fetched or imported, and never changed;
later loads compare with it. It travels with the folder when that is copied to another machine.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features import files
from features.config_fields import shown
from features.records import record_from
from features.temporary_files import keep, temporary_file
from features.weights.errors import WeightsError
from features.weights.registry import WeightsFile

NAME = "partwise.json"
SCHEMA = 1


@dataclass(frozen=True)
class Sidecar:
    """Origin and sums of the files in one folder.

    ``made_from`` is the published file from which the one here was converted.
    """

    name: str
    source: str
    commit: str | None
    files: tuple[WeightsFile, ...]
    made_from: WeightsFile | None = None

    def write(self, folder: Path) -> None:
        """Put this into a folder, in place of what is there."""
        made_from = self.made_from and {"name": self.made_from.name, **_facts(self.made_from)}
        content = {
            "schema": SCHEMA,
            "name": self.name,
            "source": self.source,
            "commit": self.commit,
            "files": {file.name: _facts(file) for file in self.files},
            "made_from": made_from,
        }
        write_json(folder / NAME, content)

    def facts(self, file: str) -> WeightsFile | None:
        """Return what is recorded of a file, None for one that is not listed."""
        return next((each for each in self.files if each.name == file), None)


def read_sidecar(folder: Path) -> Sidecar | None:
    """Read what is recorded in a folder, None if nothing is.

    Raises:
        WeightsError: It is damaged, or of a later version.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        values = read_json(path)
        if values["schema"] != SCHEMA:
            got = shown(values["schema"])
            raise WeightsError(f"{path} has schema {got}, expected {SCHEMA}; update partwise")
        content: _Content = record_from(_Content, values)
        made_from = content.made_from
        return Sidecar(
            name=content.name,
            source=content.source,
            commit=content.commit,
            files=tuple(_file(name, facts) for name, facts in content.files.items()),
            made_from=None if made_from is None else _file(made_from.name, made_from),
        )
    except WeightsError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"{path} is damaged ({error}); fetch or import these weights again"
        ) from error


def _facts(file: WeightsFile) -> dict[str, Any]:
    return {"size": file.size, "sha256": file.sha256}


@dataclass(frozen=True)
class _Facts:
    """Size and sum of a file, as JSON has them."""

    size: int
    sha256: str


@dataclass(frozen=True)
class _Origin:
    """The same with the file's name."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class _Content:
    """What ``Sidecar.write`` puts into the file."""

    schema: int
    name: str
    source: str
    commit: str | None
    files: dict[str, _Facts]
    made_from: _Origin | None


def _file(name: str, facts: _Facts | _Origin) -> WeightsFile:
    if Path(name).name != name:
        raise ValueError(f"{name!r} is no plain file name")
    return WeightsFile(name, facts.size, facts.sha256)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ValueError: The file holds something else.
    """
    found = files.read_json(path, max_bytes=files.MAX_TEXT_BYTES)
    if not isinstance(found, dict):
        raise ValueError(f"{path} must hold a JSON object, got {type(found).__name__}")
    return found


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON object whole or not at all."""
    with temporary_file(path.parent) as stream:
        stream.write(json.dumps(content, indent=2).encode())
        keep(stream, path)
