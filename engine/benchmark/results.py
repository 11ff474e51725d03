"""Result file of a benchmark, written and read again.

One JSON file holds the configuration, every image's total and single scores, and the summary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from engine.atomic import atomic_write
from engine.benchmark.datasets import DatasetError
from engine.benchmark.protocol import Perturbation
from engine.benchmark.records import JsonRecord, Run
from engine.benchmark.summary import Summary, summarise
from features.config_fields import shown
from features.files import read_json
from features.folders import LeftOut, left_out_text, n_left_out
from features.names import from_json, json_text
from features.records import record_from

SCHEMA = 1

_CURE = "name a file that `partwise bench --json` wrote"
# sums and squares of such are finite
_MAX_NUMBER, _MAX_SHOTS = 1e100, 1_000_000


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
        perturbed = (perturbation_text(self.perturbation),) if self.perturbation else ()
        return perturbed + remarks(self.left_out, self.notes)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "schema": SCHEMA,
            "partwise": version("partwise"),
            "config": dict(self.config),
            "perturbation": self.perturbation.as_dict() if self.perturbation else None,
            "roots": {name: str(root) for name, root in self.roots.items()},
            "left_out": {
                name: [each.as_dict() for each in found] for name, found in self.left_out.items()
            },
            "notes": {name: list(found) for name, found in self.notes.items()},
            "summary": self.summary.as_dict(),
            "runs": [run.as_dict() for run in self.runs],
        }


def perturbation_text(perturbation: Perturbation) -> str:
    """Say what was done to the test images."""
    return f"test images perturbed: {', '.join(perturbation.kinds)}; seed {perturbation.seed}"


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
        content = from_json(read_json(path))
        if not isinstance(content, dict):
            raise TypeError(f"it must be a table, got {shown(content)}")
        if content["schema"] != SCHEMA:
            got = shown(content["schema"])
            raise DatasetError(
                f"{path} has result schema {got}, this version reads {SCHEMA}; "
                "run the benchmark again"
            )
        kept = {name: content[name] for name in ("config", "perturbation", "roots", "runs")}
        kept["perturbation"] = _with_kinds(kept["perturbation"])
        # results of the first release have neither
        kept |= {name: content[name] for name in ("left_out", "notes") if name in content}
        result = cast(BenchResult, record_from(BenchResult, kept))
        _check(result.runs)
        return result
    except KeyError as error:
        raise DatasetError(f"{path} is no benchmark result: it lacks {error}; {_CURE}") from error
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}); check the path") from error
    except DatasetError:
        raise
    except (ValueError, TypeError) as error:
        raise DatasetError(f"{path} is no benchmark result: {error}; {_CURE}") from error


def _with_kinds(perturbation: Any) -> Any:
    """Name the kind of what the first release wrote, which knew one, the pose."""
    if not isinstance(perturbation, dict) or "rotation_deg" not in perturbation:
        return perturbation
    pose = {name: value for name, value in perturbation.items() if name != "seed"}
    return {"pose": pose} | {name: v for name, v in perturbation.items() if name == "seed"}


def _check(runs: Sequence[Run]) -> None:
    """Look at what annotations cannot say.

    Raises:
        ValueError: A number is out of its range, or images that belong together differ in scores.
    """
    names: dict[tuple[str, int], set[str]] = {}
    for run in runs:
        if not 1 <= run.shots <= _MAX_SHOTS:
            raise ValueError(f"shots must lie in 1 … {_MAX_SHOTS}, got {run.shots}")
        numbers = [run.fit_seconds, run.threshold or 0.0]
        for image in run.judged:
            numbers += [image.total or 0.0, image.seconds, *image.scores.values()]
            expected = names.setdefault((run.category, run.shots), set(image.scores))
            if image.scores.keys() != expected:
                raise ValueError(
                    f"the scores of {image.path} must be those of the other images of its category"
                )
        if any(abs(each) > _MAX_NUMBER for each in numbers):
            raise ValueError(f"numbers must be at most {_MAX_NUMBER:g}")
