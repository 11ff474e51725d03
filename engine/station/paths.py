"""Paths of a station: its own files, and those of others that it may read.

It may read what lies below the folders that it was started with. Symbolic links are resolved first.
A refusal is the same whether or not something is there, so that nobody can explore the disk by
asking.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.station.connection import may_write
from engine.station.file_lock import is_locked
from engine.station.records import StationError
from features.names import one_line, real_path
from features.temporary_files import sweep


@dataclass(frozen=True)
class StationPaths:
    """The folder of a station, and what it has inside."""

    folder: Path

    @classmethod
    def create(cls, folder: Path) -> StationPaths:
        """Make the folder and those inside, where they are not there; only the owner may look.

        Those of a station that may not be written need not be there.

        Raises:
            StationError: They cannot be made.
        """
        try:
            paths = cls(real_path(folder))
            if not paths.folder.exists():
                paths.folder.mkdir(parents=True, mode=0o700)
            for each in (paths.images, paths.results, paths.models, paths.bench):
                if not each.is_dir() and not paths._is_read_only:
                    each.mkdir(exist_ok=True)
        except (OSError, ValueError) as error:  # a null byte
            reason = getattr(error, "strerror", None) or error
            raise StationError(
                f"{one_line(str(folder))} cannot be used as a station ({reason}); choose another "
                "folder"
            ) from error
        return paths

    @property
    def _is_read_only(self) -> bool:
        return self.database.is_file() and not may_write(self.database)

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

    def sweep(self) -> None:
        """Delete what killed processes left over; what is alive is known by its lock."""
        for each in (self.folder, self.models, self.bench, None):
            sweep(each)
        with suppress(OSError):  # on a disk that fails: others say so
            for each in self.images.iterdir():
                sweep(each)
        for lock in self.folder.glob("job-*.lock"):
            with suppress(OSError):
                if not is_locked(lock):
                    lock.unlink()


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


def _resolved(path: str | Path) -> Path | None:
    try:
        return real_path(path)
    except (OSError, ValueError):  # a null byte, say
        return None


def _shown(path: str | Path) -> str:
    """Write a path that a person typed on one line."""
    text = one_line(str(path))
    return text if len(text) <= 200 else text[:199] + "…"
