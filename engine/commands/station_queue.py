"""``partwise station add``, ``run``, ``review``, ``watch``, ``rejudge``, ``cancel``."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click

from engine.commands.failures import BROKEN_IMAGE
from engine.commands.progress import Tell, progress
from engine.station import Limits, Station, StationError
from engine.station.file_lock import file_lock
from engine.station.records import Review, label
from features.image_files import list_images

_LOOK_S = 0.2


def run_add(
    folder: Path,
    images: Sequence[Path],
    *,
    model: Path,
    library: str | None,
    is_copied: bool,
    max_pixels: int,
) -> int:
    """Queue images and say as which batches; returns the exit code."""
    # whoever types a path at a terminal may read it anyway
    roots = [path.expanduser().resolve() for path in images]
    _check_model(model)
    with Station(folder, roots=roots, limits=Limits(max_pixels=max_pixels)) as station:
        for path in images:
            if is_copied:
                _copy(station, path, model, library)
            else:
                batch = station.add_folder(path, model=model, library=library)
                click.echo(f"batch {batch.id}: {batch.n_entries} images of {path} queued")
    return 0


def _copy(station: Station, path: Path, model: Path, library: str | None) -> None:
    files = list_images(path)
    batch = station.new_batch(path.name, model=model)
    for file in files:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise StationError(f"{file} cannot be read ({error.strerror}); check it") from error
        station.add_upload(data, file.name, model=model, library=library, batch=batch.id)
    click.echo(f"batch {batch.id}: copies of {len(files)} images of {path} queued")


def run_queue(folder: Path, *, keep_on: bool, max_pixels: int) -> int:
    """Work until the queue is empty, or until Ctrl-C; returns the exit code."""
    from engine.station.worker import work

    started_at = time.time()
    with Station(folder, limits=Limits(max_pixels=max_pixels)) as station, progress() as tell:
        with _ended_by_ctrl_c() as has_come:
            watch = _Progress(station, tell)

            def is_over() -> bool:
                watch.show()
                return has_come()

            def is_waiting() -> bool:
                is_pending = station.tally().pending or station.jobs(is_active=True)
                return not is_over() and bool(keep_on or is_pending)

            with file_lock(station.paths.lock, is_waiting=is_waiting) as is_ours:
                if is_ours:
                    work(
                        station.paths,
                        station.limits,
                        is_stopping=is_over,
                        is_leaving_when_done=lambda: not keep_on,
                    )
            is_interrupted = has_come()
        failed = [
            each
            for each in station.entries(states=("failed",), order="oldest")
            if each.added_at.timestamp() >= started_at or each.id in watch.pending
        ]
        done = [
            each
            for each in station.entries(states=("done",))
            if each.judged_at and each.judged_at.timestamp() >= started_at
        ]
    for each in failed:
        click.echo(f"Error: {each.error}", err=True)
    n_judged = len(done) + len(failed)
    click.echo(f"{n_judged} images judged, {len(failed)} of them without a verdict")
    if is_interrupted and not keep_on:
        raise KeyboardInterrupt
    return BROKEN_IMAGE if failed else 0


class _Progress:
    """How much of what was queued at the start is done; shown a few times a second."""

    def __init__(self, station: Station, tell: Tell) -> None:
        self._station, self._tell, self._at = station, tell, 0.0
        waiting = station.entries(states=("queued", "running"))
        self.pending = {each.id for each in waiting}
        self._n_pending = len(waiting)

    def show(self) -> None:
        """Tell how far the queue is."""
        if time.monotonic() > self._at + _LOOK_S:
            self._at = time.monotonic()
            left = self._station.tally().pending
            self._n_pending = max(self._n_pending, left)
            self._tell("judging", self._n_pending - left, self._n_pending)


@contextmanager
def _ended_by_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Let the image at hand be finished when Ctrl-C comes, and tell that it came."""
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)

    before = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(came)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def run_review(folder: Path, ids: Sequence[int], *, opinion: Review | None, author: str) -> int:
    """Note an opinion of each entry; returns the exit code."""
    with Station(folder) as station:
        for each in ids:
            station.review(each, opinion, author)
            entry = station.entry(each)
            said = f"{opinion} by {label(author)}" if opinion and author else opinion
            click.echo(f"{each} {entry.name}: {said or 'no review'}")
    return 0


def run_watch(
    folder: Path,
    watched: Path | None,
    *,
    model: Path | None,
    library: str | None,
    stopped: int | None,
) -> int:
    """Watch a folder, or no longer, and list what is watched; returns the exit code."""
    roots = [watched.expanduser().resolve()] if watched else []
    with Station(folder, roots=roots) as station:
        if stopped is not None:
            station.unwatch(stopped)
        if watched is not None and model is not None:
            _check_model(model)
            station.watch(watched, model=model, library=library)
        for each in reversed(station.watches()):
            words = [f"{each.id}  {each.folder}", f"by {each.model}", each.error or ""]
            click.echo("  ".join(word for word in words if word))
        if not station.watches():
            click.echo("no folder is watched")
    return 0


def run_rejudge(folder: Path, ids: Sequence[int], *, query: dict[str, Any]) -> int:
    """Queue entries again; returns the exit code."""
    with Station(folder) as station:
        chosen = [station.entry(each).id for each in ids]
        if any(query.values()):
            chosen += [each.id for each in station.entries(**query) if each.id not in chosen]
        station.rejudge(chosen, urgent=bool(ids))
    click.echo(f"{len(chosen)} images queued again")
    return 0


def run_cancel(folder: Path, *, batch: int | None, job: int | None) -> int:
    """Empty the queue, or end a job; returns the exit code."""
    with Station(folder) as station:
        if job is not None:
            station.cancel_job(job)
            click.echo(f"job {job} was asked to end")
        else:
            click.echo(f"{station.cancel(batch)} images taken out of the queue")
    return 0


def _check_model(model: Path) -> None:
    if not model.is_file():
        raise StationError(
            f"{model}: no such model file; check the path, or make it with `partwise fit`"
        )
