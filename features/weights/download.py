"""Download of known weights from the Hugging Face hub and from plain web servers.

``pooch`` brings each file to its name: it leaves alone what is here already, compares the SHA-256
before the file takes its name, and deletes a wrong one.

Ours is going on after a cut, a crash or Ctrl-C, for which pooch is given a downloader: its own asks
for whole files only, and that of ``huggingface_hub`` deletes what has arrived when it is
interrupted. Bytes go to ``NAME.part``, and only the rest is asked for, provided the server still
has the same file: ``NAME.part.json`` holds the tag by which it is asked to make sure
(``If-Range``), and the sum that was published.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from features.device import need
from features.progress import ProgressReporter, silent
from features.weights.checksums import check_file, facts_about, hash_file
from features.weights.errors import WeightsError
from features.weights.importing import check_can_convert, convert, needs_conversion
from features.weights.locations import FreeBytes, Site, free_bytes, lock_folder, room_for
from features.weights.registry import KNOWN, Known, WeightsFile
from features.weights.servers import (
    PARTIAL,
    InterruptionError,
    RefusalError,
    Remote,
    RetryPolicy,
    UnreachableError,
    ask_hub,
    ask_server,
    hub_token,
    length_of,
    opened,
    with_retries,
    without_query,
)
from features.weights.sidecar import Sidecar, read_json, read_sidecar, write_json
from features.weights.store import by_hand, install, locate, staging_in

if TYPE_CHECKING:
    import requests

_CHUNK_BYTES = 1 << 20
_OUT_OF_RANGE = 416
_SHA256 = re.compile(r"[0-9a-f]{64}")


def obtain(
    weights: Known,
    site: Site,
    *,
    known: Sequence[Known] = KNOWN,
    is_converted: bool = False,
    is_forced: bool = False,
    retry: RetryPolicy | None = None,
    tell: ProgressReporter = silent,
    free: FreeBytes = free_bytes,
) -> Path:
    """Fetch weights that are not here, or not sound, and return what ``locate`` does.

    ``is_converted`` asks for safetensors instead of a PyTorch file, ``is_forced`` for fetching
    again what is here. May be called again after any failure, and by several processes at once.

    Raises:
        WeightsError: The weights cannot be fetched, are wrong, or do not fit on the disk.
        MachineError: A library to fetch or to convert with is not installed.
    """
    if is_converted:
        check_can_convert([weights])
    folder = site.root / weights.name
    if not is_forced and _is_done(_sound(weights, known, site), is_converted):
        return locate(weights.name, known=known, site=site)
    with lock_folder(folder, tell):
        here = None if is_forced else _sound(weights, known, site)
        if _is_done(here, is_converted):  # another process was quicker
            return locate(weights.name, known=known, site=site)
        staging = staging_in(folder)
        if here is None:
            sidecar = _fetch_all(weights, site, staging, retry or RetryPolicy(), tell, free)
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
    weights: Known,
    site: Site,
    staging: Path,
    retry: RetryPolicy,
    tell: ProgressReporter,
    free: FreeBytes,
) -> Sidecar:
    """Bring all files of one revision into ``staging``."""
    if site.is_offline:
        raise WeightsError(
            f"HF_HUB_OFFLINE is set, so {weights.name} is not fetched; {by_hand(weights, site)}"
        )
    token = (site.token or hub_token()) if weights.repository is not None else None
    commit, files = None, []
    for file in weights.files:
        try:
            if weights.repository is None:
                remote = ask_server(site.sam_endpoint, file, retry)
            else:
                place = (site.hub_endpoint, weights.repository, commit or "main")
                remote = ask_hub(place, file, token, retry)
            commit = commit or remote.commit
            files.append(fetch(remote, staging / file.name, retry=retry, tell=tell, free=free))
        except RefusalError as error:
            if error.status != 404 or file.is_needed:
                raise _refused(weights, site, error, has_token=bool(token)) from error
        except UnreachableError as error:
            raise WeightsError(f"{error}; {by_hand(weights, site)}") from error
    return Sidecar(weights.name, site.page(weights), commit, tuple(files))


def _refused(weights: Known, site: Site, error: RefusalError, *, has_token: bool) -> WeightsError:
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
    if has_token and error.status in (401, 403):
        cure += " (the present one is not accepted)"
    return WeightsError(f"{error}; {cure}; {by_hand(weights, site)}")


def fetch(
    remote: Remote,
    target: Path,
    *,
    retry: RetryPolicy | None = None,
    tell: ProgressReporter = silent,
    free: FreeBytes = free_bytes,
) -> WeightsFile:
    """Bring a file to ``target`` and return what it is; the caller keeps others from doing so.

    Raises:
        RefusalError: The server does not give the file.
        WeightsError: The server cannot be had, the disk is full, or the file is a wrong one.
    """
    policy = retry or RetryPolicy()
    part = target.with_name(f"{target.name}.part")
    _drop_if_other(part, remote)

    def download(_url: str, output: str, _pooch: object) -> None:
        with_retries(
            lambda: _continue(part, remote, policy.timeout_s, tell),
            policy,
            progress=lambda: _size(part),
        )
        tell(f"checking {target.name}", 0, _size(part))
        part.replace(output)
        _drop(part)

    missing = 0 if target.exists() else (remote.file.size or 0) - _size(part)
    with room_for(max(0, missing), target.parent, free):
        _retrieve(remote, target, download)
    found = WeightsFile(target.name, _size(target), remote.file.sha256 or hash_file(target))
    try:
        check_file(target, remote.file, lambda _: str(found.sha256))
    except WeightsError as error:
        target.unlink()
        raise _wrong(remote, str(error)) from error
    tell(f"checking {target.name}", _size(target), _size(target))
    return found


def _retrieve(remote: Remote, target: Path, download: Callable[[str, str, object], None]) -> None:
    """Let pooch fill ``target``, unless the file is there already."""
    pooch = need("pooch", "fetching weights")
    pooch.get_logger().setLevel("WARNING")  # it would print the place of each file
    sha256 = remote.file.sha256
    if sha256 is None:
        target.unlink(missing_ok=True)  # or else pooch takes it for the file
    known_hash = sha256 and f"sha256:{sha256}"
    try:
        pooch.retrieve(remote.url, known_hash, target.name, target.parent, downloader=download)
    except WeightsError:
        raise
    except ValueError as error:  # pooch's, which names both sums
        got = [each for each in _SHA256.findall(str(error)) if each != sha256] or ["another"]
        problem = f"{target} is corrupted: expected SHA-256 {sha256}, got {got[0]}"
        raise _wrong(remote, problem) from error


def _wrong(remote: Remote, problem: str) -> WeightsError:
    return WeightsError(
        f"{remote.url} gave a wrong file, which was deleted: {problem}; run again, and if that "
        "does not help, look for a proxy or mirror that alters it"
    )


def _continue(part: Path, remote: Remote, timeout_s: float, tell: ProgressReporter) -> None:
    """Ask for what is missing and write it to ``part``."""
    start, size = _size(part), remote.file.size
    if start and start == size:
        return
    try:
        with opened(remote, "GET", _range_headers(part, start), timeout_s) as answer:
            start = _agreed_start(answer, start, size)
            with part.open("r+b" if start else "wb") as stream:
                if not start:
                    write_json(_notes(part), {"tag": _tag(answer), **_published(remote)})
                stream.seek(start)
                total = size or start + (length_of(answer) or -start)
                end = _receive(answer, stream, start, lambda done: _told(tell, remote, done, total))
                os.fsync(stream.fileno())
    except RefusalError as error:
        if error.status != _OUT_OF_RANGE or not start:
            raise
        _drop(part)
        raise InterruptionError(f"{remote.url} has become another file") from error
    if size is not None and end < size:
        raise InterruptionError(f"the line broke after {end:,} of {size:,} bytes")


def _told(tell: ProgressReporter, remote: Remote, done: int, total: int) -> None:
    tell(f"fetching {remote.file.name}", done, total)


def _receive(
    answer: requests.Response, stream: BinaryIO, start: int, tell: Callable[[int], None]
) -> int:
    """Write what comes; returns the size of the file then."""
    from urllib3.exceptions import HTTPError

    end = start
    while True:
        try:
            chunk = answer.raw.read1(_CHUNK_BYTES)  # what has arrived, so that a cut loses nothing
        except (OSError, HTTPError) as error:
            raise InterruptionError(f"the line broke ({error or type(error).__name__})") from error
        if not chunk:
            return end
        stream.write(chunk)
        end += len(chunk)
        tell(end)


def _agreed_start(answer: requests.Response, start: int, size: int | None) -> int:
    """Return from where the server sends; 0 if it sends everything anew.

    Raises:
        RefusalError: It sends something that does not go on where ``start`` is.
    """
    if answer.status_code != PARTIAL:
        return 0
    sent, _, total = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    if not sent.startswith(f"{start}-") or (size is not None and total not in ("*", str(size))):
        raise RefusalError(without_query(answer.url), _OUT_OF_RANGE)
    return start


def _range_headers(part: Path, start: int) -> dict[str, str]:
    if not start:
        return {}
    tag = _read_notes(part).get("tag")
    return {"Range": f"bytes={start}-", **({"If-Range": tag} if tag else {})}


def _drop_if_other(part: Path, remote: Remote) -> None:
    """Forget bytes that cannot be told to belong to the file that is published now."""
    notes, size = _read_notes(part), remote.file.size
    is_same = {key: notes.get(key) for key in _published(remote)} == _published(remote)
    can_be_told = bool(notes.get("tag") or remote.file.sha256)
    is_too_long = size is not None and _size(part) > size
    if not is_same or not can_be_told or is_too_long:
        _drop(part)


def _published(remote: Remote) -> dict[str, Any]:
    return {"size": remote.file.size, "sha256": remote.file.sha256}


def _tag(answer: requests.Response) -> str | None:
    """Return what the server calls this very file, if it can be relied upon (RFC 9110, 13.1.5)."""
    tag = answer.headers.get("ETag")
    return tag if tag and tag.startswith('"') else None


def _notes(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_notes(part: Path) -> dict[str, Any]:
    try:
        return read_json(_notes(part))
    except (OSError, ValueError):
        return {}


def _drop(part: Path) -> None:
    for path in (part, _notes(part)):
        path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
