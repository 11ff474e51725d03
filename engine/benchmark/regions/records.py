"""What does the benchmark of regions remember of each roll of cloth?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from engine.benchmark.regions.boxes import BoxedResult
from engine.benchmark.regions.walkthrough import Counts, RollResult

SCHEMA = 1


@dataclass(frozen=True)
class StepFigures:
    """What the recogniser reaches with the steps up to this one; shares and means are 0 … 1."""

    step: str
    n_examples: int
    figures: dict[str, float]


@dataclass(frozen=True)
class RollRun:
    """One roll: the walkthrough and, where asked for, every step; ``seconds`` for all of it."""

    walked: RollResult
    steps: tuple[StepFigures, ...]
    seconds: float

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> RollRun:
        """Read what :meth:`as_dict` made, after a journey through JSON."""
        steps = tuple(StepFigures(**each) for each in entry["steps"])
        return cls(RollResult(**entry["walked"]), steps, float(entry["seconds"]))

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


@dataclass(frozen=True)
class Pace:
    """How long classifying takes beside plain scoring, as the median over pairs.

    ``n_examples`` lie in the library, ``n_things`` on the photographs; ``ratio`` is the median of
    the pairs' ratios.
    """

    n_examples: int
    n_things: int
    scoring_seconds: float
    classifying_seconds: float
    ratio: float


@dataclass(frozen=True)
class Speed:
    """How long teaching an example takes, as the median, and what classifying costs."""

    teaching_seconds: float
    paces: tuple[Pace, ...]


@dataclass(frozen=True)
class RegionsBench:
    """Every roll of one benchmark, in the order of their seeds.

    ``config`` describes the method; ``boxed`` has an entry for each folder of labelled boxes.
    """

    config: Mapping[str, Any]
    counts: Counts
    runs: tuple[RollRun, ...]
    speed: Speed | None
    boxed: Mapping[str, tuple[BoxedResult, ...]]

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "schema": SCHEMA,
            "partwise": version("partwise"),
            "config": dict(self.config),
            "counts": asdict(self.counts),
            "rolls": [each.as_dict() for each in self.runs],
            "speed": asdict(self.speed) if self.speed else None,
            "boxed": {name: [asdict(each) for each in found] for name, found in self.boxed.items()},
        }
