"""How does the walkthrough go on several rolls of cloth?

A finished roll is noted in a journal, so an interrupted benchmark goes on where it stopped. Only
the photographs of one roll are held in memory.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine.atomic import atomic_write
from engine.benchmark.journal import Journal, fingerprint
from engine.benchmark.regions.records import SCHEMA, BoxedResult, RegionsBench, RollRun, Speed
from engine.benchmark.regions.speed import measure_speed
from engine.benchmark.regions.steps import measure_steps
from engine.benchmark.regions.walkthrough import Counts, Tell, take_roll, walk_on
from engine.benchmark.workers import spread
from engine.inspector import Inspector

MakeInspector = Callable[[], Inspector]
MeasureBoxed = Callable[[Tell], Sequence[BoxedResult]]


@dataclass(frozen=True)
class Task:
    """What is to be measured on each roll, and on the first of them alone."""

    seeds: tuple[int, ...]
    counts: Counts
    is_with_steps: bool = False
    is_with_speed: bool = False


def run_regions_bench(
    task: Task,
    make_inspector: MakeInspector,
    *,
    config: Mapping[str, Any],
    boxed: Mapping[str, MeasureBoxed] | None = None,
    results_path: Path | None = None,
    jobs: int = 1,
    tell: Tell,
) -> RegionsBench:
    """Walk through every roll.

    With ``results_path`` the result is written there as JSON, and until then finished rolls are
    kept in ``<results_path>.partial``: called again with the same arguments, only the missing ones
    are walked through. ``config`` describes the method; a roll of another description is not
    reused. With ``jobs`` above 1 ``make_inspector`` must be picklable. ``boxed`` measures each
    folder of labelled boxes.

    Raises:
        OutputError: If the results cannot be written; shows before the first roll where it can.
    """
    keys = [fingerprint(_facts(task, seed, config)) for seed in task.seeds]
    path = results_path.with_name(results_path.name + ".partial") if results_path else None
    with closing(Journal(path, RollRun.from_dict)) as journal:
        missing = {
            key: seed for key, seed in zip(keys, task.seeds, strict=True) if key not in journal
        }
        n_done = len(keys) - len(missing)
        for key, run in _walk_all(missing, task, make_inspector, jobs, tell):
            journal.add(key, run)
            n_done += 1
            tell(f"roll {run.walked.seed} ({run.walked.weave})", n_done, len(keys))
        result = RegionsBench(
            config,
            task.counts,
            tuple(journal[key] for key in keys),
            _speed(task, make_inspector, tell),
            {name: tuple(measure(tell)) for name, measure in (boxed or {}).items()},
        )
        if results_path:
            write_result(result, results_path)
        journal.remove()
    return result


def write_result(result: RegionsBench, path: Path) -> None:
    """Write the JSON file whole or not at all.

    Raises:
        OutputError: If the file cannot be written.
    """
    text = json.dumps(result.as_dict(), indent=1, allow_nan=False, ensure_ascii=False)
    with atomic_write(path) as stream:
        stream.write(text.encode() + b"\n")


def _facts(task: Task, seed: int, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything the figures of a roll depend on."""
    return {
        "schema": SCHEMA,
        "partwise": version("partwise"),
        "config": config,
        "seed": seed,
        "counts": asdict(task.counts),
        "steps": task.is_with_steps,
    }


def _walk_all(
    seeds: Mapping[str, int], task: Task, make_inspector: MakeInspector, jobs: int, tell: Tell
) -> Iterator[tuple[str, RollRun]]:
    """Walk through rolls, here or in processes, and give each as soon as it is finished."""
    if jobs == 1 or len(seeds) < 2:
        for key, seed in seeds.items():
            yield key, run_roll(seed, task, make_inspector, tell)
        return
    work = partial(run_roll, task=task, make_inspector=make_inspector, tell=_silent)
    yield from spread({key: partial(work, seed) for key, seed in seeds.items()}, jobs)


def run_roll(seed: int, task: Task, make_inspector: MakeInspector, tell: Tell) -> RollRun:
    """Measure on one roll all that is asked for."""
    started = time.perf_counter()
    roll = take_roll(seed, make_inspector(), task.counts, tell)
    walked = walk_on(roll, tell)
    steps = measure_steps(roll, tell) if task.is_with_steps else ()
    return RollRun(walked, steps, time.perf_counter() - started)


def _speed(task: Task, make_inspector: MakeInspector, tell: Tell) -> Speed | None:
    if not task.is_with_speed:
        return None
    roll = take_roll(task.seeds[0], make_inspector(), task.counts, tell)
    return measure_speed(roll, tell)


def _silent(stage: str, done: int, total: int) -> None:
    """Tell nothing: a worker process has no terminal of its own."""
