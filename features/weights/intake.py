"""How do weights that were copied by hand become known ones?"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from features.weights.check import check_file, facts_about
from features.weights.convert import check_can_convert, convert, needs_conversion
from features.weights.errors import WeightsError
from features.weights.hashes import Tell, hash_file, silent
from features.weights.recognise import recognise
from features.weights.registry import KNOWN, Known, WeightsFile
from features.weights.room import FreeBytes, alone_in, free_bytes, room_for
from features.weights.sidecar import Sidecar, read_sidecar
from features.weights.site import Site
from features.weights.staging import install, staging_in
from features.weights.store import conversion_in, locate, only_file_in


def take_in(
    path: Path,
    site: Site,
    *,
    name: str | None = None,
    known: Sequence[Known] = KNOWN,
    is_converted: bool = False,
    tell: Tell = silent,
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
    with alone_in(folder, tell):
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


def _checked(source: Path, name: str, known: Sequence[Known], tell: Tell) -> WeightsFile:
    """Compare a file with what is known of it, and say what it is."""
    sha256 = hash_file(source, tell)
    check_file(source, facts_about(source, known), lambda _: sha256)
    return WeightsFile(name, source.stat().st_size, sha256)


def _copy(source: Path, target: Path, file: WeightsFile, tell: Tell, free: FreeBytes) -> None:
    with room_for(file.size or 0, target.parent, free):
        shutil.copyfile(source, target)
    if hash_file(target, tell) != file.sha256:
        target.unlink()
        raise WeightsError(f"{source} changed while it was copied, or the disk fails; try again")
