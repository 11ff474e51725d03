"""``partwise demo``: data set, model and reports of rendered scenes.

The folder then holds a data set in the layout of MVTec LOCO, a model, a page on why images were
judged as they were, and a page on how well all were told apart.
"""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import options
from engine.cli.failures import one_line_errors
from engine.cli.terminal import is_terminal, progress, say, say_tables

if TYPE_CHECKING:
    from engine.benchmark.datasets import Category
    from engine.benchmark.records import Run
    from engine.benchmark.results import BenchResult
    from engine.config import Config
    from engine.inspector import Inspector
    from features.progress import ProgressReporter

SHOWN, OTHER = "pins", "meal"  # one with fixed places, one laid out freely
N_TRAIN, N_PER_GROUP = 6, 10
N_REFERENCES, SEED = 4, 42
N_GOOD_EXPLAINED, N_ANOMALIES_EXPLAINED = 2, 6

_MARK = "MADE-BY-PARTWISE-DEMO.txt"


@click.command()
@options.writes(
    "-o", "--output", metavar="DIR", default="demo", show_default=True, help="The folder to write."
)
@click.option(
    "--profile",
    metavar="NAME",
    help="embedded, cnn, foundation or foundation-fast.  [default: cnn, or embedded where the "
    "weights of cnn are not installed]",
)
@one_line_errors()
def demo(output: Path, profile: str | None) -> None:
    """Try everything on a small rendered data set.

    Renders images, learns from 4 of them, judges the others and writes model and reports.
    """
    make_demo(output, profile)


def make_demo(output: Path, profile: str | None = None) -> None:
    """Render, learn, judge and report, all into one folder.

    Raises:
        ConfigError: There is no such profile.
        MachineError: This machine lacks what the profile needs.
        OutputError: The folder cannot be written, or holds what is not of an earlier demo.
    """
    from engine.benchmark.html_report import write_page
    from engine.benchmark.text_report import tables_text
    from engine.cli.model import write_explanation
    from engine.cli.score import Judged, judge
    from features.names import show_name

    config = _config(profile)
    _claim(output)
    with progress() as tell:
        categories = _render(output / "scenes", tell)
        result = _measure(categories, config, tell)
        category = next(each for each in categories if each.name == SHOWN)
        inspector = _learn(category, config, tell)
        inspector.save(output / "model.pw")
        paths = _worth_explaining(category, result.runs)
        tell("writing reports", 0, 1)
        judged = judge(inspector, paths, max_pixels=options.MAX_PIXELS)
        explained = [each for each in judged if isinstance(each, Judged)]
        write_explanation(output / "report.html", inspector, explained)
        write_page(result, output / "bench.html")

    say_tables(tables_text(result.summary, is_colored=is_terminal()))
    say("")
    say(f"{show_name(output / 'scenes')}: the images, {N_REFERENCES} of them references")
    say(f"{show_name(output / 'model.pw')}: what was learnt of {SHOWN}, profile {config.profile}")
    say(f"{show_name(output / 'report.html')}: why images of {SHOWN} were judged as they were")
    say(f"{show_name(output / 'bench.html')}: how well normal images and anomalies were told apart")


def _config(profile: str | None) -> Config:
    """Take the defaults of a profile; without one, of the preferred."""
    from engine.config import read_config
    from engine.profiles import lacking, preferred_profile
    from features.device import MachineError

    config = read_config(None, profile or preferred_profile())
    if (lack := lacking(config)) is not None:
        raise MachineError(f'the profile "{profile}" {lack}')
    return config


def _claim(folder: Path) -> None:
    """Make the folder ours, emptied of the scenes of an earlier demo."""
    from engine.atomic import OutputError, write_text

    try:
        if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARK).is_file():
            raise OutputError(
                f"{folder} is not empty and not from an earlier demo; choose another folder with -o"
            )
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"cannot write {folder}: {error.strerror}; choose another") from error
    write_text(
        folder / _MARK, "`partwise demo` replaces what it wrote here when it is run again.\n"
    )
    if (folder / "scenes").exists():
        shutil.rmtree(folder / "scenes")


def _render(root: Path, tell: ProgressReporter) -> list[Category]:
    from engine.benchmark.datasets import find_categories
    from engine.synthetic.scenes import write_scenes

    write_scenes(
        root,
        categories=(SHOWN, OTHER),
        n_train=N_TRAIN,
        n_validation=0,
        n_good=N_PER_GROUP,
        n_logical=N_PER_GROUP,
        n_structural=N_PER_GROUP,
        progress=partial(tell, "rendering images"),
    )
    return find_categories(root)


def _measure(categories: list[Category], config: Config, tell: ProgressReporter) -> BenchResult:
    from engine.benchmark.runner import run_bench
    from engine.config import to_dict
    from engine.inspector import Inspector

    tell("judging images", 0, len(categories))
    return run_bench(
        categories,
        partial(Inspector, config),
        shots=(N_REFERENCES,),
        seeds=(SEED,),
        config=to_dict(config),
        on_run=lambda _, n_done, n_runs: tell("judging images", n_done, n_runs),
    )


def _learn(category: Category, config: Config, tell: ProgressReporter) -> Inspector:
    """Fit again on the references of the benchmark, which keeps no inspector."""
    from engine.benchmark.protocol import pick_references
    from engine.inspector import Inspector
    from features.image_files import read_image

    paths = pick_references(category, N_REFERENCES, SEED)
    images = [read_image(path) for path in paths]
    return Inspector(config).fit(images, names=[path.name for path in paths], progress=tell)


def _worth_explaining(category: Category, runs: tuple[Run, ...]) -> list[Path]:
    """Choose the worst anomaly of each kind, worst first, and the best normal images."""
    judged = next(run for run in runs if run.category == category.name).judged
    ranked = sorted(judged, key=lambda image: image.total or 0.0, reverse=True)
    worst_of_kind = {image.types: image for image in reversed(ranked) if image.is_anomalous}
    anomalies = [image for image in ranked if worst_of_kind.get(image.types) is image]
    good = [image for image in reversed(ranked) if not image.is_anomalous]
    chosen = anomalies[:N_ANOMALIES_EXPLAINED] + good[:N_GOOD_EXPLAINED]
    return [category.root / image.path for image in chosen]
