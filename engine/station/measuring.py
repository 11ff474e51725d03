"""How does a job run a benchmark that goes on where it was interrupted?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from engine.benchmark.datasets import find_categories
from engine.benchmark.protocol import SEEDS, SHOTS
from engine.benchmark.records import Run
from engine.benchmark.runner import run_bench
from engine.commands.settings import read_config
from engine.config import to_dict
from engine.inspector import Inspector
from engine.report import Report
from engine.station.benchmarks import bench_path, finished_runs
from engine.station.labels import label

if TYPE_CHECKING:
    from engine.station.doing import Order

Image = UInt8[np.ndarray, "_ _ 3"]


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

    def fit(self, images: Sequence[Image], /) -> object:
        """Learn from the references alone."""
        return self._inspector.fit(images)

    def inspect(self, image: Image, /) -> Report:
        """Judge one image."""
        report = self._inspector.inspect(image)
        self._count.more()
        return report
