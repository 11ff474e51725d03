"""How is ``partwise`` called?

Only arguments are declared here. What a command does, with every library it needs, is imported
when it runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any

import click

from engine.commands import arguments
from engine.commands.bench_compare_cli import bench_compare
from engine.commands.classes_cli import classes
from engine.commands.failures import one_line_errors
from engine.commands.region_cli import region
from engine.commands.station_cli import station
from engine.commands.ui_cli import ui
from engine.commands.weights_cli import weights

EXIT_CODES = """\b
Exit codes:
  0    done
  1    an image could not be judged
  2    bad usage, input or output
  3    an anomaly was found, with --fail-on-anomaly
  130  interrupted
"""


def main() -> None:
    """Run the command line; never returns."""
    # Our matrices are small: on two busy cores the demo takes 82 s with a thread for each core and
    # 15 s with one, and threads may change the last digits. NumPy reads this when imported.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
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
@click.argument("references", type=arguments.FILE, nargs=-1, required=True, metavar="REFERENCE...")
@arguments.writes("-o", "--output", metavar="MODEL.pw", required=True, help="The model to write.")
@arguments.config
@arguments.profile
@click.option(
    "--validation",
    type=arguments.FILE,
    metavar="DIR",
    help="More normal images, to set the threshold.",
)
@arguments.machine
@arguments.max_pixels
@one_line_errors()
def fit(**given: Any) -> None:
    """Learn from normal images.

    REFERENCE is an image or a folder of images.
    """
    from engine.commands.fit import run
    from engine.commands.settings import take_machine

    sys.exit(run(machine=take_machine(given), **given))


@cli.command(epilog=EXIT_CODES)
@arguments.model
@click.argument(
    "images", type=arguments.FILE, nargs=-1, required=True, metavar="IMAGE_OR_FOLDER..."
)
@click.option("--jsonl", "is_jsonl", is_flag=True, help="Print one JSON object an image.")
@arguments.writes("--csv", "csv_path", help="Write a table as well, one row an image.")
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
@arguments.regions
@arguments.threshold
@arguments.machine
@arguments.max_pixels
@one_line_errors()
def score(**given: Any) -> None:
    """Judge images, one line each.

    The lines are in the order of the arguments, a folder's images by name. An image that cannot be
    judged has a line with its error.
    """
    from engine.commands.score import run
    from engine.commands.settings import take_machine

    place = arguments.take_place(given)
    sys.exit(run(machine=take_machine(given), place=place, **given))


@cli.command(epilog=EXIT_CODES)
@arguments.model
@click.argument("images", type=arguments.FILE, nargs=-1, required=True, metavar="IMAGE...")
@arguments.writes("-o", "--output", metavar="REPORT.html", required=True, help="The page to write.")
@arguments.regions
@arguments.threshold
@arguments.machine
@arguments.max_pixels
@one_line_errors()
def explain(**given: Any) -> None:
    """Show on one HTML page why images are judged as they are.

    IMAGE is an image or a folder of images. The page needs no network.
    """
    from engine.commands.explain import run
    from engine.commands.settings import take_machine

    place = arguments.take_place(given)
    sys.exit(run(machine=take_machine(given), place=place, **given))


@cli.command()
@click.argument("root", type=arguments.FILE)
@click.option(
    "--category", "categories", multiple=True, metavar="NAME", help="Only this one; repeatable."
)
@click.option(
    "--shots",
    callback=arguments.numbers(1),
    default="1,2,4,8",
    show_default=True,
    metavar="K,...",
    help="Numbers of references.",
)
@click.option(
    "--seeds",
    callback=arguments.numbers(0),
    default="42,0,1234",
    show_default=True,
    metavar="SEED,...",
    help="Each draws other references.",
)
@arguments.config
@arguments.profile
@arguments.machine
@click.option(
    "--perturb",
    "is_perturbed",
    is_flag=True,
    help="Turn test images by up to ±15°, shift and scale them by up to ±10 %.",
)
@arguments.writes(
    "--json", "json_path", help="Write every result; if interrupted, run again to go on."
)
@arguments.writes("--html", "html_path", help="Write a page with charts.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes of one thread each.",
)
@arguments.max_pixels
@one_line_errors()
def bench(**given: Any) -> None:
    """Measure the method on a data set.

    ROOT is laid out like MVTec LOCO or MVTec AD, or has categories with train/good and
    test/<type>; it may also be one category.
    """
    from engine.commands.bench import run
    from engine.commands.settings import take_machine

    sys.exit(run(machine=take_machine(given), **given))


@cli.command("bench-regions")
@click.argument("folders", type=arguments.FILE, nargs=-1, metavar="[FOLDER]...")
@click.option(
    "--rolls",
    "n_rolls",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    metavar="N",
    help="Rolls of cloth to render.",
)
@click.option(
    "--first-roll",
    type=click.IntRange(0),
    default=500,
    show_default=True,
    metavar="SEED",
    help="Of the first roll; the others follow.",
)
@click.option(
    "--photos",
    "n_photos",
    type=click.IntRange(1),
    default=15,
    show_default=True,
    metavar="N",
    help="Photographs of each kind of thing.",
)
@arguments.config
@arguments.profile
@arguments.machine
@click.option("--steps", "is_with_steps", is_flag=True, help="Measure what each step adds.")
@click.option("--speed", "is_with_speed", is_flag=True, help="Measure what classifying costs.")
@arguments.writes(
    "--json", "json_path", help="Write every result; if interrupted, run again to go on."
)
@arguments.writes("--html", "html_path", help="Write a page with charts.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes of one thread each.",
)
@one_line_errors()
def bench_regions(**given: Any) -> None:
    """Measure how taught regions are recognised.

    Renders rolls of cloth with defects and buttons, teaches some of them and judges others. FOLDER
    has photographs with labelled boxes as text files in the form of YOLO; they are measured, too.
    """
    from engine.commands.bench_regions import run
    from engine.commands.settings import take_machine

    sys.exit(run(machine=take_machine(given), **given))


@cli.command()
@arguments.writes(
    "-o", "--output", metavar="DIR", default="demo", show_default=True, help="The folder to write."
)
@one_line_errors()
def demo(**given: Any) -> None:
    """Try everything on a small rendered data set.

    Renders images, learns from 4 of them, judges the others and writes model and reports.
    """
    from engine.demo import run

    sys.exit(run(**given))


@cli.command()
@arguments.model
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
@one_line_errors()
def info(**given: Any) -> None:
    """Say what a model has learnt."""
    from engine.commands.info import run

    sys.exit(run(**given))


cli.add_command(region)
cli.add_command(ui)
cli.add_command(weights)
cli.add_command(bench_compare)
cli.add_command(classes)
cli.add_command(station)
