"""Job process: ``python -m engine.station.job_process FOLDER ID``.

It does one long job and ends: fits a model, runs a benchmark that goes on where it was interrupted,
or renders sample images for somebody who has none. It reports its progress, and hears at the same
time that it is to end.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from engine.benchmark.datasets import find_categories, left_out_beside
from engine.benchmark.protocol import SEEDS, SHOTS
from engine.benchmark.records import Run
from engine.benchmark.runner import run_bench
from engine.config import read_config, to_dict
from engine.editing import leave_one_out_totals
from engine.errors import user_message
from engine.inspector import Inspector
from engine.report import Report
from engine.station import jobs
from engine.station.database import Database
from engine.station.file_lock import file_lock
from engine.station.paths import StationPaths
from engine.station.photographs import bits_of, read_photograph
from engine.station.records import MAX_PIXELS, Job, Limits, label
from engine.station.results import bench_path, finished_runs
from engine.station.room import EXIT_STATUS, lack_of_room
from engine.station.worker_process import exit_with_parent
from engine.synthetic.scenes import anomaly_types, render
from features.images import AnyImage
from features.names import log_to_stderr
from features.temporary_files import temporary_folder

PROGRESS_EVERY_S = 0.2
# one that lost its worker leaves within a poll
_TIMEOUT_S = 10.0

_SAMPLE_PRODUCT = "pins"
_N_GOOD, _N_NEW_GOOD = 6, 4

Result = dict[str, Any]

_logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Do the job, once nobody else does it, and note how it ended."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.station.job_process", description=__doc__
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("id", type=int)
    parser.add_argument("--parent", type=int)
    parser.add_argument("--max-pixels", type=int, default=MAX_PIXELS)
    given = parser.parse_args(arguments)
    log_to_stderr("%(asctime)s %(levelname)s %(name)s: %(message)s")
    if given.parent is not None:
        exit_with_parent(given.parent)
    paths = StationPaths.create(given.folder)
    until = time.monotonic() + _TIMEOUT_S
    with file_lock(
        paths.job_lock(given.id), is_waiting=lambda: time.monotonic() < until
    ) as is_ours:
        if not is_ours:
            sys.exit(f"job {given.id} is already done by another process")

        run_job(paths, given.id, Limits(max_pixels=given.max_pixels))
    paths.job_lock(given.id).unlink(missing_ok=True)


def run_job(paths: StationPaths, number: int, limits: Limits) -> None:
    """Do a job and note its result, its cancellation or its error."""
    database = Database(paths.database)
    try:
        job = jobs.get(database, number)
        context = JobContext(
            job,
            paths,
            limits,
            JobProgress(database, number),
            lambda result: jobs.set_result(database, number, result),
        )
        try:
            result = _handler_of(job.kind)(context)
            jobs.finish(database, number, "done", result=result)
        except JobCancelledError:
            jobs.finish(database, number, "cancelled")
        except Exception as error:
            if lack_of_room(error, [paths.folder]):
                sys.exit(EXIT_STATUS)  # the worker starts it again once there is room
            jobs.finish(database, number, "failed", error=_error_text(error))
    finally:
        database.close()


def _handler_of(kind: str) -> Callable[[JobContext], Result]:
    """Return what does this kind of job."""
    handlers: dict[str, Callable[[JobContext], Result]] = {
        "fit": _fit_model,
        "bench": _run_benchmark,
        "samples": _render_samples,
    }
    return handlers[kind]


def _error_text(error: Exception) -> str:
    text = user_message(error)
    if text is None:
        _logger.exception("a job failed")
        text = f"a fault of partwise ({type(error).__name__}: {error}); please report it"
    return " ".join(text.split())


@dataclass(frozen=True)
class JobContext:
    """A job that is done: what it is to do, and how it reports progress and results so far."""

    job: Job
    paths: StationPaths
    limits: Limits
    report_progress: Callable[[str, int, int], None]
    save_result: Callable[[Mapping[str, Any]], None]


class JobCancelledError(Exception):
    """Ends a job that was asked to end."""


class JobProgress:
    """Notes the progress of a job, at most five times a second; every new step is noted."""

    def __init__(self, database: Database, job: int) -> None:
        self._database, self._job = database, job
        self._step, self._reported_at = "", 0.0

    def __call__(self, step: str, done: int, total: int) -> None:
        """Note that ``done`` of ``total`` units of a step are done.

        Raises:
            JobCancelledError: The job was asked to end.
        """
        at = time.monotonic()
        if step == self._step and at < self._reported_at + PROGRESS_EVERY_S and done < total:
            return
        self._step, self._reported_at = step, at
        jobs.set_progress(self._database, self._job, step, done, total)
        if jobs.is_to_stop(self._database, self._job):
            raise JobCancelledError


def _fit_model(context: JobContext) -> Result:
    """Fit and save; returns where the model is, and what a person should know of it.

    The total of a reference is that which the others give it, or for a single one the mean of its
    altered copies.
    """
    spec = context.job.spec
    references = spec["references"]
    images = []
    bits = bits_of({Path(each["path"]): each["name"] for each in references}, context.limits)
    for done, each in enumerate(references):
        context.report_progress("reading", done, len(references))
        images.append(read_photograph(Path(each["path"]), each["name"], context.limits, bits))
    names = [each["name"] for each in references]
    inspector = Inspector(read_config(spec["config"], spec["profile"]))
    inspector.fit(images, names=names, significant_bits=bits, progress=context.report_progress)
    path = context.paths.models / f"{spec['name']}.pw"
    inspector.save(path)
    return {
        "model": str(path),
        "references": [
            {"name": name, "total": total}
            for name, total in zip(
                inspector.fitted.names, leave_one_out_totals(inspector), strict=True
            )
        ],
        "threshold": inspector.fitted.threshold,
        "threshold_source": inspector.fitted.threshold_source,
        "calibration": inspector.fitted.calibration,
        "classes": list(inspector.fitted.class_names),
        "warnings": [asdict(each) for each in inspector.fitted.warnings],
    }


def _run_benchmark(context: JobContext) -> Result:
    """Run the benchmark; its finished runs are there to be seen from the first on."""
    spec = context.job.spec
    config = read_config(None, spec["profile"])
    root = Path(spec["root"])
    categories = find_categories(root, spec["categories"] or None)
    path = bench_path(context.paths.bench, context.job.id, label(root.name))
    context.save_result({"result": str(path)})
    shots, seeds = spec["shots"] or list(SHOTS), spec["seeds"] or list(SEEDS)
    n_runs_each = len(set(shots)) * len(set(seeds))
    total = n_runs_each * sum(len(each.test) for each in categories)
    known = finished_runs(replace(context.job, result={"result": str(path)}))
    count = _ImageCounter(context.report_progress, total, sum(len(run.images) for run in known))

    def on_run(run: Run, n_done: int, n_runs: int) -> None:
        count.step = f"{n_done} of {n_runs} runs done"

    run_bench(
        categories,
        lambda: _CountingInspector(Inspector(config), count),
        shots=shots,
        seeds=seeds,
        config=to_dict(config),
        results_path=path,
        max_pixels=context.limits.max_pixels,
        beside=left_out_beside(root),
        on_run=on_run,
    )
    return {"result": str(path)}


class _ImageCounter:
    """How many images of how many were judged."""

    def __init__(self, report: Callable[[str, int, int], None], total: int, done: int) -> None:
        self._report, self._total, self._done = report, total, done
        self.step = "judging images"
        report(self.step, done, total)

    def add_one(self) -> None:
        """Count one image."""
        self._done += 1
        self._report(self.step, min(self._done, self._total), self._total)


class _CountingInspector:
    """An inspector that counts what it judges."""

    def __init__(self, inspector: Inspector, count: _ImageCounter) -> None:
        self._inspector, self._count = inspector, count

    def fit(self, images: Sequence[AnyImage], /) -> object:
        """Learn from the references alone."""
        return self._inspector.fit(images)

    def inspect(self, image: AnyImage, /) -> Report:
        """Judge one image."""
        report = self._inspector.inspect(image)
        self._count.add_one()
        return report


def _render_samples(context: JobContext) -> Result:
    """Render good images to learn from and new ones to judge; replaces those of before."""
    target = context.paths.samples
    seed = int(context.job.spec["seed"])
    groups = anomaly_types(_SAMPLE_PRODUCT)
    defects = [*groups["logical_anomalies"], *groups["structural_anomalies"]]
    chosen = defects[:: max(1, len(defects) // 6)][:6]
    planned = [("good", "good", index) for index in range(_N_GOOD)]
    planned += [("new", "good", _N_GOOD + index) for index in range(_N_NEW_GOOD)]
    planned += [("new", kind, index) for index, kind in enumerate(chosen)]
    with temporary_folder(target.parent) as scratch:
        for done, (folder, kind, index) in enumerate(planned):
            context.report_progress("rendering images", done, len(planned))
            image = render(
                _SAMPLE_PRODUCT, np.random.default_rng([seed, len(kind), index]), kind
            ).image
            _write_png(scratch / "samples" / folder / f"{kind} {index + 1}.png", image)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(scratch / "samples", target)
    context.report_progress("rendering images", len(planned), len(planned))
    return {"good": str(target / "good"), "new": str(target / "new")}


def _write_png(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))[1].tobytes())


if __name__ == "__main__":
    main(sys.argv[1:])
