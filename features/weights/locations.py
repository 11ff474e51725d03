"""Locations of weights: folders and servers; locks and room in these folders.

Environment variables say where they are, most of them those of the Hugging Face hub's own tools, so
that a mirror or a shared cache serves both.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self
from urllib.parse import urlsplit

from features.progress import ProgressReporter
from features.weights.errors import WeightsError
from features.weights.registry import Known

HUB = "https://huggingface.co"
SAM = "https://dl.fbaipublicfiles.com/segment_anything"

FreeBytes = Callable[[Path], int]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LOCK = ".lock"


@dataclass(frozen=True)
class Site:
    """Places and rules.

    ``root`` has one folder for each name. ``hub_cache`` is that of the hub's tools, read but never
    written. ``cache`` holds what may be lost.
    """

    root: Path
    cache: Path
    hub_cache: Path
    hub_endpoint: str = HUB
    sam_endpoint: str = SAM
    is_offline: bool = False
    token: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read PARTWISE_WEIGHTS, PARTWISE_SAM_ENDPOINT, XDG_CACHE_HOME and the hub's variables.

        Raises:
            WeightsError: A server is given by something else than a web address, or there is no
                home to keep weights in.
        """
        hf_home = _folder(environ, "HF_HOME")
        user_cache = _folder(environ, "XDG_CACHE_HOME") or _home_cache(is_needed=hf_home is None)
        cache = (hf_home or user_cache) / "partwise"
        return cls(
            root=_folder(environ, "PARTWISE_WEIGHTS") or cache / "weights",
            cache=cache,
            hub_cache=_folder(environ, "HF_HUB_CACHE")
            or (hf_home or user_cache / "huggingface") / "hub",
            hub_endpoint=_endpoint(environ, "HF_ENDPOINT", HUB),
            sam_endpoint=_endpoint(environ, "PARTWISE_SAM_ENDPOINT", SAM),
            is_offline=environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"),
            token=environ.get("HF_TOKEN", "").strip() or None,
        )

    def page(self, known: Known) -> str:
        """Say where people read about the weights, and fetch them by hand."""
        if known.repository is None:
            return f"{self.sam_endpoint}/{known.model_file.name}"
        return f"{self.hub_endpoint}/{known.repository}"


def _home_cache(*, is_needed: bool) -> Path:
    """Return the cache in the home of this user, who in a container may have none."""
    home = os.path.expanduser("~")
    if is_needed and not os.path.isabs(home):
        raise WeightsError(
            "this user has no home folder to keep weights in; set HOME, or HF_HOME to a folder"
        )
    return Path(home) / ".cache"


def _folder(environ: Mapping[str, str], name: str) -> Path | None:
    text = environ.get(name, "")
    return Path(os.path.expanduser(text)) if text else None


def _endpoint(environ: Mapping[str, str], name: str, default: str) -> str:
    text = environ.get(name, "").strip().rstrip("/") or default
    if urlsplit(text).scheme not in ("http", "https"):
        raise WeightsError(f"{name} must begin with https:// or http://, got {text!r}")
    return text


def free_bytes(folder: Path) -> int:
    """Return how many bytes can still be written to the disk of a folder."""
    return shutil.disk_usage(folder).free


@contextmanager
def room_for(n_bytes: int, folder: Path, free: FreeBytes = free_bytes) -> Iterator[None]:
    """Write up to ``n_bytes`` into a folder within the block.

    Raises:
        WeightsError: There is not enough room, now or before the block has ended.
    """
    if free(folder) < n_bytes:
        raise _too_small(n_bytes, folder, free)
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _too_small(n_bytes, folder, free) from error
        raise


def _too_small(n_bytes: int, folder: Path, free: FreeBytes) -> WeightsError:
    return WeightsError(
        f"the disk of {folder} is full: {n_bytes:,} bytes more are needed, {free(folder):,} are "
        "free; make room, or set PARTWISE_WEIGHTS to a folder on another disk, then run again: "
        "what has arrived is kept"
    )


@contextmanager
def lock_folder(folder: Path, tell: ProgressReporter) -> Iterator[None]:
    """Keep other processes from writing weights into a folder, which is made; waits for them.

    Raises:
        WeightsError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = (folder / _LOCK).open("wb")
    except OSError as error:
        raise WeightsError(
            f"cannot write to {folder} ({error.strerror}); set PARTWISE_WEIGHTS to a folder "
            "that you may write to"
        ) from error
    with stream:
        if not _lock(stream, is_waiting=False):
            tell("waiting for another process that fetches the same", 0, 0)
            _lock(stream, is_waiting=True)
        yield  # the lock ends with the file, even if this process is killed


def _lock(stream: BinaryIO, *, is_waiting: bool) -> bool:
    """Lock a file; whether it succeeded at once, or after waiting."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(stream.fileno(), msvcrt.LK_LOCK if is_waiting else msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | (0 if is_waiting else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            raise
        return False
    return True
