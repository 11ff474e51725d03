"""Benchmark runner over categories, shots and seeds.

Finished runs are noted in a journal, so an interrupted benchmark goes on where it stopped. For each
run a fresh inspector is fitted on exactly the planned references and judges every test image. A
test image that cannot be judged is noted with its error, and the others are still judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol, runtime_checkable

import numpy as np

from engine.benchmark.datasets import Category, DatasetError, Sample
from engine.benchmark.journal import Journal, fingerprint, journal_path
from engine.benchmark.protocol import SEEDS, SHOTS, Perturbation, pick_references
from engine.benchmark.records import Judgement, Run
from engine.benchmark.results import SCHEMA, BenchResult, write_result
from engine.benchmark.workers import spread
from engine.config import with_first_names
from engine.report import Report
from features.folders import LeftOut
from features.image_files import MAX_PIXELS, read_image, significant_bits
from features.images import Image, ImageError

ReadImage = Callable[..., Image]
# what reads a photograph, ``bits`` of 16, and what finds out how many bits some fill together
Readers = tuple[ReadImage, Callable[[Sequence[Path]], int | None]]

# Enough for a few hundred photographs of half a megapixel; larger sets are read more than once.
_CACHE_BYTES = 512 * 2**20


@runtime_checkable
class InspectorLike(Protocol):
    """What a method must offer to be measured."""

    def fit(self, images: Sequence[Image], /) -> object:
        """Learn from the references alone."""

    def inspect(self, image: Image, /) -> Report:
        """Judge one image."""


MakeInspector = Callable[[], InspectorLike]


@dataclass(frozen=True)
class Plan:
    """One run that is to be made."""

    category: Category
    shots: int
    seed: int
    references: tuple[Path, ...]
    perturbation: Perturbation | None

    def facts(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return everything the outcome depends on; files count by size and time of change."""
        files = [*self.references, *(sample.path for sample in self.category.test)]
        return {
            "schema": SCHEMA,
            "partwise": version("partwise"),
            "config": config,
            "category": self.category.name,
            "shots": self.shots,
            "seed": self.seed,
            "perturbation": self.perturbation.facts() if self.perturbation else None,
            "files": [
                (self.category.relative(file), file.stat().st_size, file.stat().st_mtime_ns)
                for file in files
            ],
        }


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
    beside: Sequence[LeftOut] = (),
    on_run: Callable[[Run, int, int], None] | None = None,
) -> BenchResult:
    """Run every category with every number of shots and every seed.

    With ``results_path`` the result is written there as JSON, and until then finished runs are
    kept in ``<results_path>.partial``: called again with the same arguments, only the missing ones
    are made. ``config`` describes the method; a run made under another description is not reused.
    With ``jobs`` above 1 runs are spread over processes of one thread each; ``make_inspector``
    must then be picklable. ``beside`` is what was left out beside the categories. ``on_run`` hears
    of each run, how many are finished and how many there are.

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
    path = journal_path(results_path)
    read = partial(read_image, max_pixels=max_pixels)
    find_bits = partial(significant_bits, max_pixels=max_pixels)
    with closing(Journal(path, Run.from_dict)) as journal:
        keys = [_key(plan, config or {}, journal) for plan in plans]
        missing = {key: plan for key, plan in zip(keys, plans, strict=True) if key not in journal}
        finished = len(plans) - len(missing)
        for key, run in _make_runs(missing, make_inspector, (read, find_bits), jobs):
            journal.add(key, run)
            finished += 1
            if on_run:
                on_run(run, finished, len(plans))
        roots = {category.name: category.root for category in categories}
        runs = tuple(journal[key] for key in keys)
        left_out = {category.name: category.left_out for category in categories}
        if beside:
            left_out[""] = tuple(beside)
        result = BenchResult(
            config or {},
            perturbation,
            roots,
            runs,
            {name: found for name, found in left_out.items() if found},
            {category.name: category.notes for category in categories if category.notes},
        )
        if results_path:
            write_result(result, results_path)
        journal.remove()
    return result


def _key(plan: Plan, config: Mapping[str, Any], journal: Journal[Run]) -> str:
    """Return the fingerprint of a run, that of the first release where it was made by that."""
    facts = plan.facts(config)
    of_first_release = fingerprint(facts | {"config": with_first_names(config)})
    return of_first_release if of_first_release in journal else fingerprint(facts)


def make_run(plan: Plan, make_inspector: MakeInspector, readers: Readers) -> Run:
    """Fit a fresh inspector on the references and judge all test images of the category."""
    read_any, find_bits = readers
    read = partial(read_any, bits=_bits_of(plan.references, find_bits))
    references = [_read_reference(path, read) for path in plan.references]
    inspector = make_inspector()
    started = perf_counter()
    inspector.fit(references)
    fit_seconds = perf_counter() - started

    images, reports = [], []
    for index, sample in enumerate(plan.category.test):
        started = perf_counter()
        try:
            image = read(sample.path)
            if plan.perturbation:
                image = plan.perturbation.apply(image, index)
            started = perf_counter()
            report = inspector.inspect(image)
            _check_finite(report)
        except ImageError as error:
            images.append(_judgement(plan, sample, None, perf_counter() - started, str(error)))
        else:
            images.append(_judgement(plan, sample, report, perf_counter() - started))
            reports.append((report.threshold, report.threshold_source, report.calibration))
    threshold, source, calibration = reports[0] if reports else (None, "", "")
    return Run(
        category=plan.category.name,
        shots=plan.shots,
        seed=plan.seed,
        references=tuple(plan.category.relative(path) for path in plan.references),
        threshold=None if threshold is None else float(threshold),
        threshold_source=source,
        calibration=calibration,
        fit_seconds=fit_seconds,
        images=tuple(images),
    )


def _make_runs(
    plans: Mapping[str, Plan], make_inspector: MakeInspector, readers: Readers, jobs: int
) -> Iterator[tuple[str, Run]]:
    """Make the planned runs, here or in processes, and give each as soon as it is finished."""
    if jobs == 1 or len(plans) < 2:
        for _, same in groupby(plans.items(), key=lambda item: item[1].category.root):
            cache = _Cache(readers[0], _CACHE_BYTES)
            for key, plan in same:
                yield key, make_run(plan, make_inspector, (cache, readers[1]))
        return
    tasks = {key: partial(make_run, plan, make_inspector, readers) for key, plan in plans.items()}
    yield from spread(tasks, jobs)


class _Cache:
    """Reads images and keeps as many as fit, for they are judged once for every run."""

    def __init__(self, read: ReadImage, max_bytes: int) -> None:
        self._read = read
        self._free_bytes = max_bytes
        self._images: dict[tuple[Path, int | None], Image] = {}

    def __call__(self, path: Path, bits: int | None = None) -> Image:
        key = path, bits
        if key in self._images:
            return self._images[key]
        image = self._read(path, bits=bits)
        if image.nbytes <= self._free_bytes:
            self._free_bytes -= image.nbytes
            self._images[key] = image
        return image


def _judgement(
    plan: Plan, sample: Sample, report: Report | None, seconds: float, error: str | None = None
) -> Judgement:
    return Judgement(
        path=plan.category.relative(sample.path),
        is_anomalous=sample.is_anomalous,
        group=sample.group,
        types=sample.types,
        total=float(report.total) if report else None,
        scores={name: float(value) for name, value in report.scores.items()} if report else {},
        seconds=seconds,
        error=error,
    )


def _check_finite(report: Report) -> None:
    numbers = {"total": report.total, "threshold": report.threshold, **report.scores}
    broken = [name for name, value in numbers.items() if not np.isfinite(value)]
    if broken:
        raise ImageError(f"judged without a finite number for {', '.join(broken)}")


def _bits_of(
    references: Sequence[Path], find_bits: Callable[[Sequence[Path]], int | None]
) -> int | None:
    try:
        return find_bits(references)
    except ImageError:  # reading them one by one tells which
        return None


def _read_reference(path: Path, read: ReadImage) -> Image:
    try:
        return read(path)
    except ImageError as error:
        raise DatasetError(f"cannot use the reference {path}: {error}") from error
