"""How is one run made: one category, one number of shots, one seed?

A fresh inspector is fitted on exactly the planned references and judges every test image. A test
image that cannot be judged is noted with its error, and the others are still judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from engine.benchmark.datasets import Category, DatasetError, Sample
from engine.benchmark.perturb import Perturbation
from engine.benchmark.records import Judgement, Run
from engine.benchmark.results import SCHEMA
from engine.report import Report
from features.images import ImageError

Image = UInt8[np.ndarray, "height width 3"]
ReadImage = Callable[[Path], Image]


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
            "perturbation": asdict(self.perturbation) if self.perturbation else None,
            "files": [
                (self.category.relative(file), file.stat().st_size, file.stat().st_mtime_ns)
                for file in files
            ],
        }


def make_run(plan: Plan, make_inspector: MakeInspector, read: ReadImage) -> Run:
    """Fit a fresh inspector on the references and judge all test images of the category."""
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


def _read_reference(path: Path, read: ReadImage) -> Image:
    try:
        return read(path)
    except ImageError as error:
        raise DatasetError(f"cannot use the reference {path}: {error}") from error
