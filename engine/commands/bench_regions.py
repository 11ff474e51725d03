"""``partwise bench-regions``: how well are taught regions recognised?"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

from engine.benchmark.regions.page import write_page
from engine.benchmark.regions.runner import Task, run_regions_bench
from engine.benchmark.regions.table import tables_text
from engine.benchmark.regions.walkthrough import Counts
from engine.commands.files import check_writable
from engine.commands.progress import progress
from engine.commands.settings import read_config
from engine.config import to_dict
from engine.inspector import Inspector


def run(
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
    for path in (json_path, html_path):
        if path:
            check_writable(path)
    task = Task(
        seeds=tuple(range(first_roll, first_roll + n_rolls)),
        # as many normal photographs as there are with a defect
        counts=Counts(normal=4 * n_photos, of_each=n_photos),
        is_with_steps=is_with_steps,
        is_with_speed=is_with_speed,
    )
    with progress() as tell:
        result = run_regions_bench(
            task,
            partial(Inspector, settings),
            config=to_dict(settings),
            results_path=json_path,
            jobs=jobs,
            tell=tell,
        )
    if html_path:
        write_page(result, html_path)
    click.echo(tables_text(result, is_colored=sys.stdout.isatty()), nl=False)
    return 0
