"""``partwise bench``: how well does the method do on a data set?"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from engine.benchmark.datasets import find_categories
from engine.benchmark.html_report import write_page
from engine.benchmark.protocol import Perturbation
from engine.benchmark.records import Run
from engine.benchmark.runner import run_bench
from engine.benchmark.text_report import tables_text
from engine.commands.files import check_writable
from engine.commands.progress import progress
from engine.config import read_config, to_dict
from engine.inspector import Inspector


def run(
    root: Path,
    *,
    categories: Sequence[str],
    shots: Sequence[int],
    seeds: Sequence[int],
    config: str | None,
    profile: str | None,
    machine: dict[str, str],
    is_perturbed: bool,
    json_path: Path | None,
    html_path: Path | None,
    jobs: int,
    max_pixels: int,
) -> int:
    """Run the benchmark, print its tables, write what was asked for; returns the exit code."""
    settings = read_config(config, profile, machine)
    found = find_categories(root, categories or None)
    for path in (json_path, html_path):
        if path:
            check_writable(path)
    with progress() as tell:

        def on_run(done: Run, n_done: int, n_runs: int) -> None:
            tell(f"{done.category}, k = {done.shots}, seed {done.seed}", n_done, n_runs)

        result = run_bench(
            found,
            partial(Inspector, settings),
            shots=shots,
            seeds=seeds,
            config=to_dict(settings),
            perturbation=Perturbation() if is_perturbed else None,
            results_path=json_path,
            jobs=jobs,
            max_pixels=max_pixels,
            on_run=on_run,
        )
    if html_path:
        write_page(result, html_path)
    is_colored = sys.stdout.isatty()
    click.echo(tables_text(result.summary, is_colored=is_colored), nl=False)
    return 0
