"""Store of weights on this machine: finding, installing and verifying them.

Looked for, in this order: a folder of that name, or called like the repository, under
``Site.root``; there, too, a single official file; then the cache of the Hugging Face hub, which is
read here without its library, so that loading and listing need none.

What ``locate`` returns has been compared with all that is known of it (sizes, structure, SHA-256 of
the publisher), so that nothing corrupted is loaded. The sum is computed anew whenever the file
system says that the file has changed; ``verify`` computes it always.

New files wait in a folder ``.part`` beside their place until all are there and checked. What says
how they should be goes first: whoever looks meanwhile finds that old files do not match it, and
loads none.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from features.names import real_path
from features.progress import ProgressReporter, silent
from features.weights.checksums import (
    check_file,
    facts_about,
    hash_file,
    remembered_hash,
)
from features.weights.errors import WeightsError
from features.weights.locations import Site
from features.weights.registry import CONFIG, KNOWN, MODEL, Known, find
from features.weights.sidecar import Sidecar, read_sidecar

SUFFIXES = (".safetensors", ".pth", ".pt")

_STAGING = ".part"


def locate(
    name_or_path: str | Path, *, known: Sequence[Known] = KNOWN, site: Site | None = None
) -> Path:
    """Return the weights file, or the folder of config.json and model.safetensors, to be loaded.

    A known name wins over a file of that name in the current folder; write ``./NAME`` for that.

    Raises:
        WeightsError: There is no such name or path, the weights are not here, or are corrupted.
    """
    site = site or Site.from_environment()
    text = str(name_or_path)
    record = next((each for each in known if each.name == text), None)
    if record is None:
        path = _given(text, known)
    else:
        copies = list(copies_of(record, site))
        if not copies:
            raise missing(record, site)
        path = copies[0]
    for file in _files_in(path):
        try:
            check_file(file, facts_about(file, known), _digest_at(site))
        except WeightsError as error:
            cure = f"run `partwise weights get {record.name}`" if record else "copy it again"
            raise WeightsError(f"{error}; {cure}") from error
    return path


def sha256_of(path: str | Path, *, site: Site | None = None) -> str:
    """Return what identifies the weights in a file, or in the model file of a folder.

    That is their SHA-256; of a converted file, that of the published one, so that both count as the
    same weights.

    Raises:
        WeightsError: There is no weights file, or ``partwise.json`` is damaged.
    """
    site = site or Site.from_environment()
    file = model_file(_given(str(path), ()))
    sidecar = read_sidecar(file.parent)
    sha256 = _digest_at(site)(file)
    recorded = sidecar and sidecar.facts(file.name)
    if sidecar and sidecar.made_from and recorded and recorded.sha256 == sha256:
        return sidecar.made_from.sha256 or sha256
    return sha256


def copies_of(known: Known, site: Site) -> Iterator[Path]:
    """Find all complete sets of these weights, the first of which is the one that counts."""
    folders = [site.root / known.name]
    if known.repository is not None:
        folders.append(site.root / known.repository.rpartition("/")[2])
        folders += _snapshots(known.repository, site.hub_cache)
        needed = [file.name for file in known.files if file.is_needed]
        for folder in dict.fromkeys(folders):
            if all((folder / name).is_file() for name in needed):
                yield folder
        return
    official = known.model_file.name
    converted = conversion_in(folders[0], official)
    for file in (converted, folders[0] / official, site.root / official):
        if file and file.is_file():
            yield file


def conversion_in(folder: Path, official: str) -> Path | None:
    """Give the file made from an official one, if ``partwise.json`` vouches for it."""
    with suppress(WeightsError):
        sidecar = read_sidecar(folder)
        if sidecar and sidecar.made_from and sidecar.made_from.name == official:
            return folder / sidecar.files[-1].name
    return None


def _snapshots(repository: str, hub_cache: Path) -> list[Path]:
    """Give the revisions in the hub's cache, the one called main first, then the latest."""
    folder = hub_cache / f"models--{repository.replace('/', '--')}"
    try:
        main = (folder / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        main = ""
    try:
        found = sorted((folder / "snapshots").iterdir(), key=lambda each: -each.stat().st_mtime)
    except OSError:
        return []
    return sorted(found, key=lambda each: each.name != main)


def _files_in(path: Path) -> list[Path]:
    """Give the files that a loader reads, and no others of the folder."""
    if path.is_file():
        return [path]
    return [path / CONFIG, path / MODEL]


def model_file(path: Path) -> Path:
    """Give the file with the tensors."""
    return _files_in(path)[-1]


def _digest_at(site: Site) -> partial[str]:
    """Make the function that hashes files and remembers it."""
    return partial(remembered_hash, memory=site.cache / "hashes.json")


def missing(known: Known, site: Site) -> WeightsError:
    """Make the error that says how weights that are not here get here."""
    return WeightsError(
        f"{known.name} is not on this machine; run `partwise weights get {known.name}` "
        f"({known.size_bytes / 1e6:,.0f} MB); {by_hand(known, site)}"
    )


def by_hand(known: Known, site: Site) -> str:
    """Say how weights get to a machine without a network."""
    files = " and ".join(file.name for file in known.files if file.is_needed)
    gate = ", where its licence must be accepted first," if known.is_gated else ""
    return (
        f"without a network, copy {files} from {site.page(known)}{gate} to "
        f"{site.root / known.name}, or anywhere and run `partwise weights import PLACE`"
    )


def _given(text: str, known: Sequence[Known]) -> Path:
    """Read a path, and tell it from a mistyped name."""
    path = Path(os.path.expanduser(text))  # Path's own raises for users that are not there
    if not path.exists():
        if path.suffix in SUFFIXES or "/" in text or os.sep in text:
            raise WeightsError(f"{path} does not exist; name weights that do, or a known name")
        find(text, known)
    if path.is_file():
        if path.suffix not in SUFFIXES:
            raise WeightsError(f"{path} must be a file of {', '.join(SUFFIXES)}, or a folder")
        return path
    if all(file.is_file() for file in _files_in(path)):
        return path
    if (path / CONFIG).exists():
        raise WeightsError(f"{path} has {CONFIG} but lacks {MODEL}; copy that, too")
    return only_file_in(path)


def only_file_in(path: Path) -> Path:
    """Give a file itself, and of a folder the only weights file in it.

    Raises:
        WeightsError: The folder has none, or several.
    """
    if path.is_file():
        return path
    files = [each for each in sorted(path.iterdir()) if each.suffix in SUFFIXES]
    if len(files) != 1:
        raise WeightsError(
            f"{path} must hold {CONFIG} and {MODEL}, or a single weights file; "
            f"found {len(files)} weights files"
        )
    return files[0]


def staging_in(folder: Path) -> Path:
    """Return the folder to fetch or copy into; what an earlier attempt left there is kept."""
    staging = folder / _STAGING
    staging.mkdir(exist_ok=True)
    return staging


def install(staging: Path, folder: Path, sidecar: Sidecar) -> None:
    """Move the files that ``sidecar`` lists into their place, and remove what they replace."""
    names = [file.name for file in sidecar.files]
    replaced = _listed_in(folder) - set(names)
    sidecar.write(folder)
    for name in sorted(names, key=lambda name: name == MODEL):
        _flush(staging / name)
        (staging / name).replace(folder / name)
    if sidecar.made_from:
        replaced.add(sidecar.made_from.name)
    for name in replaced:
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(staging)


def _listed_in(folder: Path) -> set[str]:
    """Give the files that are there by an earlier installation."""
    with suppress(WeightsError):  # a damaged list is about to be replaced
        sidecar = read_sidecar(folder)
        return {file.name for file in sidecar.files} if sidecar else set()
    return set()


def _flush(path: Path) -> None:
    """Make sure that the bytes are on the disk before the name is."""
    with path.open("r+b") as stream:  # Windows flushes what may be written only
        os.fsync(stream.fileno())


@dataclass(frozen=True)
class Verdict:
    """What was found of one copy.

    ``problem`` is None for a sound copy. ``has_sum`` is false where nobody has said what the sum of
    the tensors should be, so that only their completeness is known. ``moved_to`` says how a
    corrupted file is called now; None with a problem means that it could not be renamed.
    """

    name: str
    path: Path
    problem: str | None
    has_sum: bool
    moved_to: Path | None = None


def verify(
    weights: Known, site: Site, *, known: Sequence[Known] = KNOWN, tell: ProgressReporter = silent
) -> Iterator[Verdict]:
    """Read every copy of these weights anew, whatever is remembered of it.

    A corrupted file is renamed, so that no program takes it for weights.
    """
    for path in list(copies_of(weights, site)):
        try:
            has_sum = facts_about(model_file(path), known).sha256 is not None
        except WeightsError as error:
            yield Verdict(weights.name, path, str(error), has_sum=False)
            continue
        for file in _files_in(path):
            try:
                check_file(file, facts_about(file, known), partial(hash_file, tell=tell))
            except WeightsError as error:
                yield Verdict(weights.name, path, str(error), has_sum, _set_aside(file))
                break
        else:
            yield Verdict(weights.name, path, None, has_sum)


def _set_aside(file: Path) -> Path | None:
    """Rename a file, that behind a link if it is one: its directory entry may be made again."""
    content = real_path(file)
    target = content.with_name(f"{content.name}.corrupted")
    try:
        return content.replace(target)
    except OSError:  # read-only, say; loading refuses the file all the same
        return None
