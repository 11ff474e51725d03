"""``partwise weights``: which weights are here, and how they get here."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.cli.failures import BAD_USAGE, one_line_errors
from engine.cli.terminal import progress, say, say_json

if TYPE_CHECKING:
    from features.progress import ProgressReporter
    from features.weights.locations import Site
    from features.weights.registry import Known
    from features.weights.store import Verdict

_MB = 1_000_000

_ENVIRONMENT = """\b
Environment:
  PARTWISE_WEIGHTS        the folder to keep weights in, a shared or copied one, say
  HF_HOME, HF_HUB_CACHE   caches of the Hugging Face hub; what is there is used
  HF_ENDPOINT             a mirror of the hub
  HF_TOKEN                a token, for repositories whose licence must be accepted
  HF_HUB_OFFLINE          1 forbids all fetching
  PARTWISE_SAM_ENDPOINT   a mirror of dl.fbaipublicfiles.com/segment_anything
"""

_converted = click.option(
    "--convert",
    "is_converted",
    is_flag=True,
    help="Keep safetensors instead of a PyTorch file; needs torch.",
)


@click.group(epilog=_ENVIRONMENT)
def weights() -> None:
    """Fetch, check and list the weights of large networks."""


@weights.command("list")
@options.as_json
@one_line_errors()
def list_weights(*, is_json: bool) -> None:
    """List known weights: name, size, licence, source and place."""
    from features.weights.locations import Site
    from features.weights.registry import KNOWN

    site = Site.from_environment()
    rows = [_facts(weights, site) for weights in KNOWN]
    if is_json:
        say_json(rows, indent=2)
    else:
        for line in _lines(rows):
            say(line)


@weights.command("get", epilog=_ENVIRONMENT)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@_converted
@click.option("--force", "is_forced", is_flag=True, help="Fetch again what is here.")
@one_line_errors()
def get_weights(names: Sequence[str], *, is_converted: bool, is_forced: bool) -> None:
    """Fetch weights and check them.

    What is here already is left alone. Interrupted, it goes on where it was.
    """
    from features.names import show_name
    from features.weights.download import obtain
    from features.weights.locations import Site
    from features.weights.registry import KNOWN, find

    site = Site.from_environment()
    for weights in [find(name, KNOWN) for name in names]:
        with _megabytes() as tell:
            place = obtain(weights, site, is_converted=is_converted, is_forced=is_forced, tell=tell)
        say(f"{weights.name}: {show_name(place)}")


@weights.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME...]")
@one_line_errors()
def verify_weights(names: Sequence[str]) -> None:
    """Read the weights on this machine and compare their SHA-256.

    A corrupted file is renamed, so that nothing loads it; the exit code is 2 then. Without NAME all
    weights are verified.
    """
    from features.weights.locations import Site
    from features.weights.registry import KNOWN, find
    from features.weights.store import missing, verify

    site = Site.from_environment()
    chosen = [find(name, KNOWN) for name in names] or list(KNOWN)
    verdicts: list[Verdict] = []
    for weights in chosen:
        with _megabytes() as tell:
            found = list(verify(weights, site, tell=tell))
        if names and not found:
            raise missing(weights, site)
        for verdict in found:
            say(_line(verdict))
        verdicts += found
    if not verdicts:
        say("no weights on this machine; fetch some with `partwise weights get NAME`")
    if any(verdict.problem for verdict in verdicts):
        sys.exit(BAD_USAGE)


@weights.command("import")
@click.argument("path", type=options.FILE, metavar="FILE_OR_DIR")
@click.option("--name", metavar="NAME", help="Which weights they are, where this leaves a choice.")
@_converted
@one_line_errors()
def import_weights(path: Path, *, name: str | None, is_converted: bool) -> None:
    """Check weights that were copied by hand, and keep a copy.

    FILE_OR_DIR is an official .pth file, or a folder of config.json and model.safetensors.
    """
    from features.names import show_name
    from features.weights import importing
    from features.weights.locations import Site

    site = Site.from_environment()
    with _megabytes() as tell:
        weights, place = importing.import_weights(
            path, site, name=name, is_converted=is_converted, tell=tell
        )
    say(f"{weights.name}: {show_name(place)}")


@contextmanager
def _megabytes() -> Iterator[ProgressReporter]:
    with progress() as tell:
        yield lambda stage, done, total: tell(f"{stage}, MB", done // _MB, total // _MB)


def _facts(weights: Known, site: Site) -> dict[str, Any]:
    from features.weights.store import copies_of

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


def _lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    from features.names import show_name

    widths = {key: max(len(row[key]) for row in rows) for key in ("name", "licence", "source")}
    return [
        f"{row['name']:{widths['name']}}  {row['size_bytes'] / _MB:5,.0f} MB  "
        f"{row['licence']:{widths['licence']}}  {row['source']:{widths['source']}}  "
        f"{show_name(row['path'] or '-')}"
        for row in rows
    ]


def _line(verdict: Verdict) -> str:
    from features.names import show_name

    place = f"{verdict.name}: {show_name(verdict.path)}"
    if verdict.problem is None:
        state = "ok" if verdict.has_sum else "complete; nothing says what its SHA-256 should be"
        return f"{place}: {state}"
    aside = f"; renamed to {show_name(verdict.moved_to)}" if verdict.moved_to else ""
    return f"{verdict.name}: {verdict.problem}{aside}; run `partwise weights get {verdict.name}`"
