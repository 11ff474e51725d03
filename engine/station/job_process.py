"""The process that does one long job: ``python -m engine.station.job_process FOLDER ID``.

How does a job say how far it is, and hear that it is to end?

Which work is done for which kind of job?

How does a job learn a model from references?

How does a job run a benchmark that goes on where it was interrupted?

Which images does somebody try things with who has none?
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from engine.benchmark.datasets import find_categories
from engine.benchmark.protocol import SEEDS, SHOTS
from engine.benchmark.records import Run
from engine.benchmark.runner import run_bench
from engine.config import read_config, to_dict
from engine.editing import leave_one_out_totals
from engine.errors import user_message
from engine.inspector import Inspector
from engine.reference_checks import check_references
from engine.report import Report
from engine.station import jobs
from engine.station.database import Database
from engine.station.file_lock import turn
from engine.station.paths import Places
from engine.station.photographs import read_photograph
from engine.station.records import MAX_PIXELS, Job, JobKind, Limits, label
from engine.station.results import bench_path, finished_runs
from engine.station.worker import THREADS
from engine.synthetic.scenes import anomaly_types, render
from features.images import AnyImage

_LOOK_S = 0.5
# one that lost its worker leaves within a look
_PATIENCE_S = 10.0


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
    for name, value in THREADS.items():
        os.environ.setdefault(name, value)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if given.parent is not None:
        threading.Thread(target=_leave_with, args=(given.parent,), daemon=True).start()
    places = Places.made(given.folder)
    until = time.monotonic() + _PATIENCE_S
    with turn(places.job_lock(given.id), is_waiting=lambda: time.monotonic() < until) as is_ours:
        if not is_ours:
            sys.exit(f"job {given.id} is already done by another process")

        do(places, given.id, Limits(max_pixels=given.max_pixels))
    places.job_lock(given.id).unlink(missing_ok=True)


def _leave_with(parent: int) -> None:
    """End at once when the worker is gone: the next one starts the job again."""
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])


EVERY_S = 0.2


class JobCancelledError(Exception):
    """Ends a job that was asked to end."""


class Teller:
    """Notes the progress of a job, at most five times a second; every new step is noted."""

    def __init__(self, database: Database, job: int) -> None:
        self._database, self._job = database, job
        self._step, self._told_at = "", 0.0

    def __call__(self, step: str, done: int, total: int) -> None:
        """Note that ``done`` of ``total`` units of a step are done.

        Raises:
            JobCancelledError: The job was asked to end.
        """
        at = time.monotonic()
        if step == self._step and at < self._told_at + EVERY_S and done < total:
            return
        self._step, self._told_at = step, at
        jobs.tell(self._database, self._job, step, done, total)
        if jobs.is_to_stop(self._database, self._job):
            raise JobCancelledError


_logger = logging.getLogger(__name__)

Result = dict[str, Any]


@dataclass(frozen=True)
class Order:
    """What a job is to do, and whom it tells: how far it is, and what there is already."""

    job: Job
    places: Places
    limits: Limits
    tell: Callable[[str, int, int], None]
    note: Callable[[Mapping[str, Any]], None]


def do(places: Places, number: int, limits: Limits) -> None:
    """Do a job and note its result, its cancellation or its error."""
    database = Database(places.database)
    try:
        job = jobs.get(database, number)
        order = Order(
            job,
            places,
            limits,
            Teller(database, number),
            lambda result: jobs.note(database, number, result),
        )
        try:
            result = _work_of(job.kind)(order)
        except JobCancelledError:
            jobs.end(database, number, "cancelled")
        except Exception as error:
            jobs.end(database, number, "failed", error=_words(error))
        else:
            jobs.end(database, number, "done", result=result)
    finally:
        database.close()


def _work_of(kind: JobKind) -> Callable[[Order], Result]:
    """Import what does this kind of job, and only that."""
    if kind == "fit":
        return fit
    if kind == "bench":
        return measure

    return render_samples


def _words(error: Exception) -> str:
    text = user_message(error)
    if text is None:
        _logger.exception("a job failed")
        text = f"a fault of partwise ({type(error).__name__}: {error}); please report it"
    return " ".join(text.split())


def fit(order: Order) -> dict[str, Any]:
    """Fit and save; returns where the model is, and what a person should know of it.

    The total of a reference is that which the others give it, or for a single one the mean of its
    altered copies.
    """
    spec = order.job.spec
    references = spec["references"]
    images = []
    for done, each in enumerate(references):
        order.tell("reading", done, len(references))
        images.append(read_photograph(Path(each["path"]), each["name"], order.limits))
    names = [each["name"] for each in references]
    warnings = check_references(images, names)
    inspector = Inspector(read_config(spec["config"], spec["profile"]))
    inspector.fit(images, names=names, progress=order.tell)
    path = order.places.models / f"{spec['name']}.pw"
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
        "warnings": [asdict(each) for each in warnings],
    }


def measure(order: Order) -> dict[str, Any]:
    """Run the benchmark; its finished runs are there to be seen from the first on."""
    spec = order.job.spec
    config = read_config(None, spec["profile"])
    root = Path(spec["root"])
    categories = find_categories(root, spec["categories"] or None)
    path = bench_path(order.places.bench, order.job.id, label(root.name))
    order.note({"result": str(path)})
    shots, seeds = spec["shots"] or list(SHOTS), spec["seeds"] or list(SEEDS)
    n_runs_each = len(set(shots)) * len(set(seeds))
    total = n_runs_each * sum(len(each.test) for each in categories)
    known = finished_runs(replace(order.job, result={"result": str(path)}))
    count = _Count(order.tell, total, sum(len(run.images) for run in known))

    def on_run(run: Run, n_done: int, n_runs: int) -> None:
        count.step = f"{n_done} of {n_runs} runs done"

    run_bench(
        categories,
        lambda: _Told(Inspector(config), count),
        shots=shots,
        seeds=seeds,
        config=to_dict(config),
        results_path=path,
        max_pixels=order.limits.max_pixels,
        on_run=on_run,
    )
    return {"result": str(path)}


class _Count:
    """How many images of how many were judged."""

    def __init__(self, tell: Callable[[str, int, int], None], total: int, done: int) -> None:
        self._tell, self._total, self._done = tell, total, done
        self.step = "judging images"
        tell(self.step, done, total)

    def more(self) -> None:
        """Count one image."""
        self._done += 1
        self._tell(self.step, min(self._done, self._total), self._total)


class _Told:
    """An inspector that counts what it judges."""

    def __init__(self, inspector: Inspector, count: _Count) -> None:
        self._inspector, self._count = inspector, count

    def fit(self, images: Sequence[AnyImage], /) -> object:
        """Learn from the references alone."""
        return self._inspector.fit(images)

    def inspect(self, image: AnyImage, /) -> Report:
        """Judge one image."""
        report = self._inspector.inspect(image)
        self._count.more()
        return report


PRODUCT = "pins"
N_GOOD, N_NEW_GOOD = 6, 4


def render_samples(order: Order) -> dict[str, Any]:
    """Render good images to learn from and new ones to judge; replaces those of before."""
    target = order.places.samples
    seed = int(order.job.spec["seed"])
    groups = anomaly_types(PRODUCT)
    defects = [*groups["logical_anomalies"], *groups["structural_anomalies"]]
    chosen = defects[:: max(1, len(defects) // 6)][:6]
    planned = [("good", "good", index) for index in range(N_GOOD)]
    planned += [("new", "good", N_GOOD + index) for index in range(N_NEW_GOOD)]
    planned += [("new", kind, index) for index, kind in enumerate(chosen)]
    with tempfile.TemporaryDirectory(prefix=".samples-", dir=target.parent) as scratch:
        for done, (folder, kind, index) in enumerate(planned):
            order.tell("rendering images", done, len(planned))
            image = render(PRODUCT, np.random.default_rng([seed, len(kind), index]), kind).image
            _write_png(Path(scratch) / "samples" / folder / f"{kind} {index + 1}.png", image)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(Path(scratch) / "samples", target)
    order.tell("rendering images", len(planned), len(planned))
    return {"good": str(target / "good"), "new": str(target / "new")}


def _write_png(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))[1].tobytes())
