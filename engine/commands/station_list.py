"""``partwise station list`` and ``export``: what is in a station?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.commands.files import check_writable, write_text
from engine.commands.region_words import moment
from engine.commands.score import line_text
from engine.station import Entry, Station
from engine.station.entries import Order
from engine.station.exports import jsonl_text


def run_list(
    folder: Path, *, query: dict[str, Any], order: Order, limit: int | None, is_jsonl: bool
) -> int:
    """Print entries and their number; returns the exit code."""
    with Station(folder) as station:
        found = station.entries(order=order, limit=limit, **query)
        tally = station.tally(**query)
    if is_jsonl:
        click.echo(jsonl_text(found), nl=False)
        return 0
    for each in found:
        click.echo(_line(each))
    parts = [
        f"{getattr(tally, name)} {name}"
        for name in ("anomaly", "normal", "queued", "running", "failed", "cancelled")
        if getattr(tally, name)
    ]
    click.echo(f"{tally.total} images" + (f": {', '.join(parts)}" if parts else ""))
    return 0


def run_export(
    folder: Path,
    *,
    query: dict[str, Any],
    csv_path: Path | None,
    jsonl_path: Path | None,
    html_path: Path | None,
) -> int:
    """Write what was asked for; returns the exit code."""
    for path in (csv_path, jsonl_path, html_path):
        if path:
            check_writable(path)
    with Station(folder) as station:
        if csv_path:
            station.export_csv(csv_path, **query)
            click.echo(f"{csv_path} written")
        if jsonl_path:
            station.export_jsonl(jsonl_path, **query)
            click.echo(f"{jsonl_path} written")
        if html_path:
            found = station.entries(**query | {"states": ["done"]})
            write_text(html_path, station.report_html([each.id for each in found]))
            click.echo(f"{html_path}: {len(found)} images explained")
    return 0


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
