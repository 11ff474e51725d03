"""``partwise weights``: which weights are here, and how do they get here?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from engine.commands.failures import BAD_USAGE
from engine.commands.progress import Tell, progress
from features.weights.download import obtain
from features.weights.importing import import_weights
from features.weights.locations import Site
from features.weights.registry import KNOWN, Known, find
from features.weights.store import Verdict, copies_of, missing, verify

_MB = 1_000_000


def run_list(*, is_json: bool = False) -> int:
    """Print what is known of all weights; returns the exit code."""
    site = Site.from_environment()
    rows = [_facts(weights, site) for weights in KNOWN]
    click.echo(json.dumps(rows, indent=2) if is_json else _table(rows))
    return 0


def run_get(names: Sequence[str], *, is_converted: bool = False, is_forced: bool = False) -> int:
    """Fetch weights that are not here, and print where they lie; returns the exit code."""
    site = Site.from_environment()
    for weights in [find(name, KNOWN) for name in names]:
        with _megabytes() as tell:
            place = obtain(weights, site, is_converted=is_converted, is_forced=is_forced, tell=tell)
        click.echo(f"{weights.name}: {place}")
    return 0


def run_verify(names: Sequence[str]) -> int:
    """Read copies of weights anew and print what is found; returns the exit code."""
    site = Site.from_environment()
    chosen = [find(name, KNOWN) for name in names] or list(KNOWN)
    verdicts: list[Verdict] = []
    for weights in chosen:
        with _megabytes() as tell:
            found = list(verify(weights, site, tell=tell))
        if names and not found:
            raise missing(weights, site)
        for verdict in found:
            click.echo(_line(verdict))
        verdicts += found
    if not verdicts:
        click.echo("no weights on this machine; fetch some with `partwise weights get NAME`")
    return BAD_USAGE if any(verdict.problem for verdict in verdicts) else 0


def run_import(path: Path, *, name: str | None = None, is_converted: bool = False) -> int:
    """Copy weights to their place, and print it; returns the exit code."""
    site = Site.from_environment()
    with _megabytes() as tell:
        weights, place = import_weights(path, site, name=name, is_converted=is_converted, tell=tell)
    click.echo(f"{weights.name}: {place}")
    return 0


@contextmanager
def _megabytes() -> Iterator[Tell]:
    with progress() as tell:
        yield lambda stage, done, total: tell(f"{stage}, MB", done // _MB, total // _MB)


def _facts(weights: Known, site: Site) -> dict[str, Any]:
    place = next(copies_of(weights, site), None)
    return {
        "name": weights.name,
        "kind": weights.kind,
        "size_bytes": weights.size_bytes,
        "licence": weights.licence,
        "is_gated": weights.is_gated,
        "source": site.page(weights),
        "files": [file.name for file in weights.files if file.is_needed],
        "sha256": weights.model_file.sha256,
        "path": str(place) if place else None,
    }


def _table(rows: Sequence[dict[str, Any]]) -> str:
    widths = {key: max(len(row[key]) for row in rows) for key in ("name", "licence", "source")}
    return "\n".join(
        f"{row['name']:{widths['name']}}  {row['size_bytes'] / _MB:5,.0f} MB  "
        f"{row['licence']:{widths['licence']}}  {row['source']:{widths['source']}}  "
        f"{row['path'] or '-'}"
        for row in rows
    )


def _line(verdict: Verdict) -> str:
    place = f"{verdict.name}: {verdict.path}"
    if verdict.problem is None:
        state = "ok" if verdict.has_sum else "complete; nothing says what its SHA-256 should be"
        return f"{place}: {state}"
    aside = f"; renamed to {verdict.moved_to}" if verdict.moved_to else ""
    return f"{verdict.name}: {verdict.problem}{aside}; run `partwise weights get {verdict.name}`"
