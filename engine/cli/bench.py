"""``partwise bench``, ``bench-compare``, ``bench-regions``: measurements."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import options
from engine.cli.failures import BROKEN_IMAGE, EXIT_CODES, Failure, one_line_errors
from engine.cli.terminal import (
    complain,
    is_taken_by,
    is_terminal,
    progress,
    remark,
    say_json,
    say_tables,
)

if TYPE_CHECKING:
    from engine.benchmark.protocol import Perturbation
    from engine.benchmark.records import Run
    from engine.benchmark.regions.figures import Speed
    from engine.benchmark.regions.photographs import BoxedResult, BoxedSet
    from engine.benchmark.regions.runner import MakeInspector
    from engine.benchmark.regions.walkthrough import Counts
    from engine.benchmark.results import BenchResult
    from features.progress import ProgressReporter

_category = click.option(
    "--category", "categories", multiple=True, metavar="NAME", help="Only this one; repeatable."
)
_json_path = options.writes(
    "--json", "json_path", help="Write every result; if interrupted, run again to go on."
)
_html_path = options.writes("--html", "html_path", help="Write a page with charts.")
_jobs = click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes of one thread each.",
)


def _perturbation(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> Perturbation | None:
    """Parse kinds of perturbations."""
    if value is None:
        return None
    from engine.benchmark.protocol import Perturbation

    try:
        return Perturbation.of([name.strip() for name in value.split(",")])
    except ValueError as error:
        raise Failure(f"--perturb: {error}") from None


class _Bench(click.Command):
    """A command whose ROOT may stand right after --perturb, which once took no value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Tell a folder from kinds of perturbations, which go first."""
        given = list(args)
        for place, (option, value) in enumerate(pairwise(args)):
            if option == "--perturb" and os.path.isdir(value) and not _are_kinds(value):
                given[place] = "--perturb=pose"
        return super().parse_args(ctx, given)


def _are_kinds(value: str) -> bool:
    from engine.benchmark.protocol import KINDS, TOGETHER

    return {name.strip() for name in value.split(",")} <= {*KINDS, *TOGETHER}


@click.command(cls=_Bench, epilog=EXIT_CODES)
@click.argument("root", type=options.FILE)
@_category
@click.option(
    "--shots",
    callback=options.numbers(1),
    default="1,2,4,8",
    show_default=True,
    metavar="K,...",
    help="Numbers of references.",
)
@click.option(
    "--seeds",
    callback=options.numbers(0),
    default="42,0,1234",
    show_default=True,
    metavar="SEED,...",
    help="Each draws other references.",
)
@options.config
@options.profile
@options.machine
@click.option(
    "--perturb",
    "perturbation",
    is_flag=False,
    flag_value="pose",
    callback=_perturbation,
    metavar="[KIND,...]",
    help="Change test images at random: pose (turned by up to ±15°, shifted and scaled by up to "
    "±10 %; meant where no KIND is named), turn, glare, vignette, focus, cast, exposure, noise, "
    "jpeg, several of them, or light or all.",
)
@_json_path
@_html_path
@_jobs
@options.max_pixels
@one_line_errors()
def bench(
    root: Path,
    *,
    categories: Sequence[str],
    shots: Sequence[int],
    seeds: Sequence[int],
    config: str | None,
    profile: str | None,
    machine: dict[str, str],
    perturbation: Perturbation | None,
    json_path: Path | None,
    html_path: Path | None,
    jobs: int,
    max_pixels: int,
) -> None:
    """Measure the method on a data set.

    ROOT is laid out like MVTec LOCO or MVTec AD, or has categories with train/good and
    test/<type>; it may also be one category.
    """
    from engine.benchmark.datasets import find_categories, left_out_beside
    from engine.benchmark.html_report import write_page
    from engine.benchmark.results import remarks
    from engine.benchmark.runner import run_bench
    from engine.benchmark.text_report import tables_text
    from engine.config import read_config, to_dict
    from engine.inspector import Inspector
    from engine.profiles import preferred_profile

    profile = profile or (preferred_profile() if config is None else None)
    settings = read_config(config, profile, machine)
    found = find_categories(root, categories or None)
    beside = () if categories else left_out_beside(root)
    # before long work, so that it can be mended
    for line in remarks(
        {each.name: each.left_out for each in found} | {"": beside},
        {each.name: each.notes for each in found},
    ):
        remark(line)
    _check_writable(json_path, html_path)
    with progress() as tell:

        def on_run(done: Run, n_done: int, n_runs: int) -> None:
            tell(f"{done.category}, k = {done.shots}, seed {done.seed}", n_done, n_runs)

        result = run_bench(
            found,
            partial(Inspector, settings),
            shots=shots,
            seeds=seeds,
            config=to_dict(settings),
            perturbation=perturbation,
            results_path=json_path,
            jobs=jobs,
            max_pixels=max_pixels,
            beside=beside,
            on_run=on_run,
        )
    if html_path:
        write_page(result, html_path)
    if not is_taken_by(json_path, html_path):
        say_tables(tables_text(result.summary, remarks=result.remarks, is_colored=is_terminal()))
    broken = list(_broken(result))
    for line in broken:
        complain(line)
    if broken:
        sys.exit(BROKEN_IMAGE)


def _broken(result: BenchResult) -> Iterator[str]:
    """Say of each image that a run could not judge why, once however many runs there are."""
    found: dict[Path, str] = {}
    for run in result.runs:
        for each in run.errors:
            found.setdefault(result.roots[run.category] / each.path, str(each.error))
    for path, error in found.items():
        yield error if str(path) in error else f"{path}: {error}"


def _two(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """Parse a pair of numbers."""
    if value is None:
        return None
    found = options.numbers(0)(ctx, param, value)
    if len(found) != 2:
        raise click.BadParameter(f"expected two numbers, OLD,NEW, got {value!r}")
    return found


@click.command("bench-compare")
@click.argument("old", type=options.FILE, metavar="OLD.json")
@click.argument("new", type=options.FILE, metavar="[NEW.json]", required=False)
@_category
@click.option(
    "--shots", callback=_two, metavar="OLD,NEW", help="Pair runs with other numbers of references."
)
@click.option("--seeds", callback=_two, metavar="OLD,NEW", help="Pair runs with other seeds.")
@options.as_json
@one_line_errors()
def bench_compare(
    old: Path,
    new: Path | None,
    *,
    categories: Sequence[str],
    shots: tuple[int, int] | None,
    seeds: tuple[int, int] | None,
    is_json: bool,
) -> None:
    """Say what changed between two benchmarks.

    Both are files that `partwise bench --json` wrote. Runs of the same category, number of
    references and seed are paired; their figures are compared on the images that both judged, and
    images with another verdict are listed. Without NEW.json, runs within OLD.json are compared:
    add --shots 1,4, or --seeds.
    """
    from engine.benchmark.comparison import compare
    from engine.benchmark.results import read_result
    from engine.benchmark.text_report import comparison_text

    sides = [
        [each for each in read_result(path).runs if not categories or each.category in categories]
        for path in (old, new or old)
    ]
    comparison = compare(*sides, shots=shots, seeds=seeds)
    if is_json:
        say_json(comparison.as_dict())
    else:
        say_tables(comparison_text(comparison, is_colored=is_terminal()))


@click.command("bench-regions")
@click.argument("folders", type=options.FILE, nargs=-1, metavar="[FOLDER]...")
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
@options.config
@options.profile
@options.machine
@click.option("--steps", "is_with_steps", is_flag=True, help="Measure what each step adds.")
@click.option("--speed", "is_with_speed", is_flag=True, help="Measure what classifying costs.")
@_json_path
@_html_path
@_jobs
@one_line_errors()
def bench_regions(
    folders: Sequence[Path],
    *,
    n_rolls: int,
    first_roll: int,
    n_photos: int,
    config: str | None,
    profile: str | None,
    machine: dict[str, str],
    is_with_steps: bool,
    is_with_speed: bool,
    json_path: Path | None,
    html_path: Path | None,
    jobs: int,
) -> None:
    """Measure how taught regions are recognised.

    Renders rolls of cloth with defects and buttons, teaches some of them and judges others. FOLDER
    has photographs with labelled boxes as text files in the form of YOLO, as label tools write
    them; they are measured, too.
    """
    from engine.benchmark.regions.photographs import find_boxes
    from engine.benchmark.regions.report import tables_text, write_page
    from engine.benchmark.regions.runner import Task, run_regions_bench
    from engine.benchmark.regions.walkthrough import Counts
    from engine.config import read_config, to_dict
    from engine.inspector import Inspector
    from engine.synthetic.cloth import DEFECTS

    settings = read_config(config, profile, machine)
    boxed = {str(folder): find_boxes(folder) for folder in folders}
    for name, found in boxed.items():
        for note in found.notes:
            remark(f"{name}: {note}")
    _check_writable(json_path, html_path)
    make_inspector = partial(Inspector, settings)
    # as many normal photographs as there are with a defect
    counts = Counts(normal=len(DEFECTS) * n_photos, of_each=n_photos)
    task = Task(
        seeds=tuple(range(first_roll, first_roll + n_rolls)),
        counts=counts,
        make_inspector=make_inspector,
        config=to_dict(settings),
        is_with_steps=is_with_steps,
        speed=_speed_on(first_roll, make_inspector, counts) if is_with_speed else None,
        boxed={
            name: partial(_measure_boxed, found, make_inspector) for name, found in boxed.items()
        },
        notes={name: found.notes for name, found in boxed.items()},
    )
    with progress() as tell:
        result = run_regions_bench(task, results_path=json_path, jobs=jobs, tell=tell)
    if html_path:
        write_page(result, html_path)
    if not is_taken_by(json_path, html_path):
        say_tables(tables_text(result, is_colored=is_terminal()))


def _speed_on(
    seed: int, make_inspector: MakeInspector, counts: Counts
) -> Callable[[ProgressReporter], Speed]:
    """Measure the speed on a roll, when asked to."""
    from engine.benchmark.regions.speed import measure_speed
    from engine.benchmark.regions.walkthrough import take_roll

    return lambda tell: measure_speed(take_roll(seed, make_inspector(), counts, tell), tell)


def _measure_boxed(
    boxed: BoxedSet, make_inspector: MakeInspector, tell: ProgressReporter
) -> Sequence[BoxedResult]:
    """Measure labelled photographs; processes get this function by its name."""
    from engine.benchmark.regions.photographs import measure

    return measure(boxed, make_inspector, tell=tell)


def _check_writable(*paths: Path | None) -> None:
    """Find out before long work that an outcome could not be written."""
    from engine.atomic import check_writable

    for path in paths:
        if path:
            check_writable(path)
