"""How is ``partwise`` called?

Only arguments are declared here. What a command does, with every library it needs, is imported
when it runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from engine.commands.failures import one_line_errors

MAX_PIXELS = 120_000_000  # equals features.files.MAX_PIXELS, whose import takes half a second

EXIT_CODES = """\b
Exit codes:
  0    done
  1    an image could not be judged
  2    bad usage, input or output
  3    an anomaly was found, with --fail-on-anomaly
  130  interrupted
"""

FILE = click.Path(path_type=Path)

Command = TypeVar("Command", bound=Callable[..., Any])


def _numbers(least: int) -> Callable[[click.Context, click.Parameter, str], tuple[int, ...]]:
    """Make a callback that parses whole numbers from ``least`` on."""

    def parse(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
        try:
            numbers = tuple(int(text) for text in value.split(","))
        except ValueError:
            numbers = ()
        if not numbers or min(numbers) < least:
            expected = f"expected whole numbers from {least} on, separated by commas"
            raise click.BadParameter(f"{expected}, got {value!r}")
        return numbers

    return parse


def _finite(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"expected a finite number, got {value}")
    return value


_model = click.argument("model", type=FILE, metavar="MODEL.pw")
_config = click.option(
    "-c",
    "--config",
    metavar="CONFIG",
    help="A TOML file, or a preset: default, paper or competition.",
)
_threshold = click.option(
    "--threshold",
    type=float,
    callback=_finite,
    metavar="X",
    help="Call an image an anomaly above this total instead of the learnt one.",
)
_max_pixels = click.option(
    "--max-pixels",
    type=click.IntRange(1),
    default=MAX_PIXELS,
    show_default=True,
    metavar="N",
    help="Refuse larger images: small files can unpack into very large ones.",
)


def _writes(
    *names: str, metavar: str = "FILE", help: str, **more: Any
) -> Callable[[Command], Command]:
    """Declare an option that names a file or folder to write."""
    return click.option(*names, type=FILE, metavar=metavar, help=help, **more)


def main() -> None:
    """Run the command line; never returns."""
    for stream in (sys.stdout, sys.stderr):
        # File names need not be text, and not every terminal can show every letter.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    cli(prog_name="partwise")


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODES,
)
@click.version_option(package_name="partwise")
def cli() -> None:
    """Find logical and structural defects in images, from one to eight normal photographs."""


@cli.command()
@click.argument("references", type=FILE, nargs=-1, required=True, metavar="REFERENCE...")
@_writes("-o", "--output", metavar="MODEL.pw", required=True, help="The model to write.")
@_config
@click.option("--profile", metavar="NAME", help="Overrides the profile of the config.")
@click.option(
    "--validation", type=FILE, metavar="DIR", help="More normal images, to set the threshold."
)
@_max_pixels
@one_line_errors()
def fit(**arguments: Any) -> None:
    """Learn from normal images.

    REFERENCE is an image or a folder of images.
    """
    from engine.commands.fit import run

    sys.exit(run(**arguments))


@cli.command(epilog=EXIT_CODES)
@_model
@click.argument("images", type=FILE, nargs=-1, required=True, metavar="IMAGE_OR_FOLDER...")
@click.option("--jsonl", "is_jsonl", is_flag=True, help="Print one JSON object an image.")
@_writes("--csv", "csv_path", help="Write a table as well, one row an image.")
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
@_threshold
@_max_pixels
@one_line_errors()
def score(**arguments: Any) -> None:
    """Judge images, one line each.

    The lines are in the order of the arguments, a folder's images by name. An image that cannot be
    judged has a line with its error.
    """
    from engine.commands.score import run

    sys.exit(run(**arguments))


@cli.command(epilog=EXIT_CODES)
@_model
@click.argument("images", type=FILE, nargs=-1, required=True, metavar="IMAGE...")
@_writes("-o", "--output", metavar="REPORT.html", required=True, help="The page to write.")
@_threshold
@_max_pixels
@one_line_errors()
def explain(**arguments: Any) -> None:
    """Show on one HTML page why images are judged as they are.

    IMAGE is an image or a folder of images. The page needs no network.
    """
    from engine.commands.explain import run

    sys.exit(run(**arguments))


@cli.command()
@click.argument("root", type=FILE)
@click.option(
    "--category", "categories", multiple=True, metavar="NAME", help="Only this one; repeatable."
)
@click.option(
    "--shots",
    callback=_numbers(1),
    default="1,2,4,8",
    show_default=True,
    metavar="K,...",
    help="Numbers of references.",
)
@click.option(
    "--seeds",
    callback=_numbers(0),
    default="42,0,1234",
    show_default=True,
    metavar="SEED,...",
    help="Each draws other references.",
)
@_config
@click.option(
    "--perturb",
    "is_perturbed",
    is_flag=True,
    help="Turn test images by up to ±15°, shift and scale them by up to ±10 %.",
)
@_writes("--json", "json_path", help="Write every result; if interrupted, run again to go on.")
@_writes("--html", "html_path", help="Write a page with charts.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes of one thread each.",
)
@_max_pixels
@one_line_errors()
def bench(**arguments: Any) -> None:
    """Measure the method on a data set.

    ROOT is laid out like MVTec LOCO or MVTec AD, or has categories with train/good and
    test/<type>; it may also be one category.
    """
    from engine.commands.bench import run

    sys.exit(run(**arguments))


@cli.command()
@_writes(
    "-o", "--output", metavar="DIR", default="demo", show_default=True, help="The folder to write."
)
@one_line_errors()
def demo(**arguments: Any) -> None:
    """Try everything on a small rendered data set.

    Renders images, learns from 4 of them, judges the others and writes model and reports.
    """
    from engine.demo import run

    sys.exit(run(**arguments))


@cli.command()
@_model
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
@one_line_errors()
def info(**arguments: Any) -> None:
    """Say what a model has learnt."""
    from engine.commands.info import run

    sys.exit(run(**arguments))
