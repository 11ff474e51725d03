"""Which known weights are these files?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from features.weights.errors import WeightsError
from features.weights.hashes import Tell, hash_file, silent
from features.weights.json_files import read_json
from features.weights.registry import CONFIG, Known, Mark, find
from features.weights.sidecar import read_sidecar
from features.weights.store import only_file_in


def recognise(
    path: Path, known: Sequence[Known], *, name: str | None = None, tell: Tell = silent
) -> Known:
    """Tell the weights in a file or folder: by ``partwise.json``, file name, sum or config.json.

    ``name`` decides where these leave a choice, and is refused where they contradict it.

    Raises:
        WeightsError: They are none of the known ones, or could be several of them.
    """
    if name is not None:
        find(name, known)  # a mistyped name is the first thing to be said
    if not path.exists():
        raise WeightsError(f"{path} does not exist; check the path")
    found = _in_folder(path, known, tell) if path.is_dir() else _in_file(path, known, tell)
    if name is not None:
        chosen = [each for each in found if each.name == name]
        if not chosen:
            raise WeightsError(
                f"{path} is not {name}, but {_names(found) if found else 'something else'}"
            )
        return chosen[0]
    if not found:
        raise WeightsError(
            f"{path} is none of the known weights (`partwise weights list` shows them); weights of "
            "your own need no import, name their path in the config"
        )
    if len(found) > 1:
        raise WeightsError(f"{path} may be {_names(found)}; say which with --name")
    return found[0]


def _in_folder(folder: Path, known: Sequence[Known], tell: Tell) -> list[Known]:
    """Give all that the files of a folder may be."""
    sidecar = read_sidecar(folder)
    if sidecar is not None:
        return [each for each in known if each.name == sidecar.name]
    if (folder / CONFIG).is_file():
        return _by_config(folder, known)
    return _in_file(only_file_in(folder), known, tell)


def _in_file(file: Path, known: Sequence[Known], tell: Tell) -> list[Known]:
    single = [each for each in known if each.repository is None]
    named = [each for each in single if each.model_file.name == file.name]
    if named:
        return named
    sha256 = hash_file(file, tell)
    return [each for each in single if each.model_file.sha256 == sha256]


def _by_config(folder: Path, known: Sequence[Known]) -> list[Known]:
    try:
        config = read_json(folder / CONFIG)
    except ValueError as error:
        raise WeightsError(f"{folder / CONFIG} is corrupted: {error}") from error
    found = [
        each for each in known if each.marks and all(_has_mark(config, mark) for mark in each.marks)
    ]
    called = [each for each in found if _names_of(each) & set(folder.absolute().parts)]
    return called or found


def _has_mark(config: dict[str, Any], mark: Mark) -> bool:
    """Whether the config has one of the values; a tuple stands for a JSON list."""
    key, values = mark
    found: Any = config
    for step in key.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return (tuple(found) if isinstance(found, list) else found) in values


def _names_of(weights: Known) -> set[str]:
    """Give the names of folders that these weights are usually kept in."""
    repository = weights.repository or ""
    return {
        weights.name,
        repository.rpartition("/")[2],
        f"models--{repository.replace('/', '--')}",
    }


def _names(found: Sequence[Known]) -> str:
    return " or ".join(each.name for each in found)
