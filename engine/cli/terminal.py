"""Progress of long commands, and lines about verdicts, regions and times."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from engine.regions.report import FoundRegion, RegionReport
    from engine.report import Report
    from features.progress import ProgressReporter
    from features.region import Region

T = TypeVar("T")


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

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True)
    with bar:
        task = bar.add_task("", total=None)

        def tell(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total)

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
    color = {"normal": "green", "anomaly": "red", "error": "magenta"}[verdict]
    rest = "  ".join(word for word in words if word)
    return f"{click.style(f'{verdict:<7}', fg=color)}  {total:>8}  {rest}"


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
