"""How is ``partwise station`` called?"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from engine.commands import arguments
from engine.commands.failures import one_line_errors

ENVIRONMENT = """\b
Environment:
  PARTWISE_LIBRARY  the library where --library is not given
"""

Command = TypeVar("Command", bound=Callable[..., Any])

folder = click.argument("folder", type=arguments.FILE, metavar="STATION_DIR")
model = click.option(
    "--model", type=arguments.FILE, required=True, metavar="MODEL.pw", help="What judges them."
)
library = click.option(
    "--library",
    metavar="URL",
    envvar="PARTWISE_LIBRARY",
    help="A SQLite file or a postgresql:// URL.  [default: MODEL.regions.db]",
)
ids = click.argument("ids", type=int, nargs=-1, metavar="[ID]...")
some_ids = click.argument("ids", type=int, nargs=-1, required=True, metavar="ID...")
_DAYS = ["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]


def filters(command: Command) -> Command:
    """Declare which entries are meant."""
    for option in (
        click.option("--batch", type=int, metavar="ID", help="Of this batch."),
        click.option("--until", type=click.DateTime(_DAYS), metavar="DATE", help="Added before."),
        click.option("--since", type=click.DateTime(_DAYS), metavar="DATE", help="Added since."),
        click.option(
            "--review",
            "reviews",
            multiple=True,
            type=click.Choice(["accepted", "rejected", "none"]),
            help="What a person thought of the verdict; repeatable.",
        ),
        click.option(
            "--class", "classes", multiple=True, metavar="NAME", help="Concerned; repeatable."
        ),
        click.option(
            "--verdict",
            "verdicts",
            multiple=True,
            type=click.Choice(["normal", "anomaly"]),
            help="Repeatable.",
        ),
        click.option(
            "--state",
            "states",
            multiple=True,
            type=click.Choice(["queued", "running", "done", "failed", "cancelled"]),
            help="Repeatable.",
        ),
        click.option(
            "--model", type=arguments.FILE, metavar="MODEL.pw", help="Judged by this model."
        ),
    ):
        command = option(command)
    return command


def taken_filters(given: dict[str, Any]) -> dict[str, Any]:
    """Take what ``filters`` declares out of the arguments."""
    names = ("model", "states", "verdicts", "classes", "reviews", "since", "until", "batch")
    taken = {name: given.pop(name) for name in names}
    taken["reviews"] = [None if each == "none" else each for each in taken["reviews"]]
    for name in ("since", "until"):
        if isinstance(taken[name], datetime):
            taken[name] = taken[name].astimezone()
    return taken


@click.group(epilog=ENVIRONMENT)
def station() -> None:
    """Judge images from a queue, as the app does.

    It outlives crashes.

    STATION_DIR is the folder that `partwise ui --station` names; it is made where it is not there.
    Both may use it at the same time.
    """


@station.command(epilog=ENVIRONMENT)
@folder
@click.argument(
    "images", type=arguments.FILE, nargs=-1, required=True, metavar="IMAGE_OR_FOLDER..."
)
@model
@library
@click.option("--copy", "is_copied", is_flag=True, help="Keep copies of the images.")
@arguments.max_pixels
@one_line_errors()
def add(**given: Any) -> None:
    """Queue images.

    They are judged by `run`, or by the app if that is open.
    """
    from engine.commands.station_queue import run_add

    sys.exit(run_add(**given))


@station.command("list")
@folder
@filters
@click.option(
    "--order",
    type=click.Choice(["newest", "oldest", "worst", "best", "name"]),
    default="newest",
    show_default=True,
    help="Of the lines.",
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first.")
@click.option("--jsonl", "is_jsonl", is_flag=True, help="Print one JSON object an image.")
@one_line_errors()
def list_entries(**given: Any) -> None:
    """List images with their verdicts, and count them."""
    from engine.commands.station_list import run_list

    sys.exit(run_list(query=taken_filters(given), **given))


@station.command()
@folder
@click.option("--keep-on", is_flag=True, help="Go on, for watched folders, until Ctrl-C.")
@arguments.max_pixels
@one_line_errors()
def run(**given: Any) -> None:
    """Judge what is queued, and do the jobs that wait.

    While another process works on this station, its progress is shown.
    """
    from engine.commands.station_queue import run_queue

    sys.exit(run_queue(**given))


@station.command()
@folder
@some_ids
@click.option("--accepted", "opinion", flag_value="accepted", help="The verdict is right.")
@click.option("--rejected", "opinion", flag_value="rejected", help="The verdict is wrong.")
@click.option("--none", "opinion", flag_value="none", help="Take it back.")
@click.option("--author", default="", metavar="NAME", help="Who says so.")
@one_line_errors()
def review(**given: Any) -> None:
    """Say whether verdicts are right."""
    from engine.commands.station_queue import run_review

    opinion = given.pop("opinion")
    if opinion is None:
        raise click.UsageError("say --accepted, --rejected or --none")
    sys.exit(run_review(opinion=None if opinion == "none" else opinion, **given))


@station.command()
@folder
@filters
@arguments.writes("--csv", "csv_path", help="Write a table.")
@arguments.writes("--jsonl", "jsonl_path", help="Write one JSON object an image.")
@arguments.writes("--html", "html_path", help="Write a page on why; images are judged again.")
@one_line_errors()
def export(**given: Any) -> None:
    """Write verdicts to files."""
    from engine.commands.station_list import run_export

    if not any(given[name] for name in ("csv_path", "jsonl_path", "html_path")):
        raise click.UsageError("say --csv, --jsonl or --html")
    sys.exit(run_export(query=taken_filters(given), **given))


@station.command(epilog=ENVIRONMENT)
@folder
@click.argument("watched", type=arguments.FILE, required=False, metavar="[FOLDER]")
@click.option("--model", type=arguments.FILE, metavar="MODEL.pw", help="What judges its images.")
@library
@click.option("--stop", "stopped", type=int, metavar="ID", help="Watch a folder no longer.")
@one_line_errors()
def watch(**given: Any) -> None:
    """Judge the images in FOLDER, those to come, too.

    Without FOLDER, lists what is watched.
    """
    from engine.commands.station_queue import run_watch

    if given["watched"] is not None and given["model"] is None:
        raise click.UsageError("say by --model what judges the images")
    sys.exit(run_watch(**given))


@station.command()
@folder
@ids
@filters
@one_line_errors()
def rejudge(**given: Any) -> None:
    """Queue images again, by ID or by what they have in common."""
    from engine.commands.station_queue import run_rejudge

    query = taken_filters(given)
    if not given["ids"] and not any(query.values()):
        raise click.UsageError("name entries by their IDs or by an option")
    sys.exit(run_rejudge(query=query, **given))


@station.command()
@folder
@click.option("--batch", type=int, metavar="ID", help="Only of this batch.")
@click.option("--job", type=int, metavar="ID", help="End this job instead.")
@one_line_errors()
def cancel(**given: Any) -> None:
    """Take what waits out of the queue."""
    from engine.commands.station_queue import run_cancel

    sys.exit(run_cancel(**given))
