"""Import of weights copied by hand: recognition, checked copy, conversion to safetensors.

A safetensors file cannot hold anything but tensors; PyTorch's files are read without running what
is in them.
"""

from __future__ import annotations

import pickle
import shutil
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.device import need
from features.files import MAX_WEIGHTS_BYTES, check_regular
from features.progress import ProgressReporter, silent
from features.weights.checksums import check_file, facts_about, hash_file
from features.weights.errors import WeightsError
from features.weights.locations import FreeBytes, Site, free_bytes, lock_folder, room_for
from features.weights.registry import CONFIG, KNOWN, Known, Mark, WeightsFile, find
from features.weights.sidecar import Sidecar, read_json, read_sidecar
from features.weights.store import conversion_in, install, locate, only_file_in, staging_in

if TYPE_CHECKING:
    import torch


def import_weights(
    path: Path,
    site: Site,
    *,
    name: str | None = None,
    known: Sequence[Known] = KNOWN,
    is_converted: bool = False,
    tell: ProgressReporter = silent,
    free: FreeBytes = free_bytes,
) -> tuple[Known, Path]:
    """Copy a file or folder to where its name is looked for; returns name and new place.

    Raises:
        WeightsError: It is none of the known weights, is corrupted, or does not fit on the disk.
        MachineError: PyTorch, needed to convert, is not installed.
    """
    weights = recognise(path, known, name=name, tell=tell)
    if is_converted:
        check_can_convert([weights])
    sources = _sources(path, weights)
    folder = site.root / weights.name
    first = next(iter(sources.values()))
    if folder.exists() and first.parent.samefile(folder):
        return weights, locate(weights.name, known=known, site=site)
    files = [_checked(source, name, known, tell) for name, source in sources.items()]
    origin = read_sidecar(first.parent)
    sidecar = Sidecar(
        weights.name,
        origin.source if origin else f"imported from {path.absolute()}",
        origin.commit if origin else None,
        tuple(files),
        origin.made_from if origin else None,
    )
    with lock_folder(folder, tell):
        staging = staging_in(folder)
        for file in files:
            _copy(sources[file.name], staging / file.name, file, tell, free)
        model = staging / files[-1].name
        if is_converted and needs_conversion(model):
            sidecar = convert(model, staging, sidecar, free=free)
        install(staging, folder, sidecar)
    return weights, locate(weights.name, known=known, site=site)


def _sources(path: Path, weights: Known) -> dict[str, Path]:
    """Find the files to copy by their official names, the one with the tensors last."""
    official = weights.model_file.name
    if weights.repository is None:
        converted = conversion_in(path, official)
        if converted:
            return {converted.name: converted}
        return {official: only_file_in(path)}
    found = {file.name: path / file.name for file in weights.files}
    lacking = [file.name for file in weights.files if not found[file.name].is_file()]
    needed = [file.name for file in weights.files if file.is_needed and file.name in lacking]
    if needed:
        raise WeightsError(f"{path} lacks {' and '.join(needed)}, which {weights.name} needs")
    return {name: source for name, source in found.items() if name not in lacking}


def _checked(
    source: Path, name: str, known: Sequence[Known], tell: ProgressReporter
) -> WeightsFile:
    """Compare a file with what is known of it, and say what it is."""
    sha256 = hash_file(source, tell)
    check_file(source, facts_about(source, known), lambda _: sha256)
    return WeightsFile(name, source.stat().st_size, sha256)


def _copy(
    source: Path, target: Path, file: WeightsFile, tell: ProgressReporter, free: FreeBytes
) -> None:
    with room_for(file.size or 0, target.parent, free):
        shutil.copyfile(source, target)
    if hash_file(target, tell) != file.sha256:
        target.unlink()
        raise WeightsError(f"{source} changed while it was copied, or the disk fails; try again")


def recognise(
    path: Path, known: Sequence[Known], *, name: str | None = None, tell: ProgressReporter = silent
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


def _in_folder(folder: Path, known: Sequence[Known], tell: ProgressReporter) -> list[Known]:
    """Give all that the files of a folder may be."""
    sidecar = read_sidecar(folder)
    if sidecar is not None:
        return [each for each in known if each.name == sidecar.name]
    if (folder / CONFIG).is_file():
        return _by_config(folder, known)
    return _in_file(only_file_in(folder), known, tell)


def _in_file(file: Path, known: Sequence[Known], tell: ProgressReporter) -> list[Known]:
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


def needs_conversion(path: Path) -> bool:
    """Whether a file is one of PyTorch."""
    return path.suffix in (".pth", ".pt")


def check_can_convert(known: Sequence[Known]) -> None:
    """Find out before long work that there is no library to convert with.

    Raises:
        MachineError: It is not installed.
    """
    if any(needs_conversion(Path(each.model_file.name)) for each in known):
        need("torch", "conversion to safetensors")


def convert(
    source: Path, folder: Path, sidecar: Sidecar, *, free: FreeBytes = free_bytes
) -> Sidecar:
    """Write the tensors of ``source`` into a safetensors file of the same name in ``folder``.

    Names, types and values stay as they are. Returns the sidecar of the new file.

    Raises:
        WeightsError: The file holds something else than named tensors, or the disk is full.
        MachineError: PyTorch is not installed.
    """
    tensors = _read_tensors(source)
    published = sidecar.facts(source.name) or WeightsFile(
        source.name, source.stat().st_size, hash_file(source)
    )
    target = folder / f"{source.stem}.safetensors"
    metadata = {"format": "pt", "source": source.name, "source_sha256": str(published.sha256)}
    with room_for(source.stat().st_size, folder, free):
        need("safetensors.torch", "conversion").save_file(tensors, target, metadata)
    made = WeightsFile(target.name, target.stat().st_size, hash_file(target))
    return Sidecar(sidecar.name, sidecar.source, sidecar.commit, (made,), published)


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict; nothing that would run code is unpickled."""
    torch = need("torch", "conversion to safetensors")
    try:
        with warnings.catch_warnings():  # of old formats
            warnings.simplefilter("ignore")
            # mapped into memory where the format allows, so that gigabytes are not held twice
            check_regular(path, max_bytes=MAX_WEIGHTS_BYTES)
            is_mapped = zipfile.is_zipfile(path)
            found = torch.load(path, map_location="cpu", weights_only=True, mmap=is_mapped)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise WeightsError(
            f"{path} is no plain state dict, it is not unpickled and not converted ({reason})"
        ) from error
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in found.items()
    ):
        raise WeightsError(f"{path} is no plain state dict: it must hold named tensors only")
    return _without_shared_memory(found)


def _without_shared_memory(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Give each tensor memory of its own, which safetensors asks for."""
    taken: set[int] = set()
    result = {}
    for name, tensor in tensors.items():
        packed = tensor.contiguous()
        memory = packed.untyped_storage().data_ptr()
        result[name] = packed.clone() if memory in taken else packed
        taken.add(memory)
    return result
