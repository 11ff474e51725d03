"""Where does each thing lie in the folder of a station?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.station.errors import StationError


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
