"""Runner of the walkthrough on several rolls of cloth.

A finished roll is noted in a journal, so an interrupted benchmark goes on where it stopped. Only
the photographs of one roll are held in memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine.benchmark.journal import Journal, fingerprint, journal_path
from engine.benchmark.regions.ablation import measure_steps
from engine.benchmark.regions.figures import SCHEMA, RegionsBench, RollRun, Speed
from engine.benchmark.regions.photographs import BoxedResult
from engine.benchmark.regions.walkthrough import Counts, take_roll, walk_on
from engine.benchmark.results import write_result
from engine.benchmark.workers import spread
from engine.inspector import Inspector
from features.progress import ProgressReporter, silent

MakeInspector = Callable[[], Inspector]
MeasureRoll = Callable[[int, "Task", ProgressReporter], RollRun]


@dataclass(frozen=True)
class Task:
    """What is to be measured: on each roll, beside that, and by which method.

    ``config`` describes the method; ``make_inspector`` gives one that is not fitted yet, and must
    be picklable to be used in other processes. ``speed`` and ``boxed`` measure what needs no roll:
    the latter has an entry for each folder of labelled boxes.
    """

    seeds: tuple[int, ...]
    counts: Counts
    make_inspector: MakeInspector
    config: Mapping[str, Any]
    is_with_steps: bool = False
    speed: Callable[[ProgressReporter], Speed] | None = None
    boxed: Mapping[str, Callable[[ProgressReporter], Sequence[BoxedResult]]] = field(
        default_factory=dict
    )

    def key(self, seed: int) -> str:
        """Return a digest of everything that the figures of a roll depend on."""
        facts = {
            "schema": SCHEMA,
            "partwise": version("partwise"),
            "config": self.config,
            "seed": seed,
            "counts": asdict(self.counts),
            "steps": self.is_with_steps,
        }
        return fingerprint(facts)


def _measure_roll(seed: int, task: Task, tell: ProgressReporter) -> RollRun:
    """Measure on one roll all that is asked for."""
    started = time.perf_counter()
    roll = take_roll(seed, task.make_inspector(), task.counts, tell)
    walked = walk_on(roll, tell)
    steps = measure_steps(roll, tell) if task.is_with_steps else ()
    return RollRun(walked, steps, time.perf_counter() - started)


def run_regions_bench(
    task: Task,
    measure: MeasureRoll = _measure_roll,
    *,
    results_path: Path | None = None,
    jobs: int = 1,
    tell: ProgressReporter,
) -> RegionsBench:
    """Measure every roll, and whatever else is asked for.

    With ``results_path`` the result is written there as JSON, and until then finished rolls are
    kept in ``<results_path>.partial``: called again for the same task, only the missing ones are
    measured. With ``jobs`` above 1 rolls are spread over processes of one thread each.

    Raises:
        OutputError: If the results cannot be written; shows before the first roll where it can.
    """
    keys = [task.key(seed) for seed in task.seeds]
    path = journal_path(results_path)
    with closing(Journal(path, RollRun.from_dict)) as journal:
        missing = {
            key: seed for key, seed in zip(keys, task.seeds, strict=True) if key not in journal
        }
        n_done = len(keys) - len(missing)
        for key, run in _measure_all(missing, task, measure, jobs, tell):
            journal.add(key, run)
            n_done += 1
            tell(f"roll {run.walked.seed} ({run.walked.weave})", n_done, len(keys))
        result = RegionsBench(
            task.config,
            task.counts,
            tuple(journal[key] for key in keys),
            task.speed(tell) if task.speed else None,
            {name: tuple(each(tell)) for name, each in task.boxed.items()},
        )
        if results_path:
            write_result(result, results_path)
        journal.remove()
    return result


def _measure_all(
    seeds: Mapping[str, int], task: Task, measure: MeasureRoll, jobs: int, tell: ProgressReporter
) -> Iterator[tuple[str, RollRun]]:
    """Measure rolls, here or in processes, and give each as soon as it is finished."""
    if jobs == 1 or len(seeds) < 2:
        for key, seed in seeds.items():
            yield key, measure(seed, task, tell)
        return
    # what else is measured is no worker's business, and need not be picklable
    alone = replace(task, speed=None, boxed={})
    tasks = {key: partial(measure, seed, alone, silent) for key, seed in seeds.items()}
    yield from spread(tasks, jobs)
