"""Station: one folder that holds what is to be judged and what was said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

from engine.atomic import write_text
from engine.station import batches, entries, exports, jobs, results
from engine.station.database import Database
from engine.station.entries import Filters, Order
from engine.station.jobs import checked_spec
from engine.station.paths import StationPaths, allowed
from engine.station.photographs import image_path, keep_image, kept_image, unchanged_photograph
from engine.station.records import (
    Batch,
    Benchmark,
    Entry,
    Job,
    JobKind,
    Limits,
    Result,
    Review,
    Tally,
    Watch,
    label,
    model_name,
)
from engine.station.results import finished_benchmarks, finished_runs
from features.images import Image
from features.names import real_path

if TYPE_CHECKING:
    from engine.benchmark.records import Run


class Station:
    """A folder with a queue of images, verdicts, models, benchmarks and long jobs.

    Several processes may open the same folder, and several threads may share one object. A folder
    that may not be written can be read. Nothing is judged here: a worker does that
    (``keep_working``). ``roots`` are the folders whose images may be read; the samples of the
    station always may.

    Making one, and every method, raises ``StationError`` for what is not there or cannot be done:
    one line that says what is wrong and what helps.
    """

    def __init__(
        self, folder: Path, *, roots: Sequence[Path] = (), limits: Limits | None = None
    ) -> None:
        self.paths = StationPaths.create(Path(folder))
        self.limits = limits or Limits()
        self._roots = tuple(map(real_path, roots))
        self.database = Database(self.paths.database)

    @property
    def folder(self) -> Path:
        """Where all this lies."""
        return self.paths.folder

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders that were opened at start, resolved."""
        return self._roots

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def check_writable(self) -> None:
        """Find out before long work that nothing could be noted here.

        Raises:
            StationError: The folder may only be read.
        """
        self.database.check_writable()

    # Images

    def add_image(self, data: bytes, name: str) -> str:
        """Keep an image without judging it; returns its digest, by which a job may name it.

        Raises:
            ImageError: It is none, or too large.
        """
        return keep_image(data, label(name), self.paths.images, self.limits)[0]

    def image_path(self, sha256: str) -> Path:
        """Return where a kept image lies.

        Raises:
            StationError: It was never kept, or is no longer.
        """
        return kept_image(sha256, self.paths.images)

    def add_upload(
        self,
        data: bytes,
        name: str,
        *,
        model: Path,
        library: str | None = None,
        batch: int | None = None,
    ) -> int:
        """Keep an image and queue it; returns the entry's id. Its name is only a label.

        Raises:
            ImageError: It is no image, or too large.
            StationError: There is no such batch.
        """
        shown = label(name)
        digest, size = keep_image(data, shown, self.paths.images, self.limits)
        entry = entries.add_upload(
            self.database, shown, digest, size, model=model, library=library, batch=batch
        )
        # the last entry of the same image may have been removed in between, and the image with it
        keep_image(data, shown, self.paths.images, self.limits)
        return entry

    def add_broken(
        self, name: str, error: str, *, model: Path, batch: int, library: str | None = None
    ) -> None:
        """Note an image that was to be kept, and why it could not be."""
        entries.add_broken(
            self.database, label(name), error, model=model, library=library, batch=batch
        )

    def add_folder(self, folder: str | Path, *, model: Path, library: str | None = None) -> Batch:
        """Queue the images directly in a folder, or one image file; they stay where they are.

        Raises:
            StationError: It is not below a root, or has no or too many images.
        """
        return batches.add_folder(
            self.database,
            folder,
            model=model,
            library=library,
            roots=self._readable,
            limits=self.limits,
        )

    def new_batch(self, label: str, *, model: Path) -> Batch:
        """Make a batch, to which uploads can be added."""
        return batches.add_batch(self.database, label, model)

    def batches(self) -> list[Batch]:
        """Return all batches, the newest first."""
        return batches.find(self.database)

    def batch(self, id: int) -> Batch:
        """Return one batch."""
        return batches.get(self.database, id)

    def watch(self, folder: str | Path, *, model: Path, library: str | None = None) -> Watch:
        """Judge all images directly in a folder, those there now and those to come.

        Raises:
            StationError: It is no folder below a root.
        """
        return batches.add_watch(
            self.database, folder, model=model, library=library, roots=self._readable
        )

    def watches(self) -> list[Watch]:
        """Return the watched folders, the newest first."""
        return batches.watches(self.database)

    def unwatch(self, id: int) -> None:
        """Watch a folder no longer; its entries stay."""
        batches.unwatch(self.database, id)

    # Entries

    def entries(
        self,
        *,
        order: Order = "newest",
        limit: int | None = None,
        offset: int = 0,
        **filters: Unpack[Filters],
    ) -> list[Entry]:
        """Return the entries asked for; "worst" first has the highest total for its threshold."""
        return entries.find(self.database, order, limit, offset, **filters)

    def tally(self, **filters: Unpack[Filters]) -> Tally:
        """Count the entries asked for by state, verdict and review."""
        return entries.tally(self.database, **filters)

    def entry(self, id: int) -> Entry:
        """Return one entry."""
        return entries.get(self.database, id)

    def neighbours(
        self, id: int, *, order: Order = "newest", **filters: Unpack[Filters]
    ) -> tuple[int | None, int | None]:
        """Return the ids before and after an entry among those asked for, in their order."""
        return entries.neighbours(self.database, id, order, **filters)

    def classes(self, *, model: Path | None = None) -> list[str]:
        """Return the names of the classes that any entry, or any of a model, concerns."""
        return entries.class_names(self.database, model)

    def result(self, id: int) -> Result:
        """Return what a page shows of a judged image; waits while its pictures are drawn."""
        return results.read_result(lambda: self.entry(id), self.paths.results)

    def photo(self, id: int) -> Image:
        """Read the photograph of an entry in full resolution.

        Raises:
            ImageError: It cannot be read, is gone, or has changed since it was judged.
            StationError: There is no such entry.
        """
        return unchanged_photograph(self.entry(id), self.database, self.paths.images, self.limits)

    def review(self, id: int, opinion: Review | None, author: str) -> None:
        """Note what a person thinks of a verdict; None takes it back."""
        entries.review(self.database, id, opinion, label(author) if author.strip() else "")

    def rejudge(self, ids: Sequence[int], *, urgent: bool = True) -> None:
        """Queue entries again, before all others if urgent."""
        entries.rejudge(self.database, ids, is_urgent=urgent)

    def cancel(self, batch: int | None = None, *, ids: Sequence[int] | None = None) -> int:
        """Take what waits out of the queue: all, a batch, or these; returns how many that were."""
        return entries.cancel(self.database, batch, ids)

    def remove(self, ids: Sequence[int]) -> None:
        """Forget entries, their results, and uploads that no other entry needs."""
        unused = entries.remove(self.database, ids)
        for each in ids:
            results.remove_result(each, self.paths.results)
        for digest in unused:
            image_path(digest, self.paths.images).unlink(missing_ok=True)

    def threshold(self, model: Path) -> float | None:
        """Return the threshold set by hand for a model; None where the learnt one holds."""
        return entries.threshold(self.database, model)

    def set_threshold(self, model: Path, value: float | None) -> None:
        """Set the threshold of a model by hand, or None; all its verdicts follow at once."""
        entries.set_threshold(self.database, model, value)

    # Folders and models

    @property
    def _readable(self) -> tuple[Path, ...]:
        return (*self._roots, self.paths.samples)

    def allowed(self, path: str | Path) -> Path:
        """Return a path resolved, if it lies below a root.

        Raises:
            StationError: It does not, or is not there.
        """
        return allowed(path, self._readable)

    def models(self) -> list[Path]:
        """Return the models made in this station, by name."""
        return sorted(each for each in self.paths.models.glob("*.pw") if each.is_file())

    def model_path(self, name: str) -> Path:
        """Return where the model of this name lies, or would.

        Raises:
            StationError: The name cannot be that of a file.
        """
        return self.paths.models / f"{model_name(name)}.pw"

    # Jobs

    def start_job(self, kind: str, spec: Mapping[str, Any]) -> int:
        """Queue long work; returns its id. ``engine.station.jobs`` says what each kind needs.

        Raises:
            StationError: There is no such kind, its spec is wrong, or names a path that is closed.
        """
        return jobs.start(self.database, kind, checked_spec(self, kind, spec))

    def job(self, id: int) -> Job:
        """Return one job."""
        return jobs.get(self.database, id)

    def jobs(self, kind: JobKind | None = None, *, is_active: bool | None = None) -> list[Job]:
        """Return jobs, the newest first."""
        return jobs.find(self.database, kind, is_active=is_active)

    def cancel_job(self, id: int) -> None:
        """Ask a job to end."""
        jobs.cancel(self.database, id)

    def resume_job(self, id: int) -> None:
        """Take up a job that was cancelled or has failed; a benchmark goes on where it stopped."""
        jobs.resume(self.database, id)

    # Benchmarks and exports

    def benchmarks(self) -> list[Benchmark]:
        """Return the finished benchmarks, the newest first."""
        return finished_benchmarks(self.paths.bench)

    def finished_runs(self, job: int) -> list[Run]:
        """Return the runs that a benchmark job has finished, also while it goes on."""
        return finished_runs(self.job(job))

    def export_csv(self, path: Path, **filters: Unpack[Filters]) -> None:
        """Write a table of the entries asked for, the newest first.

        Raises:
            OutputError: The file cannot be written.
        """
        write_text(path, exports.csv_text(self.entries(**filters)))

    def export_jsonl(self, path: Path, **filters: Unpack[Filters]) -> None:
        """Write one JSON object for each entry asked for, the newest first.

        Raises:
            OutputError: The file cannot be written.
        """
        write_text(path, exports.jsonl_text(self.entries(**filters)))

    def report_html(self, ids: Sequence[int]) -> str:
        """Write the page on why these images, all of one model, were judged as they were.

        They are judged once more for it, in this process.

        Raises:
            StationError: There is no entry, one that has not been judged, or several models.
            ImageError: A photograph is gone or has changed.
        """
        from engine.station.exports import report_page

        found = [self.entry(each) for each in ids]
        return report_page(found, [self.photo(each.id) for each in found])
