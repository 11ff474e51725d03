"""How does a method fare over categories, shots and seeds?

Finished runs are noted in a journal, so an interrupted benchmark goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from engine.benchmark.datasets import Category
from engine.benchmark.journal import Journal, fingerprint
from engine.benchmark.perturb import Perturbation
from engine.benchmark.plan import Image, MakeInspector, Plan, ReadImage, make_run
from engine.benchmark.protocol import SEEDS, SHOTS, pick_references
from engine.benchmark.records import Run
from engine.benchmark.results import BenchResult, write_result
from engine.benchmark.workers import spread
from features.image_files import MAX_PIXELS, read_image

# Enough for a few hundred photographs of half a megapixel; larger sets are read more than once.
_CACHE_BYTES = 512 * 2**20


def run_bench(
    categories: Sequence[Category],
    make_inspector: MakeInspector,
    *,
    shots: Sequence[int] = SHOTS,
    seeds: Sequence[int] = SEEDS,
    config: Mapping[str, Any] | None = None,
    perturbation: Perturbation | None = None,
    results_path: Path | None = None,
    jobs: int = 1,
    max_pixels: int = MAX_PIXELS,
    on_run: Callable[[Run, int, int], None] | None = None,
) -> BenchResult:
    """Run every category with every number of shots and every seed.

    With ``results_path`` the result is written there as JSON, and until then finished runs are
    kept in ``<results_path>.partial``: called again with the same arguments, only the missing ones
    are made. ``config`` describes the method; a run made under another description is not reused.
    With ``jobs`` above 1 runs are spread over processes of one thread each; ``make_inspector``
    must then be picklable. ``on_run`` hears of each run, how many are finished and how many there
    are.

    Raises:
        DatasetError: If a category has too few training images, or a reference cannot be read.
        OutputError: If the results cannot be written; shows before the first run where it can.
    """
    plans = [
        Plan(category, k, seed, pick_references(category, k, seed), perturbation)
        for category in categories
        for k in sorted(set(shots))
        for seed in dict.fromkeys(seeds)
    ]
    keys = [fingerprint(plan.facts(config or {})) for plan in plans]
    path = results_path.with_name(results_path.name + ".partial") if results_path else None
    read = partial(read_image, max_pixels=max_pixels)
    with closing(Journal(path, Run.from_dict)) as journal:
        missing = {key: plan for key, plan in zip(keys, plans, strict=True) if key not in journal}
        finished = len(plans) - len(missing)
        for key, run in _make_runs(missing, make_inspector, read, jobs):
            journal.add(key, run)
            finished += 1
            if on_run:
                on_run(run, finished, len(plans))
        roots = {category.name: category.root for category in categories}
        runs = tuple(journal[key] for key in keys)
        result = BenchResult(config or {}, perturbation, roots, runs)
        if results_path:
            write_result(result, results_path)
        journal.remove()
    return result


def _make_runs(
    plans: Mapping[str, Plan], make_inspector: MakeInspector, read: ReadImage, jobs: int
) -> Iterator[tuple[str, Run]]:
    """Make the planned runs, here or in processes, and give each as soon as it is finished."""
    if jobs == 1 or len(plans) < 2:
        for _, same in groupby(plans.items(), key=lambda item: item[1].category.root):
            cache = _Cache(read, _CACHE_BYTES)
            for key, plan in same:
                yield key, make_run(plan, make_inspector, cache)
        return
    tasks = {key: partial(make_run, plan, make_inspector, read) for key, plan in plans.items()}
    yield from spread(tasks, jobs)


class _Cache:
    """Reads images and keeps as many as fit, for they are judged once for every run."""

    def __init__(self, read: ReadImage, max_bytes: int) -> None:
        self._read = read
        self._free_bytes = max_bytes
        self._images: dict[Path, Image] = {}

    def __call__(self, path: Path) -> Image:
        if path in self._images:
            return self._images[path]
        image = self._read(path)
        if image.nbytes <= self._free_bytes:
            self._free_bytes -= image.nbytes
            self._images[path] = image
        return image
