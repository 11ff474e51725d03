"""Result file of a benchmark, written and read again.

One JSON file holds the configuration, every image's total and single scores, and the summary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine.atomic import atomic_write
from engine.benchmark.datasets import DatasetError
from engine.benchmark.protocol import Perturbation
from engine.benchmark.records import JsonRecord, Run
from engine.benchmark.summary import Summary, summarise
from features.names import json_text, read_json

SCHEMA = 1


@dataclass(frozen=True)
class BenchResult:
    """Every run of one benchmark, in the order category, shots, seed.

    ``roots`` says where the images of each category lie; ``config`` is whatever JSON-like
    description of the method the caller gave.
    """

    config: Mapping[str, Any]
    perturbation: Perturbation | None
    roots: dict[str, Path]
    runs: tuple[Run, ...]

    @cached_property
    def summary(self) -> Summary:
        """All figures."""
        return summarise(self.runs)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "schema": SCHEMA,
            "partwise": version("partwise"),
            "config": dict(self.config),
            "perturbation": asdict(self.perturbation) if self.perturbation else None,
            "roots": {name: str(root) for name, root in self.roots.items()},
            "summary": self.summary.as_dict(),
            "runs": [run.as_dict() for run in self.runs],
        }


def write_result(result: JsonRecord, path: Path) -> None:
    """Write the JSON file whole or not at all.

    Raises:
        OutputError: If the file cannot be written.
    """
    text = json_text(result.as_dict(), indent=1)
    with atomic_write(path) as stream:
        stream.write(text.encode() + b"\n")


def read_result(path: Path) -> BenchResult:
    """Read what :func:`write_result` wrote; the summary is computed anew.

    Raises:
        DatasetError: If the file is no benchmark result of this schema.
    """
    try:
        content = read_json(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise DatasetError(
                f"{path} has result schema {content['schema']}, this version reads {SCHEMA}; "
                "run the benchmark again"
            )
        limits = content["perturbation"]
        return BenchResult(
            config=content["config"],
            perturbation=Perturbation(**limits) if limits else None,
            roots={name: Path(root) for name, root in content["roots"].items()},
            runs=tuple(Run.from_dict(run) for run in content["runs"]),
        )
    except DatasetError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path} is no benchmark result: {error!r}") from error
