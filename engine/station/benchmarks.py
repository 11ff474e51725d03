"""Which benchmarks were made here, and what has an unfinished one brought so far?"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.station.records import Benchmark, Job

if TYPE_CHECKING:
    from engine.benchmark.records import Run


def bench_path(folder: Path, job: int, name: str) -> Path:
    """Return where a benchmark job writes its result; the same again when it goes on."""
    return folder / f"{job:05d} {name}.json"


def partial_path(path: Path) -> Path:
    """Return where finished runs are noted until the result is written."""
    return path.with_name(path.name + ".partial")


def finished_benchmarks(folder: Path) -> list[Benchmark]:
    """Return all results, the newest first."""
    found = [
        Benchmark(path.stem, path, datetime.fromtimestamp(path.stat().st_mtime, UTC))
        for path in folder.glob("*.json")
    ]
    return sorted(found, key=lambda each: (each.created, each.name), reverse=True)


def finished_runs(job: Job) -> list[Run]:
    """Return the runs that a benchmark job has finished, also while it goes on.

    Nothing is written, unlike when the benchmark itself opens its journal.
    """
    from engine.benchmark.records import Run
    from engine.benchmark.results import read_result

    result = job.result or {}
    if "result" not in result:
        return []
    path = Path(result["result"])
    if path.is_file():
        return list(read_result(path).runs)
    runs: dict[str, Run] = {}
    try:
        lines = partial_path(path).read_bytes().split(b"\n")[:-1]  # the last is whole or torn
    except OSError:
        return []
    for line in lines:
        try:
            noted = json.loads(line)
            runs[str(noted["fingerprint"])] = Run.from_dict(noted["run"])
        except (ValueError, KeyError, TypeError):  # of another version
            continue
    return list(runs.values())
