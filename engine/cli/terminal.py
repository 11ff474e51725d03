"""All that commands print: lines, JSON, tables, questions, and progress.

Nothing else in this folder writes to a stream: file names and other foreign text cannot break a
line here, nor reach the terminal as anything but letters.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pathlib import Path

    from engine.regions.report import FoundRegion, RegionReport
    from engine.report import Report
    from features.progress import ProgressReporter
    from features.region import Region

T = TypeVar("T")

_COLORS = {"normal": "green", "anomaly": "red", "error": "magenta"}

# how colours are switched on and off
_COLORING = re.compile(r"(\x1b\[[0-9;]*m)")


def say(line: str) -> None:
    """Print one line; whatever would make it two, or cannot be seen, is written out."""
    from features.names import one_line

    click.echo(one_line(line))


def say_judged(line: str) -> None:
    """Print what ``line_text`` wrote, the verdict in its colour."""
    from features.names import one_line

    verdict = line.partition(" ")[0]
    click.echo(click.style(line[:7], fg=_COLORS.get(verdict)) + one_line(line[7:]))


def say_json(value: Any, *, indent: int | None = None) -> None:
    """Print a value as JSON."""
    from features.names import json_text

    click.echo(json_text(value, indent=indent, default=str))


def say_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table with frames on a terminal, and one line a row elsewhere."""
    from features.names import one_line

    safe = [[one_line(cell) for cell in row] for row in rows]
    if is_terminal():
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(*titles)
        for row in safe:
            table.add_row(*map(Text, row))  # names may hold what rich takes for markup
        Console().print(table)
        return
    widths = [max(map(len, column)) for column in zip(titles, *safe, strict=True)]
    for line in (titles, *safe):
        cells = (f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        say("  ".join(cells).rstrip())


def say_tables(text: str) -> None:
    """Print tables of several lines, with colours."""
    from features.names import one_line

    for line in text.removesuffix("\n").split("\n"):
        pieces = _COLORING.split(line)
        click.echo("".join(each if i % 2 else one_line(each) for i, each in enumerate(pieces)))


def complain(error: object) -> None:
    """Print what is wrong with one thing among many to the standard error stream."""
    from features.names import one_line

    click.echo(f"Error: {one_line(str(error))}", err=True)


def remark(line: str) -> None:
    """Print what a person should know beside the results to the standard error stream."""
    from features.names import one_line

    click.echo(one_line(line), err=True)


def warn(line: str) -> None:
    """Print what nobody should overlook to the standard error stream."""
    from features.names import one_line

    click.secho(one_line(line), err=True, fg="red", bold=True)


def is_confirmed(question: str) -> bool:
    """Ask a person on the standard error stream."""
    from features.names import one_line

    return click.confirm(one_line(question), err=True)


def choose(question: str, choices: Sequence[str]) -> str:
    """Let a person choose on the standard error stream."""
    from features.names import one_line

    chosen: str = click.prompt(one_line(question), type=click.Choice(choices), err=True)
    return chosen


def is_terminal() -> bool:
    """Whether a person sees the lines as they are printed."""
    return sys.stdout.isatty()


def is_taken_by(*outputs: Path | None) -> bool:
    """Whether a file that a command writes is the standard output stream.

    Nothing else is printed there then, so that whoever reads it gets that file.
    """
    given = [path for path in outputs if path is not None]
    if not given:
        return False
    from engine.atomic import is_standard_output

    return any(map(is_standard_output, given))


def is_somebody_there() -> bool:
    """Whether a person can answer a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@contextmanager
def progress() -> Iterator[ProgressReporter]:
    """Give a function that takes a stage, how much of it is done and how much there is.

    Draws a bar on the standard error stream that vanishes at the end where that is a terminal, and
    nothing elsewhere.
    """
    if not sys.stderr.isatty():
        yield lambda stage, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from features.names import one_line

    # what is done may bear the name of a folder
    stage_column = TextColumn("{task.description}", markup=False)
    columns = (stage_column, BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True)
    with bar:
        task = bar.add_task("", total=None)

        def tell(stage: str, done: int, total: int) -> None:
            bar.update(task, description=one_line(stage), completed=done, total=total)

        yield tell


def watched(judged: Iterable[T], n_images: int) -> Iterator[T]:
    """Show the progress of judging where the lines do not."""
    with progress() as tell:
        for n_done, each in enumerate(judged, 1):
            tell("judging", n_done, n_images)
            yield each


def moment(time: datetime) -> str:
    """Write a time to the minute, as clocks show it here."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}"


def line_text(verdict: str, total: str, *words: str) -> str:
    """Write one line for people: verdict and total in columns, and what else there is."""
    rest = "  ".join(word for word in words if word)
    return f"{verdict:<7}  {total:>8}  {rest}"


def reason(report: Report | RegionReport) -> str:
    """Say in words why an image is an anomaly; nothing for a normal one."""
    from engine.regions.report import RegionReport

    if not report.is_anomaly:
        return ""
    if isinstance(report, RegionReport):
        is_explained = report.defects or report.unknown
        return report.reason if is_explained else reason(report.report)
    if report.headline is not None:
        return report.headline.text
    name = max(report.normalised, key=report.normalised.__getitem__)
    share = report.normalised[name] / report.total if report.total > 0 else 0.0
    return f"{name} is {share:.0%} of the total"


def report_text(report: RegionReport) -> str:
    """Write the verdict, which classes were found, and what else is wrong."""
    words = [each for each in dict.fromkeys((report.reason, reason(report))) if each]
    return f"{report.verdict}: {'; '.join(words) or 'nothing new'}"


def regions_text(regions: Sequence[FoundRegion]) -> str:
    """Write class, kind, confidence and place of every region."""
    return "; ".join(_region_text(each) for each in regions)


def _region_text(found: FoundRegion) -> str:
    kind = "" if found.kind == "unknown" else f" ({found.kind})"
    return f"{found.class_name}{kind} {found.confidence:.0%} at {box_text(found.region)}"


def box_text(region: Region) -> str:
    """Write a box as ``--box`` takes it."""
    return ",".join(map(str, region.box_xyxy))
