"""``partwise station``: the queue of a station filled, worked off and listed."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from engine.atomic import check_writable, write_text
from engine.cli.failures import BAD_USAGE, BROKEN_IMAGE
from engine.cli.terminal import (
    complain,
    is_taken_by,
    line_text,
    moment,
    progress,
    remark,
    say,
    say_json,
    say_judged,
    warn,
)
from engine.errors import user_message
from engine.model_file import read_header
from engine.station import Entry, Limits, Station, StationError
from engine.station.entries import Filters, Order
from engine.station.exports import facts
from engine.station.file_lock import file_lock
from engine.station.photographs import folder_images
from engine.station.records import DiskFullError, Review, label
from engine.station.room import lack_of_room
from features.files import MAX_IMAGE_BYTES, read_bytes
from features.folders import left_out, left_out_text
from features.image_files import is_image_name, list_images
from features.images import ImageError
from features.names import one_line, real_path, show_name
from features.progress import ProgressReporter

_LOOK_S = 0.2


def queue_images(
    folder: Path,
    images: Sequence[Path],
    *,
    model: Path,
    library: str | None,
    is_copied: bool,
    max_pixels: int,
) -> None:
    """Queue images and say as which batches; a path without images stops no other."""
    _check_model(model)
    n_broken, problems = 0, []
    # whoever types a path at a terminal may read it anyway
    roots = [real_path(path) for path in images]
    with Station(folder, roots=roots, limits=Limits(max_pixels=max_pixels)) as station:
        if is_copied:
            station.paths.sweep()
        for path in images:
            try:
                if is_copied:
                    n_broken += _copy(station, path, model, library)
                else:
                    batch = station.add_folder(path, model=model, library=library)
                    say(f"batch {batch.id}: {batch.n_entries} images of {show_name(path)} queued")
                    _say_left_out(path)
            except DiskFullError:
                raise
            except (StationError, ImageError) as error:
                problems.append(str(error))
    for each in problems:
        complain(each)
    if len(problems) == len(images):
        sys.exit(BAD_USAGE)
    if problems or n_broken:
        sys.exit(BROKEN_IMAGE)


def _say_left_out(folder: Path) -> None:
    """Say which files of a folder may be photographs and are not judged."""
    found = real_path(folder)
    if found.is_dir():
        taken = {each.name for each in folder_images(found, [found])}
        rest = left_out(found, taken, is_read=is_image_name)
        if rest:
            remark(f"{show_name(folder)}: {left_out_text(rest)}")


def _copy(station: Station, path: Path, model: Path, library: str | None) -> int:
    """Keep and queue the images of a path; returns how many could not be copied."""
    files = list_images(path)
    batch = station.new_batch(path.name, model=model)
    n_broken = 0
    for file in files:
        problem = _copy_one(station, file, model, library, batch.id)
        if problem is not None:
            n_broken += 1
            station.add_broken(file.name, problem, model=model, library=library, batch=batch.id)
            complain(problem)
    n_copied = len(files) - n_broken
    say(f"batch {batch.id}: copies of {n_copied} images of {show_name(path)} queued")
    return n_broken


def _copy_one(
    station: Station, file: Path, model: Path, library: str | None, batch: int
) -> str | None:
    """Keep and queue an image; returns what is wrong with it, if anything.

    Raises:
        DiskFullError: There is no room for more.
    """
    try:
        data = read_bytes(file, max_bytes=MAX_IMAGE_BYTES)
    except OSError as error:
        return f"{show_name(file)} cannot be read ({error.strerror}); check it"
    try:
        station.add_upload(data, file.name, model=model, library=library, batch=batch)
    except DiskFullError:
        raise
    except (OSError, ValueError) as error:
        full = lack_of_room(error, [station.folder])
        if full is not None:
            raise full from error
        text = user_message(error) or str(error)
        return one_line(text.replace(label(file.name), show_name(file), 1))
    return None


def work_off(folder: Path, *, keep_on: bool, max_pixels: int) -> None:
    """Work until the queue is empty, or until Ctrl-C.

    On a full disk this waits only if it is to go on anyway.
    """
    from engine.station.worker import work

    started_at = time.time()
    with Station(folder, limits=Limits(max_pixels=max_pixels)) as station, progress() as tell:
        station.check_writable()
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
                        is_patient=keep_on,
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
        is_watching = bool(station.watches())
    for each in failed:
        complain(each.error)
    for each in done:
        if each.error:
            warn(f"Warning: {each.name}: {each.error}")
    n_judged = len(done) + len(failed)
    say(f"{n_judged} images judged, {len(failed)} of them without a verdict")
    if is_watching and not (keep_on or n_judged or watch.pending):
        remark("watched folders are looked at with --keep-on")
    if is_interrupted and not keep_on:
        raise KeyboardInterrupt
    if failed:
        sys.exit(BROKEN_IMAGE)


class _Progress:
    """How much of what was queued at the start is done; shown a few times a second."""

    def __init__(self, station: Station, tell: ProgressReporter) -> None:
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


def note_review(folder: Path, ids: Sequence[int], *, opinion: Review | None, author: str) -> None:
    """Note an opinion of each entry."""
    with Station(folder) as station:
        for each in ids:
            station.review(each, opinion, author)
            entry = station.entry(each)
            said = f"{opinion} by {label(author)}" if opinion and author else opinion
            say(f"{each} {entry.name}: {said or 'no review'}")


def watch_folder(
    folder: Path,
    watched: Path | None,
    *,
    model: Path | None,
    library: str | None,
    stopped: int | None,
) -> None:
    """Watch a folder, or no longer, and list what is watched."""
    if watched is not None and model is not None:
        _check_model(model)
    roots = [real_path(watched)] if watched else []
    with Station(folder, roots=roots) as station:
        if stopped is not None:
            station.unwatch(stopped)
        if watched is not None and model is not None:
            station.watch(watched, model=model, library=library)
            _say_left_out(watched)
        for each in reversed(station.watches()):
            words = [
                f"{each.id}  {show_name(each.folder)}",
                f"by {show_name(each.model)}",
                each.error or "",
            ]
            say("  ".join(word for word in words if word))
        if not station.watches():
            say("no folder is watched")


def requeue(folder: Path, ids: Sequence[int], *, query: Filters) -> None:
    """Queue entries again."""
    with Station(folder) as station:
        chosen = [station.entry(each).id for each in ids]
        if any(query.values()):
            chosen += [each.id for each in station.entries(**query) if each.id not in chosen]
        station.rejudge(chosen, urgent=bool(ids))
    say(f"{len(chosen)} images queued again")


def empty_queue(folder: Path, *, batch: int | None, job: int | None) -> None:
    """Empty the queue, or end a job."""
    with Station(folder) as station:
        if job is not None:
            station.cancel_job(job)
            say(f"job {job} was asked to end")
        else:
            say(f"{station.cancel(batch)} images taken out of the queue")


def show_entries(
    folder: Path, *, query: Filters, order: Order, limit: int | None, is_jsonl: bool
) -> None:
    """Print entries and their number."""
    with Station(folder) as station:
        found = station.entries(order=order, limit=limit, **query)
        tally = station.tally(**query)
    if is_jsonl:
        for each in found:
            say_json(facts(each))
        return
    for each in found:
        say_judged(_line(each))
    parts = [
        f"{getattr(tally, name)} {name}"
        for name in ("anomaly", "normal", "queued", "running", "failed", "cancelled")
        if getattr(tally, name)
    ]
    say(f"{tally.total} images" + (f": {', '.join(parts)}" if parts else ""))


def export_entries(
    folder: Path,
    *,
    query: Filters,
    csv_path: Path | None,
    jsonl_path: Path | None,
    html_path: Path | None,
) -> None:
    """Write what was asked for."""
    for path in (csv_path, jsonl_path, html_path):
        if path:
            check_writable(path)
    written = []
    with Station(folder) as station:
        if csv_path:
            station.export_csv(csv_path, **query)
            written.append(f"{show_name(csv_path)} written")
        if jsonl_path:
            station.export_jsonl(jsonl_path, **query)
            written.append(f"{show_name(jsonl_path)} written")
        if html_path:
            judged: Filters = {**query, "states": ["done"]}
            found = station.entries(**judged)
            write_text(html_path, station.report_html([each.id for each in found]))
            written.append(f"{show_name(html_path)}: {len(found)} images explained")
    if not is_taken_by(csv_path, jsonl_path, html_path):
        for line in written:
            say(line)


def _line(entry: Entry) -> str:
    """Write one line for people."""
    total = "–" if entry.total is None else f"{entry.total:.3f}"
    name = f"{entry.id}  {moment(entry.added_at)}  {entry.name}"
    if entry.state == "done" and entry.verdict is not None:
        said = f"{entry.review} by {entry.reviewed_by}" if entry.reviewed_by else entry.review or ""
        return line_text(entry.verdict, total, name, entry.reason, said)
    if entry.state == "failed":
        return line_text("error", total, name, entry.error or "")
    return f"{entry.state:<7}  {total:>8}  {name}"


def _check_model(model: Path) -> None:
    """Find out before anything is queued that this is no model.

    Raises:
        ModelFileError: The file is foreign, cut off at its start, or of another schema.
        StationError: There is no file.
    """
    if not model.is_file():
        raise StationError(
            f"{show_name(model)}: no such model file; check the path, or make it with "
            "`partwise fit`"
        )
    read_header(model)
