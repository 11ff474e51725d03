"""Arguments and options that several commands share, and their records.

Options that belong together reach a command as one parameter: ``machine`` and ``place``.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

MAX_PIXELS = (
    120_000_000  # equals features.image_files.MAX_PIXELS, whose import loads NumPy and OpenCV
)
DEFAULT_LIBRARY = "default"

LIBRARY_ENVIRONMENT = """\b
Environment:
  PARTWISE_LIBRARY  the library where --library is not given
"""

FILE = click.Path(path_type=Path)

Command = Callable[..., Any]


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


def writes(
    *names: str, metavar: str = "FILE", help: str, **more: Any
) -> Callable[[Command], Command]:
    """Declare an option that names a file or folder to write."""
    return click.option(*names, type=FILE, metavar=metavar, help=help, **more)


model = click.argument("model", type=FILE, metavar="MODEL.pw")
images = click.argument("images", type=FILE, nargs=-1, required=True, metavar="IMAGE_OR_FOLDER...")
config = click.option(
    "-c",
    "--config",
    metavar="CONFIG",
    help="A TOML file, or a preset: default, paper or competition.",
)
profile = click.option(
    "--profile",
    metavar="NAME",
    help="embedded, cnn, foundation or foundation-fast; overrides that of the config.  "
    "[default: that of the config; without one cnn]",
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
author = click.option("--author", metavar="NAME", help="Who says so.  [default: user@computer]")
as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")
as_jsonl = click.option("--jsonl", "is_jsonl", is_flag=True, help="Print one JSON object an image.")
library = click.option(
    "--library",
    metavar="URL",
    envvar="PARTWISE_LIBRARY",
    help="A SQLite file or a postgresql:// URL.  [default: MODEL.regions.db]",
)
_library_name = click.option(
    "--name",
    "--library-name",
    "library_name",
    default=DEFAULT_LIBRARY,
    show_default=True,
    metavar="LIBRARY",
    help="Which of the libraries in that database.",
)


def machine(command: Command) -> Command:
    """Declare on what the networks of a profile run.

    The command gets what was given as ``machine``, by name; what is left out stays as it is.
    """

    @click.option("--device", metavar="NAME", help="Of the networks: auto, cpu, cuda or mps.")
    @click.option("--runtime", metavar="NAME", help="Of the backbone: torch, onnx or openvino.")
    @click.option("--precision", metavar="NAME", help="Of the networks: fp32, bf16 or fp16.")
    @wraps(command)
    def packed(
        *, device: str | None, runtime: str | None, precision: str | None, **others: Any
    ) -> None:
        values = {"device": device, "runtime": runtime, "precision": precision}
        given = {name: value for name, value in values.items() if value is not None}
        command(machine=given, **others)

    return packed


@dataclass(frozen=True)
class Place:
    """Where a library is; without ``library``, a path or URL, it lies beside the model."""

    model: Path
    library: str | None = None
    name: str = DEFAULT_LIBRARY

    @property
    def address(self) -> str | Path:
        """Where the database is.

        Raises:
            ModelFileError: It would lie beside a model that is not there.
        """
        if self.library is not None:
            return self.library
        if not self.model.is_file():
            from engine.model_file import ModelFileError
            from features.names import show_name

            raise ModelFileError(
                f"{show_name(self.model)}: no such model file; check the path, or make it with "
                "`partwise fit`"
            )
        return self.model.with_suffix(".regions.db")

    @property
    def shown(self) -> str:
        """Name the database in a message, without any password."""
        from engine.library.connection import address_of

        return address_of(self.address).shown

    def call(self, command: str, *words: str) -> str:
        """Write out a command about this library, as a shell takes it; it holds no password."""
        from features.names import shell_command

        options = []
        if self.library not in (None, os.environ.get("PARTWISE_LIBRARY")):
            options += ["--library", self.shown]
        if self.name != DEFAULT_LIBRARY:
            options += ["--name", self.name]
        return shell_command(["partwise", "region", command, str(self.model), *words, *options])


def place(command: Command) -> Command:
    """Declare which library of taught regions is meant.

    The command gets it as ``place``, together with the argument ``model``.
    """

    @library
    @_library_name
    @wraps(command)
    def packed(*, model: Path, library: str | None, library_name: str, **others: Any) -> None:
        command(place=Place(model, library, library_name), **others)

    return packed


def regions(command: Command) -> Command:
    """Declare that what was taught may count, and which library holds it.

    The command gets ``place``, which is None without --regions.
    """

    @click.option(
        "--regions",
        "is_with_regions",
        is_flag=True,
        help="Let what `partwise region` taught count.",
    )
    @library
    @_library_name
    @wraps(command)
    def packed(
        *,
        model: Path,
        library: str | None,
        library_name: str,
        is_with_regions: bool,
        **others: Any,
    ) -> None:
        if not is_with_regions:
            _refuse_library()
        place = Place(model, library, library_name) if is_with_regions else None
        command(model=model, place=place, **others)

    return packed


def _refuse_library() -> None:
    """Refuse a library that was named on the command line, but is not to be used."""
    source = click.get_current_context().get_parameter_source
    for each in ("library", "library_name"):
        if source(each) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError("a library is used only with --regions; add that")
