"""``partwise score``: one line an image."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.commands.failures import ANOMALY, BROKEN_IMAGE
from engine.commands.files import check_writable, write_text
from engine.commands.judging import Judged, Unjudged, find_images, judge, sound
from engine.commands.progress import progress
from engine.commands.recognising import recogniser_at
from engine.inspector import Inspector
from engine.regions.report import RegionReport
from engine.report import Report

if TYPE_CHECKING:
    from engine.commands.region_library import Place


@dataclass(frozen=True)
class Line:
    """What is printed and tabulated of one image; no total where it could not be judged."""

    text: str
    cells: dict[str, Any]
    total: float | None = None
    is_anomaly: bool = False


def run(
    model: Path,
    images: Sequence[Path],
    *,
    is_jsonl: bool = False,
    csv_path: Path | None = None,
    is_worst_first: bool = False,
    is_failing_on_anomaly: bool = False,
    threshold: float | None = None,
    machine: dict[str, str] | None = None,
    max_pixels: int,
    place: Place | None = None,
) -> int:
    """Judge images, print each as soon as its line is due; returns the exit code.

    With the place of a library, what was taught counts, too.
    """
    inspector = Inspector.load(model, machine=machine)
    found = find_images(images)
    if csv_path:
        check_writable(csv_path, inputs=[model, *sound(found)])
    with recogniser_at(place, inspector) as recogniser:
        judged = judge(
            inspector, found, max_pixels=max_pixels, threshold=threshold, recogniser=recogniser
        )
        return _print(
            judged,
            len(found),
            is_jsonl=is_jsonl,
            csv_path=csv_path,
            is_worst_first=is_worst_first,
            is_failing_on_anomaly=is_failing_on_anomaly,
        )


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
    lines: Iterator[Line] = (_line(each, is_jsonl=is_jsonl) for each in judged)
    if is_worst_first:
        lines = iter(sorted(_watched(lines, n_images), key=_rank))
    elif not sys.stdout.isatty():  # else the lines show how far it is
        lines = _watched(lines, n_images)

    n_broken = n_anomalies = 0
    table = []
    for line in lines:
        click.echo(line.text)
        n_broken += line.total is None
        n_anomalies += line.is_anomaly
        if csv_path:
            table.append(line.cells)
    if csv_path:
        write_text(csv_path, _csv(table))
    if n_broken:
        return BROKEN_IMAGE
    return ANOMALY if is_failing_on_anomaly and n_anomalies else 0


def _watched(lines: Iterator[Line], n_lines: int) -> Iterator[Line]:
    with progress() as tell:
        for n_done, line in enumerate(lines, 1):
            tell("judging", n_done, n_lines)
            yield line


def _rank(line: Line) -> tuple[bool, float]:
    """Sort totals downwards, what has none last."""
    return line.total is None, -(line.total or 0.0)


def _line(each: Judged | Unjudged, *, is_jsonl: bool) -> Line:
    path = str(each.path)
    if isinstance(each, Unjudged):
        cells = {"path": path, "error": each.error}
        return Line(json.dumps(cells) if is_jsonl else line_text("error", "–", each.error), cells)
    # the verdict on regions includes that on the image
    report = each.regions or each.report
    text = (
        json.dumps({"path": path, **report.as_dict()}, allow_nan=False)
        if is_jsonl
        else line_text(report.verdict, f"{each.report.total:.3f}", path, reason(report))
    )
    return Line(text, _cells(each), each.report.total, report.is_anomaly)


def line_text(verdict: str, total: str, *words: str) -> str:
    """Write one line for people: verdict and total in columns, and what else there is."""
    color = {"normal": "green", "anomaly": "red", "error": "magenta"}[verdict]
    rest = "  ".join(word for word in words if word)
    return f"{click.style(f'{verdict:<7}', fg=color)}  {total:>8}  {rest}"


def reason(report: Report | RegionReport) -> str:
    """Say in words why an image is an anomaly; nothing for a normal one."""
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
    fullest = max(table, key=len, default={})
    text = io.StringIO()
    writer = csv.DictWriter(text, list(fullest) or ["path", "error"], restval="")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()
