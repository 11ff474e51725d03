"""The command ``partwise``: what its commands are, and how the process is set up.

Modules of this folder declare commands and their arguments when imported. What a command does,
with every library it needs, is imported when it runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import io
import os
import sys
from typing import NoReturn

import click

from engine.cli.bench import bench, bench_compare, bench_regions
from engine.cli.classes import classes
from engine.cli.demo import demo
from engine.cli.failures import EXIT_CODES, Commands, run
from engine.cli.model import explain, fit, info
from engine.cli.region import region
from engine.cli.score import score
from engine.cli.station import station
from engine.cli.ui import ui
from engine.cli.weights import weights


def main() -> NoReturn:
    """Run the command line; never returns."""
    # Our matrices are small: on two busy cores the demo takes 82 s with a thread for each core and
    # 15 s with one, and threads may change the last digits. NumPy reads this when imported.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    for stream in (sys.stdout, sys.stderr):
        # File names need not be text, and not every terminal can show every letter.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    run(cli)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODES,
)
@click.version_option(package_name="partwise")
def cli() -> None:
    """Find logical and structural defects in images, from one to eight normal photographs."""


for command in (
    fit,
    score,
    explain,
    info,
    classes,
    region,
    bench,
    bench_regions,
    bench_compare,
    station,
    ui,
    weights,
    demo,
):
    cli.add_command(command)
