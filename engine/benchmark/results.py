"""Result file of a benchmark, written and read again.

One JSON file holds the configuration, every image's total and single scores, and the summary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine.atomic import atomic_write
from engine.benchmark.datasets import DatasetError
from engine.benchmark.protocol import Perturbation
from engine.benchmark.records import JsonRecord, Run
from engine.benchmark.summary import Summary, summarise
from features.folders import LeftOut, left_out_text, n_left_out
from features.names import json_text, read_json

SCHEMA = 1


@dataclass(frozen=True)
class BenchResult:
    """Every run of one benchmark, in the order category, shots, seed.

    ``roots`` says where the images of each category lie; ``config`` is whatever JSON-like
    description of the method the caller gave. ``left_out`` counts what lies in the folders of a
    category, or under the name ``""`` beside the categories, and is read by no run; ``notes`` say
    in a sentence each what else a reader of a category's figures must know.
    """

    config: Mapping[str, Any]
    perturbation: Perturbation | None
    roots: dict[str, Path]
    runs: tuple[Run, ...]
    left_out: Mapping[str, tuple[LeftOut, ...]] = field(default_factory=dict)
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def summary(self) -> Summary:
        """All figures."""
        counts = {name: n_left_out(found) for name, found in self.left_out.items()}
        return summarise(self.runs, counts)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the figures must know, a line each."""
        return remarks(self.left_out, self.notes)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "schema": SCHEMA,
            "partwise": version("partwise"),
            "config": dict(self.config),
            "perturbation": asdict(self.perturbation) if self.perturbation else None,
            "roots": {name: str(root) for name, root in self.roots.items()},
            "left_out": {
                name: [each.as_dict() for each in found] for name, found in self.left_out.items()
            },
            "notes": {name: list(found) for name, found in self.notes.items()},
            "summary": self.summary.as_dict(),
            "runs": [run.as_dict() for run in self.runs],
        }


def remarks(
    left_out: Mapping[str, Sequence[LeftOut]], notes: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """Say what was left out of each category and what else is to be known, a line each."""
    lines = []
    for name in dict.fromkeys((*left_out, *notes)):
        said = [left_out_text(left_out.get(name, ())), *notes.get(name, ())]
        lines += [f"{name or 'beside the categories'}: {each}" for each in said if each]
    return tuple(lines)


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
            # results of the first release have neither
            left_out={
                name: tuple(LeftOut.from_dict(each) for each in found)
                for name, found in content.get("left_out", {}).items()
            },
            notes={
                name: tuple(map(str, found)) for name, found in content.get("notes", {}).items()
            },
        )
    except DatasetError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path} is no benchmark result: {error!r}") from error
