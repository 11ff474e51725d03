"""Figures of the benchmark of regions: records of rolls, lines with targets.

A line sets what all rolls amount to beside what was aimed at and what would be had for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any, Literal, cast

import numpy as np

from engine.benchmark.metrics import Confusion, Labels, Scores, auroc, confusion, sweep
from engine.benchmark.regions.photographs import BoxedResult
from engine.benchmark.regions.walkthrough import Counts, RollResult
from engine.synthetic.cloth import DEFECTS, UNTAUGHT
from features.records import record_from

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
        """Read what :meth:`as_dict` made, after a journey through JSON.

        Raises:
            TypeError: It is something else.
        """
        return cast(RollRun, record_from(cls, entry))

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


@dataclass(frozen=True)
class Timing:
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
    paces: tuple[Timing, ...]


@dataclass(frozen=True)
class RegionsBench:
    """Every roll of one benchmark, in the order of their seeds.

    ``config`` describes the method; ``boxed`` has an entry for each folder of labelled boxes, and
    ``notes`` say what of a folder was left out.
    """

    config: Mapping[str, Any]
    counts: Counts
    runs: tuple[RollRun, ...]
    speed: Speed | None
    boxed: Mapping[str, tuple[BoxedResult, ...]]
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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
            "notes": {name: list(found) for name, found in self.notes.items()},
        }


@dataclass(frozen=True)
class Target:
    """The value aimed at: what is to be reached, or not exceeded."""

    value: float
    bound: Literal["least", "most"] = "least"

    def is_met(self, value: float) -> bool:
        """Whether a figure is as good as this."""
        return value >= self.value if self.bound == "least" else value <= self.value

    def __str__(self) -> str:
        return f"{'≥' if self.bound == 'least' else '≤'} {self.value:g}"


AUROC, ACCURACY, LOST = "image AUROC", "accuracy at best threshold", "3: recall of defects lost"

TARGETS: Mapping[str, Target] = {
    # those of the published walkthrough
    AUROC: Target(0.997),
    ACCURACY: Target(0.975),
    "2: button unknown": Target(0.99),
    "3: 1 taught, pixel IoU": Target(0.80),
    "3: 1 taught, image normal": Target(0.95),
    "3: 3 taught, pixel IoU": Target(0.88),
    "3: 3 taught, image normal": Target(0.95),
    LOST: Target(0.01, "most"),
    "5: 1 taught, region accuracy": Target(0.85),
    "5: 1 taught, pixel macro-F1": Target(0.75),
    "5: 1 taught, untaught unknown": Target(0.90),
    "5: 5 taught, region accuracy": Target(0.95),
    "5: 5 taught, pixel macro-F1": Target(0.85),
    "5: 5 taught, untaught unknown": Target(0.90),
}

# by number of examples of a class, on real photographs
BOXED_TARGETS = {1: Target(0.60), 3: Target(0.70), 5: Target(0.75)}

# what calling every image anomalous, and everything new unknown, would reach; the rest is counted
_ONE_FOR_NOTHING = ("called anomaly", "unknown")


@dataclass(frozen=True)
class Line:
    """One figure over all rolls; ``floor`` is what calling everything unknown would reach."""

    name: str
    values: tuple[float, ...]
    floor: float
    target: Target | None

    @property
    def mean(self) -> float:
        """Mean over rolls."""
        return float(np.mean(self.values))

    @property
    def worst(self) -> float:
        """Of the worst roll."""
        return max(self.values) if self.name == LOST else min(self.values)

    @property
    def is_met(self) -> bool:
        """Whether the mean reaches the target; true where there is none."""
        return self.target is None or self.target.is_met(self.mean)


def lines(runs: Sequence[RollRun]) -> list[Line]:
    """Return every figure of the walkthrough, in its order."""
    per_roll = [figures_of(run.walked) for run in runs]
    floors = [floors_of(run.walked, each) for run, each in zip(runs, per_roll, strict=True)]
    return [
        Line(
            name,
            tuple(each[name] for each in per_roll),
            float(np.mean([each[name] for each in floors])),
            TARGETS.get(name),
        )
        for name in per_roll[0]
    ]


def figures_of(roll: RollResult) -> dict[str, float]:
    """Return all figures of one roll; those of the first chapter's scores come first."""
    labels, scores = scores_of([roll])
    found = {AUROC: auroc(labels, scores), ACCURACY: best_accuracy(labels, scores)[0]}
    for name, value in roll.figures.items():
        if name == "3: defects called anomaly":
            found[LOST] = roll.figures["defects called anomaly"] - value
        found[name] = value
    return found


def floors_of(roll: RollResult, names: Mapping[str, float]) -> dict[str, float]:
    """Return what chance, or calling everything an unknown anomaly, gives for each figure."""
    n_defects = len(roll.defect_scores)
    floors = {}
    for name in names:
        if name == AUROC:
            floors[name] = 0.5
        elif name == ACCURACY:
            floors[name] = n_defects / (n_defects + len(roll.normal_scores))
        elif name.endswith("region accuracy"):
            floors[name] = _untaught_share(roll.confusion[name.partition(",")[0]])
        else:
            floors[name] = float(name.endswith(_ONE_FOR_NOTHING))
    return floors


def scores_of(rolls: Sequence[RollResult]) -> tuple[Labels, Scores]:
    """Return which photographs of the first chapter have a defect, and all scores."""
    normal = [score for roll in rolls for score in roll.normal_scores]
    defects = [score for roll in rolls for score in roll.defect_scores]
    labels = np.repeat([False, True], [len(normal), len(defects)])
    return labels, np.array(normal + defects, dtype=float)


def best_accuracy(labels: Labels, scores: Scores) -> tuple[float, float]:
    """Return the highest share of right verdicts over all thresholds, and the threshold."""
    points = sweep(labels, scores)
    right = points.true_positives + points.n_negative - points.false_positives
    best = int(np.argmax(right))
    return float(right[best] / len(labels)), float(points.thresholds[best])


def confusion_at_best(rolls: Sequence[RollResult]) -> tuple[float, Confusion]:
    """Return the most accurate threshold for these rolls together, and its four outcomes."""
    labels, scores = scores_of(rolls)
    threshold = best_accuracy(labels, scores)[1]
    return threshold, confusion(labels, scores, threshold)


def confusions(rolls: Sequence[RollResult]) -> dict[str, dict[str, dict[str, int]]]:
    """Add up over rolls what was said of each kind of thing, for each chapter that counts it."""
    return {
        chapter: {
            name: {said: sum(roll.confusion[chapter][name][said] for roll in rolls) for said in row}
            for name, row in rows.items()
        }
        for chapter, rows in rolls[0].confusion.items()
    }


def boxed_lines(results: Sequence[BoxedResult]) -> dict[str, dict[str, dict[int, float]]]:
    """Average over draws: by mode, figure, and number of examples of a class."""
    found: dict[str, dict[str, dict[int, float]]] = {}
    for mode in dict.fromkeys(each.mode for each in results):
        own = [each for each in results if each.mode == mode]
        found[mode] = {
            name: {
                n_shots: float(np.mean([e.figures[name] for e in own if e.n_shots == n_shots]))
                for n_shots in sorted({each.n_shots for each in own})
            }
            for name in own[0].figures
        }
    return found


def _untaught_share(rows: Mapping[str, Mapping[str, int]]) -> float:
    counts = {name: sum(rows[name].values()) for name in (*DEFECTS, *UNTAUGHT)}
    return sum(counts[name] for name in UNTAUGHT) / sum(counts.values())
