"""Where does each thing lie in the folder of a station?

Which paths may a station read? Only what lies below the folders that it was started with.

Symbolic links are resolved first. A refusal is the same whether or not something is there, so that
nobody can explore the disk by asking.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.station.records import StationError
from features.image_files import SUFFIXES


@dataclass(frozen=True)
class Places:
    """The folder of a station, and what it has inside."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> Places:
        """Make the folder and those inside, where they are not there; only the owner may look.

        Raises:
            StationError: They cannot be made.
        """
        try:
            places = cls(folder.expanduser().resolve())
            if not places.folder.exists():
                places.folder.mkdir(parents=True, mode=0o700)
            for each in (places.images, places.results, places.models, places.bench):
                each.mkdir(exist_ok=True)
        except OSError as error:
            raise StationError(
                f"{folder} cannot be used as a station ({error.strerror}); choose another folder"
            ) from error
        return places

    @property
    def database(self) -> Path:
        """Everything but pictures and models."""
        return self.folder / "station.db"

    @property
    def images(self) -> Path:
        """Uploads, by digest."""
        return self.folder / "images"

    @property
    def results(self) -> Path:
        """What pages show, by entry."""
        return self.folder / "results"

    @property
    def models(self) -> Path:
        """Models made here."""
        return self.folder / "models"

    @property
    def bench(self) -> Path:
        """Benchmarks, finished and unfinished."""
        return self.folder / "bench"

    @property
    def samples(self) -> Path:
        """A rendered product to try things with."""
        return self.folder / "samples"

    @property
    def lock(self) -> Path:
        """Held by the one process that works."""
        return self.folder / "worker.lock"

    @property
    def log(self) -> Path:
        """What the worker complains about."""
        return self.folder / "worker.log"

    def job_lock(self, job: int) -> Path:
        """Held by the one process that does this job."""
        return self.folder / f"job-{job}.lock"


@dataclass(frozen=True)
class FolderImage:
    """An image file of a folder: its resolved path, size in bytes, and time of change."""

    name: str
    path: Path
    size: int
    mtime_ns: int


def allowed(path: str | Path, roots: Sequence[Path]) -> Path:
    """Return the resolved path, if it lies in or below a root.

    Raises:
        StationError: It does not, or there is nothing at that place.
    """
    found = _resolved(path)
    if found is None or root_of(found, roots) is None:
        named = ", ".join(str(root) for root in roots) or "none"
        raise StationError(
            f"{_shown(path)} is not below a folder that is open here; expected a path below: "
            f"{named}; choose one of these, or start with another --root"
        )
    if not found.exists():
        raise StationError(f"{_shown(path)}: no such file or folder; check the path")
    return found


def root_of(path: Path, roots: Sequence[Path]) -> Path | None:
    """Return the first root that holds a resolved path, if any."""
    return next((root for root in roots if path.is_relative_to(root)), None)


def folder_images(folder: Path, roots: Sequence[Path]) -> Iterator[FolderImage]:
    """Give the images directly in a folder, by name; links that leave the roots are left out.

    Raises:
        OSError: The folder cannot be listed.
    """
    with os.scandir(folder) as listed:
        names = sorted(
            each.name
            for each in listed
            if each.name.lower().endswith(SUFFIXES) and not each.name.startswith(".")
        )
    for name in names:
        found = folder_image(folder / name, roots)
        if found is not None:
            yield found


def folder_image(path: Path, roots: Sequence[Path]) -> FolderImage | None:
    """Look at one file of a resolved folder; None if it is no file, or a link out of the roots."""
    try:
        real = path.resolve(strict=True) if path.is_symlink() else path
        if root_of(real, roots) is None or not real.is_file():
            return None
        status = real.stat()
    except (OSError, RuntimeError):  # gone in the meantime, or links in a circle
        return None
    return FolderImage(path.name, real, status.st_size, status.st_mtime_ns)


def _resolved(path: str | Path) -> Path | None:
    try:
        return Path(path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError):  # a null byte, say
        return None


def _shown(path: str | Path) -> str:
    """Write a path that a person typed on one line."""
    text = "".join(each if each.isprintable() else "?" for each in str(path))
    return text if len(text) <= 200 else text[:199] + "…"
