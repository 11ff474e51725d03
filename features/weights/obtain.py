"""How do weights get from their publisher to this machine?"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from features.weights.check import facts_about
from features.weights.convert import check_can_convert, convert, needs_conversion
from features.weights.download import fetch
from features.weights.errors import WeightsError
from features.weights.hashes import Tell, hash_file, silent
from features.weights.patience import Patience, UnreachableError
from features.weights.registry import KNOWN, Known, WeightsFile
from features.weights.remote import RefusalError, Remote, ask
from features.weights.room import FreeBytes, alone_in, free_bytes
from features.weights.sidecar import Sidecar, read_sidecar
from features.weights.site import Site
from features.weights.staging import install, staging_in
from features.weights.store import by_hand, locate


def obtain(
    weights: Known,
    site: Site,
    *,
    known: Sequence[Known] = KNOWN,
    is_converted: bool = False,
    is_forced: bool = False,
    patience: Patience | None = None,
    tell: Tell = silent,
    free: FreeBytes = free_bytes,
) -> Path:
    """Fetch weights that are not here, or not sound, and return what ``locate`` does.

    ``is_converted`` asks for safetensors instead of a PyTorch file, ``is_forced`` for fetching
    again what is here. May be called again after any failure, and by several processes at once.

    Raises:
        WeightsError: The weights cannot be fetched, are wrong, or do not fit on the disk.
        MachineError: PyTorch, needed to convert, is not installed.
    """
    if is_converted:
        check_can_convert([weights])
    folder = site.root / weights.name
    if not is_forced and _is_done(_sound(weights, known, site), is_converted):
        return locate(weights.name, known=known, site=site)
    with alone_in(folder, tell):
        here = None if is_forced else _sound(weights, known, site)
        if _is_done(here, is_converted):  # another process was quicker
            return locate(weights.name, known=known, site=site)
        staging = staging_in(folder)
        if here is None:
            sidecar = _fetch_all(weights, site, staging, patience or Patience(), tell, free)
            source = staging / sidecar.files[-1].name
        else:
            sidecar, source = _described(weights, here, known, site), here
        if is_converted and needs_conversion(source):
            sidecar = convert(source, staging, sidecar, free=free)
        install(staging, folder, sidecar)
    return locate(weights.name, known=known, site=site)


def _sound(weights: Known, known: Sequence[Known], site: Site) -> Path | None:
    """Return a copy that may be loaded."""
    with suppress(WeightsError):
        return locate(weights.name, known=known, site=site)
    return None


def _is_done(here: Path | None, is_converted: bool) -> bool:
    return here is not None and not (is_converted and needs_conversion(here))


def _described(weights: Known, here: Path, known: Sequence[Known], site: Site) -> Sidecar:
    """Say of a file that lies here what would be said had it been fetched."""
    facts = facts_about(here, known)
    file = WeightsFile(here.name, here.stat().st_size, facts.sha256 or hash_file(here))
    return read_sidecar(here.parent) or Sidecar(weights.name, site.page(weights), None, (file,))


def _fetch_all(
    weights: Known, site: Site, staging: Path, patience: Patience, tell: Tell, free: FreeBytes
) -> Sidecar:
    """Bring all files of one revision into ``staging``."""
    if site.is_offline:
        raise WeightsError(
            f"HF_HUB_OFFLINE is set, so {weights.name} is not fetched; {by_hand(weights, site)}"
        )
    commit, files = None, []
    for file in weights.files:
        try:
            remote = _ask(weights, file, site, commit, patience)
            commit = commit or remote.commit
            place = staging / file.name
            files.append(fetch(remote, place, patience=patience, tell=tell, free=free))
        except RefusalError as error:
            if error.status != 404 or file.is_needed:
                raise _refused(weights, site, error) from error
        except UnreachableError as error:
            raise WeightsError(f"{error}; {by_hand(weights, site)}") from error
    return Sidecar(weights.name, site.page(weights), commit, tuple(files))


def _ask(
    weights: Known, file: WeightsFile, site: Site, commit: str | None, patience: Patience
) -> Remote:
    """Ask for a file, of the revision that the files before it had."""
    token = site.token if weights.repository is not None else None
    url = site.url(weights, file.name, commit or "main")
    remote = ask(url, file.name, token=token, patience=patience)
    said = remote.file
    for what, expected, got in (
        ("size", file.size, said.size),
        ("SHA-256", file.sha256, said.sha256),
    ):
        if None not in (expected, got) and expected != got:
            raise WeightsError(
                f"{url} is a wrong file, and not fetched: expected {what} {expected}, got {got}; "
                "look for a proxy or mirror that alters it"
            )
    merged = replace(file, size=file.size or said.size, sha256=file.sha256 or said.sha256)
    return replace(remote, file=merged)


def _refused(weights: Known, site: Site, error: RefusalError) -> WeightsError:
    """Say what can be done about the answer of a server."""
    cure = "try again later"
    if error.status == 404:
        cure = "it is not there: it has moved, or the mirror, if one is set, lacks it"
    elif error.status in (401, 403) and weights.is_gated:
        cure = (
            f"sign in at {site.page(weights)}, accept the licence, and set HF_TOKEN to a token of "
            "that account"
        )
    elif error.status in (401, 403):
        cure = "the repository may have moved, or need a token in HF_TOKEN"
    if site.token and error.status in (401, 403):
        cure += " (the present one is not accepted)"
    return WeightsError(f"{error}; {cure}; {by_hand(weights, site)}")
