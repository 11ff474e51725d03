"""``partwise bench-regions``: how well are taught regions recognised?"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import click

from engine.benchmark.regions.figures import Speed
from engine.benchmark.regions.photographs import BoxedResult, BoxedSet, find_boxes, measure
from engine.benchmark.regions.report import tables_text, write_page
from engine.benchmark.regions.runner import MakeInspector, Task, run_regions_bench
from engine.benchmark.regions.speed import measure_speed
from engine.benchmark.regions.walkthrough import Counts, ProgressReporter, take_roll
from engine.commands.files import check_writable
from engine.commands.progress import progress
from engine.commands.settings import read_config
from engine.config import to_dict
from engine.inspector import Inspector
from engine.synthetic.cloth import DEFECTS


def run(
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
) -> int:
    """Run the walkthrough, print its tables, write what was asked for; returns the exit code."""
    settings = read_config(config, profile, machine)
    boxed = {str(folder): find_boxes(folder) for folder in folders}
    for path in (json_path, html_path):
        if path:
            check_writable(path)
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
    )
    with progress() as tell:
        result = run_regions_bench(task, results_path=json_path, jobs=jobs, tell=tell)
    if html_path:
        write_page(result, html_path)
    click.echo(tables_text(result, is_colored=sys.stdout.isatty()), nl=False)
    return 0


def _speed_on(
    seed: int, make_inspector: MakeInspector, counts: Counts
) -> Callable[[ProgressReporter], Speed]:
    """Measure the speed on a roll, when asked to."""
    return lambda tell: measure_speed(take_roll(seed, make_inspector(), counts, tell), tell)


def _measure_boxed(
    boxed: BoxedSet, make_inspector: MakeInspector, tell: ProgressReporter
) -> Sequence[BoxedResult]:
    return measure(boxed, make_inspector, tell=tell)
