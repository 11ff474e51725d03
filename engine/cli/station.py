"""``partwise station``: commands of the queue, its worker and its verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from engine.cli import options
from engine.cli.failures import one_line_errors
from engine.cli.options import LIBRARY_ENVIRONMENT, Command

if TYPE_CHECKING:
    from engine.station.entries import Filters, Order
    from engine.station.records import Review, State, Verdict

_DAYS = ["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]

_folder = click.argument("folder", type=options.FILE, metavar="STATION_DIR")


def _filters(command: Command) -> Command:
    """Declare which entries are meant; the command gets that as ``query``."""

    @click.option("--model", type=options.FILE, metavar="MODEL.pw", help="Judged by this model.")
    @click.option(
        "--state",
        "states",
        multiple=True,
        type=click.Choice(["queued", "running", "done", "failed", "cancelled"]),
        help="Repeatable.",
    )
    @click.option(
        "--verdict",
        "verdicts",
        multiple=True,
        type=click.Choice(["normal", "anomaly"]),
        help="Repeatable.",
    )
    @click.option(
        "--class", "classes", multiple=True, metavar="NAME", help="Concerned; repeatable."
    )
    @click.option(
        "--review",
        "reviews",
        multiple=True,
        type=click.Choice(["accepted", "rejected", "none"]),
        help="What a person thought of the verdict; repeatable.",
    )
    @click.option("--since", type=click.DateTime(_DAYS), metavar="DATE", help="Added since.")
    @click.option("--until", type=click.DateTime(_DAYS), metavar="DATE", help="Added before.")
    @click.option("--batch", type=int, metavar="ID", help="Of this batch.")
    @wraps(command)
    def packed(
        *,
        model: Path | None,
        states: Sequence[State],
        verdicts: Sequence[Verdict],
        classes: Sequence[str],
        reviews: Sequence[Review | Literal["none"]],
        since: datetime | None,
        until: datetime | None,
        batch: int | None,
        **others: Any,
    ) -> None:
        query: Filters = {
            "model": model,
            "states": states,
            "verdicts": verdicts,
            "classes": classes,
            "reviews": [None if each == "none" else each for each in reviews],
            "since": since.astimezone() if since else None,
            "until": until.astimezone() if until else None,
            "batch": batch,
        }
        command(query=query, **others)

    return packed


@click.group(epilog=LIBRARY_ENVIRONMENT)
def station() -> None:
    """Judge images from a queue, as the app does.

    It outlives crashes.

    STATION_DIR is the folder that `partwise ui --station` names; it is made where it is not there.
    Both may use it at the same time.
    """


@station.command(epilog=LIBRARY_ENVIRONMENT)
@_folder
@options.images
@click.option(
    "--model", type=options.FILE, required=True, metavar="MODEL.pw", help="What judges them."
)
@options.library
@click.option("--copy", "is_copied", is_flag=True, help="Keep copies of the images.")
@options.max_pixels
@one_line_errors()
def add(
    folder: Path,
    images: Sequence[Path],
    *,
    model: Path,
    library: str | None,
    is_copied: bool,
    max_pixels: int,
) -> None:
    """Queue images.

    They are judged by `run`, or by the app if that is open.
    """
    from engine.cli.station_queue import queue_images

    queue_images(
        folder, images, model=model, library=library, is_copied=is_copied, max_pixels=max_pixels
    )


@station.command("list")
@_folder
@_filters
@click.option(
    "--order",
    type=click.Choice(["newest", "oldest", "worst", "best", "name"]),
    default="newest",
    show_default=True,
    help="Of the lines.",
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first.")
@options.as_jsonl
@one_line_errors()
def list_entries(
    folder: Path, *, query: Filters, order: Order, limit: int | None, is_jsonl: bool
) -> None:
    """List images with their verdicts, and count them."""
    from engine.cli.station_queue import show_entries

    show_entries(folder, query=query, order=order, limit=limit, is_jsonl=is_jsonl)


@station.command()
@_folder
@click.option("--keep-on", is_flag=True, help="Go on, for watched folders, until Ctrl-C.")
@options.max_pixels
@one_line_errors()
def run(folder: Path, *, keep_on: bool, max_pixels: int) -> None:
    """Judge what is queued, and do the jobs that wait.

    While another process works on this station, its progress is shown.
    """
    from engine.cli.station_queue import work_off

    work_off(folder, keep_on=keep_on, max_pixels=max_pixels)


@station.command()
@_folder
@click.argument("ids", type=int, nargs=-1, required=True, metavar="ID...")
@click.option("--accepted", "opinion", flag_value="accepted", help="The verdict is right.")
@click.option("--rejected", "opinion", flag_value="rejected", help="The verdict is wrong.")
@click.option("--none", "opinion", flag_value="none", help="Take it back.")
@click.option("--author", default="", metavar="NAME", help="Who says so.")
@one_line_errors()
def review(
    folder: Path, ids: Sequence[int], *, opinion: Review | Literal["none"] | None, author: str
) -> None:
    """Say whether verdicts are right."""
    from engine.cli.station_queue import note_review

    if opinion is None:
        raise click.UsageError("say --accepted, --rejected or --none")
    note_review(folder, ids, opinion=None if opinion == "none" else opinion, author=author)


@station.command()
@_folder
@_filters
@options.writes("--csv", "csv_path", help="Write a table.")
@options.writes("--jsonl", "jsonl_path", help="Write one JSON object an image.")
@options.writes("--html", "html_path", help="Write a page on why; images are judged again.")
@one_line_errors()
def export(
    folder: Path,
    *,
    query: Filters,
    csv_path: Path | None,
    jsonl_path: Path | None,
    html_path: Path | None,
) -> None:
    """Write verdicts to files."""
    from engine.cli.station_queue import export_entries

    if not (csv_path or jsonl_path or html_path):
        raise click.UsageError("say --csv, --jsonl or --html")
    export_entries(
        folder, query=query, csv_path=csv_path, jsonl_path=jsonl_path, html_path=html_path
    )


@station.command(epilog=LIBRARY_ENVIRONMENT)
@_folder
@click.argument("watched", type=options.FILE, required=False, metavar="[FOLDER]")
@click.option("--model", type=options.FILE, metavar="MODEL.pw", help="What judges its images.")
@options.library
@click.option("--stop", "stopped", type=int, metavar="ID", help="Watch a folder no longer.")
@one_line_errors()
def watch(
    folder: Path,
    watched: Path | None,
    *,
    model: Path | None,
    library: str | None,
    stopped: int | None,
) -> None:
    """Judge the images in FOLDER, those to come, too.

    Without FOLDER, lists what is watched.
    """
    from engine.cli.station_queue import watch_folder

    if watched is not None and model is None:
        raise click.UsageError("say by --model what judges the images")
    watch_folder(folder, watched, model=model, library=library, stopped=stopped)


@station.command()
@_folder
@click.argument("ids", type=int, nargs=-1, metavar="[ID]...")
@_filters
@one_line_errors()
def rejudge(folder: Path, ids: Sequence[int], *, query: Filters) -> None:
    """Queue images again, by ID or by what they have in common."""
    from engine.cli.station_queue import requeue

    if not ids and not any(query.values()):
        raise click.UsageError("name entries by their IDs or by an option")
    requeue(folder, ids, query=query)


@station.command()
@_folder
@click.option("--batch", type=int, metavar="ID", help="Only of this batch.")
@click.option("--job", type=int, metavar="ID", help="End this job instead.")
@one_line_errors()
def cancel(folder: Path, *, batch: int | None, job: int | None) -> None:
    """Take what waits out of the queue."""
    from engine.cli.station_queue import empty_queue

    empty_queue(folder, batch=batch, job=job)
