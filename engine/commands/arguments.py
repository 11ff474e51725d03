"""Which arguments do several commands share, and how are their values read?"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from engine.commands.region_library import Place

MAX_PIXELS = (
    120_000_000  # equals features.image_files.MAX_PIXELS, whose import loads NumPy and OpenCV
)

FILE = click.Path(path_type=Path)

Command = TypeVar("Command", bound=Callable[..., Any])


def numbers(least: int) -> Callable[[click.Context, click.Parameter, str], tuple[int, ...]]:
    """Make a callback that parses whole numbers from ``least`` on."""

    def parse(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
        try:
            found = tuple(int(text) for text in value.split(","))
        except ValueError:
            found = ()
        if not found or min(found) < least:
            expected = f"expected whole numbers from {least} on, separated by commas"
            raise click.BadParameter(f"{expected}, got {value!r}")
        return found

    return parse


def finite(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    """Refuse NaN and infinity, which are numbers to Python."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"expected a finite number, got {value}")
    return value


model = click.argument("model", type=FILE, metavar="MODEL.pw")
config = click.option(
    "-c",
    "--config",
    metavar="CONFIG",
    help="A TOML file, or a preset: default, paper or competition.",
)
profile = click.option(
    "--profile",
    metavar="NAME",
    help="embedded, foundation or foundation-fast; overrides that of the config.",
)
threshold = click.option(
    "--threshold",
    type=float,
    callback=finite,
    metavar="X",
    help="Call an image an anomaly above this total instead of the learnt one.",
)
max_pixels = click.option(
    "--max-pixels",
    type=click.IntRange(1),
    default=MAX_PIXELS,
    show_default=True,
    metavar="N",
    help="Refuse larger images: small files can unpack into very large ones.",
)


def library(command: Command) -> Command:
    """Declare which library of taught regions is meant."""
    for option in (
        click.option(
            "--name",
            "--library-name",
            "library_name",
            default="default",
            show_default=True,
            metavar="LIBRARY",
            help="Which of the libraries in that database.",
        ),
        click.option(
            "--library",
            metavar="URL",
            envvar="PARTWISE_LIBRARY",
            help="A SQLite file or a postgresql:// URL.  [default: MODEL.regions.db]",
        ),
    ):
        command = option(command)
    return command


def regions(command: Command) -> Command:
    """Declare that what was taught may count, and which library holds it."""
    text = "Let what `partwise region` taught count."
    return click.option("--regions", "is_with_regions", is_flag=True, help=text)(library(command))


def take_place(given: dict[str, Any]) -> Place | None:
    """Take what ``regions`` declares out of the arguments; None without --regions.

    Raises:
        click.UsageError: A library was named on the command line, but is not to be used.
    """
    library, name = given.pop("library"), given.pop("library_name")
    if given.pop("is_with_regions"):
        from engine.commands.region_library import Place

        return Place(given["model"], library, name)
    source = click.get_current_context().get_parameter_source
    for each in ("library", "library_name"):
        if source(each) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError("a library is used only with --regions; add that")
    return None


def writes(
    *names: str, metavar: str = "FILE", help: str, **more: Any
) -> Callable[[Command], Command]:
    """Declare an option that names a file or folder to write."""
    return click.option(*names, type=FILE, metavar=metavar, help=help, **more)


def machine(command: Command) -> Command:
    """Declare on what the networks of a foundation profile run; what is left out stays as it is."""
    for option in (
        click.option("--precision", metavar="NAME", help="Of the networks: fp32, bf16 or fp16."),
        click.option("--runtime", metavar="NAME", help="Of the backbone: torch, onnx or openvino."),
        click.option("--device", metavar="NAME", help="Of the networks: auto, cpu, cuda or mps."),
    ):
        command = option(command)
    return command
