"""Which arguments do several commands share, and how are their values read?"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

MAX_PIXELS = 120_000_000  # equals features.files.MAX_PIXELS, whose import loads NumPy and OpenCV

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
