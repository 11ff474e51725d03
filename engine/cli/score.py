"""``partwise score``: one line an image; and judging for other commands."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.cli.failures import ANOMALY, BROKEN_IMAGE, EXIT_CODES, one_line_errors
from engine.cli.terminal import (
    is_taken_by,
    is_terminal,
    line_text,
    reason,
    say_json,
    say_judged,
    watched,
)

if TYPE_CHECKING:
    from engine.inspector import Inspector
    from engine.regions.recogniser import Recogniser
    from engine.regions.report import RegionReport
    from engine.report import Report
    from features.images import Image

BY_HAND = "set by hand"


@click.command(epilog=EXIT_CODES)
@options.model
@options.images
@options.as_jsonl
@options.writes("--csv", "csv_path", help="Write a table as well, one row an image.")
@click.option(
    "--worst-first",
    "is_worst_first",
    is_flag=True,
    help="Print at the end: the highest total first, errors last.",
)
@click.option(
    "--fail-on-anomaly",
    "is_failing_on_anomaly",
    is_flag=True,
    help="End with exit code 3 if any image is an anomaly and none is broken.",
)
@options.regions
@options.threshold
@options.machine
@options.max_pixels
@one_line_errors()
def score(
    model: Path,
    images: Sequence[Path],
    *,
    is_jsonl: bool,
    csv_path: Path | None,
    is_worst_first: bool,
    is_failing_on_anomaly: bool,
    place: options.Place | None,
    threshold: float | None,
    machine: dict[str, str],
    max_pixels: int,
) -> None:
    """Judge images, one line each.

    The lines are in the order of the arguments, a folder's images by name. An image that cannot be
    judged has a line with its error. With --csv /dev/stdout, the table is all that is printed.
    """
    from engine.atomic import check_writable
    from engine.inspector import Inspector

    inspector = Inspector.load(model, machine=machine)
    found = find_images(images)
    if csv_path:
        check_writable(csv_path, inputs=[model, *sound(found)])
    with recogniser_at(place, inspector) as recogniser:
        judged = judge(
            inspector, found, max_pixels=max_pixels, threshold=threshold, recogniser=recogniser
        )
        code = _print(
            judged,
            len(found),
            is_jsonl=is_jsonl,
            csv_path=csv_path,
            is_worst_first=is_worst_first,
            is_failing_on_anomaly=is_failing_on_anomaly,
        )
    sys.exit(code)


@dataclass(frozen=True)
class _Line:
    """What is printed and tabulated of one image; no total where it could not be judged."""

    told: str | dict[str, Any]
    """A line for people, or what JSON says."""
    cells: dict[str, Any]
    total: float | None = None
    is_anomaly: bool = False


def _print(
    judged: Iterator[Judged | Unjudged],
    n_images: int,
    *,
    is_jsonl: bool,
    csv_path: Path | None,
    is_worst_first: bool,
    is_failing_on_anomaly: bool,
) -> int:
    """Print a line an image in the order asked for, and write the table; returns the exit code."""
    from engine.atomic import write_text

    is_quiet = is_taken_by(csv_path)
    lines: Iterator[_Line] = (_line(each, is_jsonl=is_jsonl) for each in judged)
    if is_worst_first:
        lines = iter(sorted(watched(lines, n_images), key=_rank))
    elif is_quiet or not is_terminal():  # else the lines show how far it is
        lines = watched(lines, n_images)

    n_broken = n_anomalies = 0
    table = []
    for line in lines:
        if not is_quiet:
            say_judged(line.told) if isinstance(line.told, str) else say_json(line.told)
        n_broken += line.total is None
        n_anomalies += line.is_anomaly
        if csv_path:
            table.append(line.cells)
    if csv_path:
        write_text(csv_path, _csv(table))
    if n_broken:
        return BROKEN_IMAGE
    return ANOMALY if is_failing_on_anomaly and n_anomalies else 0


def _rank(line: _Line) -> tuple[bool, float]:
    """Sort totals downwards, what has none last."""
    return line.total is None, -(line.total or 0.0)


def _line(each: Judged | Unjudged, *, is_jsonl: bool) -> _Line:
    from features.names import show_name

    if isinstance(each, Unjudged):
        cells = {"path": str(each.path), "error": each.error}
        return _Line(cells if is_jsonl else line_text("error", "–", each.error), cells)
    # the verdict on regions includes that on the image
    report = each.regions or each.report
    told = (
        {"path": str(each.path), **report.as_dict()}
        if is_jsonl
        else line_text(
            report.verdict, f"{each.report.total:.3f}", show_name(each.path), reason(report)
        )
    )
    return _Line(told, _cells(each), each.report.total, report.is_anomaly)


def _cells(judged: Judged) -> dict[str, Any]:
    report, regions = judged.report, judged.regions
    cells = {
        "path": str(judged.path),
        "score": report.total,
        "threshold": report.threshold,
        "verdict": report.verdict,
        **report.scores,
        **{f"{name}_normalised": value for name, value in report.normalised.items()},
        "calibration": report.calibration,
        "seconds": round(report.seconds, 4),
        "reason": reason(report),
        "error": "",
    }
    if regions is None:
        return cells
    return cells | {
        "verdict": regions.verdict,
        "reason": reason(regions),
        "regions": regions.reason,
        "score_without_regions": regions.plain.total,
    }


def _csv(table: list[dict[str, Any]]) -> str:
    """Write one row an image; an image without a report leaves all cells but two empty."""
    from features.names import csv_text

    fullest = max(table, key=len, default={})
    return csv_text(list(fullest) or ["path", "error"], table)


# Judgement of all images that some paths stand for


@dataclass(frozen=True)
class Judged:
    """One image and its report, and what was said of its regions if that was asked."""

    path: Path
    image: Image
    report: Report
    regions: RegionReport | None = None


@dataclass(frozen=True)
class Unjudged:
    """One path without a report, and why."""

    path: Path
    error: str


def find_images(paths: Iterable[Path]) -> list[Path | Unjudged]:
    """Give all image files that files and folders stand for, in order, and what stands for none."""
    from features.image_files import list_images
    from features.images import ImageError

    found: list[Path | Unjudged] = []
    for path in paths:
        try:
            found += list_images(path)
        except ImageError as error:
            found.append(Unjudged(path, str(error)))
    return found


def sound(found: Iterable[Path | Unjudged]) -> list[Path]:
    """Give the image files among what was found."""
    return [each for each in found if isinstance(each, Path)]


def judge(
    inspector: Inspector,
    images: Sequence[Path | Unjudged],
    *,
    max_pixels: int,
    threshold: float | None = None,
    recogniser: Recogniser | None = None,
) -> Iterator[Judged | Unjudged]:
    """Judge each image when it is asked for; one that cannot be judged stops no other.

    ``threshold`` replaces the one that the inspector has learnt. With a recogniser, what was taught
    counts, too; ``report`` then leaves accepted regions out.
    """
    from features.image_files import read_image
    from features.images import ImageError

    bits = inspector.fitted.significant_bits
    for each in images:
        if isinstance(each, Unjudged):
            yield each
            continue
        try:
            image = read_image(each, max_pixels=max_pixels, bits=bits)
            judged = _judged(each, image, inspector, recogniser)
        except ImageError as error:
            yield Unjudged(each, str(error))
            continue
        yield judged if threshold is None else _bounded(judged, threshold)


def _judged(
    path: Path,
    image: Image,
    inspector: Inspector,
    recogniser: Recogniser | None,
) -> Judged:
    if recogniser is None:
        return Judged(path, image, inspector.inspect(image))
    regions = recogniser.inspect(image)
    return Judged(path, image, replace(regions.report, seconds=regions.seconds), regions)


def _bounded(judged: Judged, threshold: float) -> Judged:
    """Replace the threshold."""

    def bounded(report: Report) -> Report:
        return replace(report, threshold=threshold, threshold_source=BY_HAND)

    regions = judged.regions
    if regions is not None:
        regions = replace(regions, report=bounded(regions.report), plain=bounded(regions.plain))
    return replace(judged, report=bounded(judged.report), regions=regions)


@contextmanager
def recogniser_at(place: options.Place | None, inspector: Inspector) -> Iterator[Recogniser | None]:
    """Open the library, if one is asked for, and only then import what reads it.

    Raises:
        LibraryError: It cannot be read, or does not fit the inspector.
    """
    if place is None:
        yield None
        return
    from engine.cli.region_library import to_read
    from engine.regions.recogniser import Recogniser

    with to_read(place) as library:
        yield Recogniser(inspector, library)
