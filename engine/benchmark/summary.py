"""Summary of all runs of a benchmark.

Every figure is computed for each run, kept for each seed, and averaged over seeds first and over
categories afterwards. A group or a type of anomaly is measured against all normal images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from engine.benchmark.metrics import (
    Labels,
    Scores,
    area_under_shots,
    auroc,
    average_precision,
    f1_at,
    f1_max,
    floor_f1,
)
from engine.benchmark.records import Judgement, Run, labels_of, scores_of, totals_of

FIGURES = ("floor", "f1_max", "auroc", "aupr", "f1_at_threshold")
MEAN = "mean of categories"


@dataclass(frozen=True)
class Spread:
    """One figure, once for each seed; NaN where it could not be computed."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return float(np.mean(self.values))

    @property
    def std(self) -> float:
        """Standard deviation over seeds, of these seeds as a whole."""
        return float(np.std(self.values))

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form, with null for NaN."""
        values = [_or_none(value) for value in self.values]
        return {"mean": _or_none(self.mean), "std": _or_none(self.std), "values": values}


@dataclass(frozen=True)
class Figures:
    """How well one choice of images is told apart by one number.

    ``f1_at_threshold`` uses the threshold set from the references; a single score has none. The
    counts are those of the test set, without images that could not be judged.
    """

    n_good: int
    n_anomalous: int
    floor: Spread
    f1_max: Spread
    auroc: Spread
    aupr: Spread
    f1_at_threshold: Spread

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        counts = {"n_good": self.n_good, "n_anomalous": self.n_anomalous}
        return counts | {name: getattr(self, name).as_dict() for name in FIGURES}


@dataclass(frozen=True)
class Row:
    """One category (or the mean of all) at one number of shots.

    ``groups`` are the folders of anomalies, ``types`` their kinds and ``scores`` each single score
    on its own. ``n_errors`` counts judgements that failed, over all seeds, and ``n_left_out`` files
    that lie in the folders of the category and are read by no run.
    """

    category: str
    shots: int
    n_errors: int
    overall: Figures
    groups: dict[str, Figures]
    types: dict[str, Figures]
    scores: dict[str, Figures]
    seconds_per_image: float
    fit_seconds: float
    n_left_out: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "category": self.category,
            "shots": self.shots,
            "n_errors": self.n_errors,
            "n_left_out": self.n_left_out,
            "overall": self.overall.as_dict(),
            "groups": {name: figures.as_dict() for name, figures in self.groups.items()},
            "types": {name: figures.as_dict() for name, figures in self.types.items()},
            "scores": {name: figures.as_dict() for name, figures in self.scores.items()},
            "seconds_per_image": _or_none(self.seconds_per_image),
            "fit_seconds": self.fit_seconds,
        }


@dataclass(frozen=True)
class Summary:
    """All rows, by category and then by shots, and the mean over categories for each shots."""

    rows: tuple[Row, ...]
    means: tuple[Row, ...]

    @cached_property
    def area_under_f1(self) -> dict[str, float]:
        """Normalised area under F1-max over shots, for each category and for their mean."""
        rows = self.rows + self.means
        return {
            category: area_under_shots(
                {row.shots: row.overall.f1_max.mean for row in rows if row.category == category}
            )
            for category in dict.fromkeys(row.category for row in rows)
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        areas = {category: _or_none(area) for category, area in self.area_under_f1.items()}
        return {
            "rows": [row.as_dict() for row in self.rows],
            "means": [row.as_dict() for row in self.means],
            "area_under_f1": areas,
        }


def summarise(runs: Sequence[Run], n_left_out: Mapping[str, int] | None = None) -> Summary:
    """Compute every figure of every category and number of shots.

    ``n_left_out`` counts the files of a category that no run reads.
    A benchmark that still goes on has a mean for those shots only for which every category has the
    same number of seeds.
    """
    keys = dict.fromkeys((run.category, run.shots) for run in runs)
    rows = tuple(
        _row(
            [run for run in runs if (run.category, run.shots) == key],
            (n_left_out or {}).get(key[0], 0),
        )
        for key in sorted(keys)
    )
    by_shots = [
        [row for row in rows if row.shots == shots] for shots in sorted({row.shots for row in rows})
    ]
    means = tuple(_mean_row(same) for same in by_shots if _has_mean(same))
    return Summary(rows, means)


def _has_mean(rows: Sequence[Row]) -> bool:
    return len(rows) > 1 and len({len(row.overall.floor.values) for row in rows}) == 1


def _row(runs: Sequence[Run], n_left_out: int) -> Row:
    images = runs[0].images
    groups = dict.fromkeys(image.group for image in images if image.is_anomalous)
    types = dict.fromkeys(name for image in images for name in image.types)
    scores = next((list(image.scores) for run in runs for image in run.judged), [])
    seconds = [image.seconds for run in runs for image in run.judged]
    return Row(
        category=runs[0].category,
        shots=runs[0].shots,
        n_errors=sum(len(run.errors) for run in runs),
        overall=_figures(runs),
        groups={name: _figures(runs, is_wanted=_of_group(name)) for name in sorted(groups)},
        types={name: _figures(runs, is_wanted=_of_type(name)) for name in sorted(types)},
        scores={name: _figures(runs, score=name) for name in scores},
        seconds_per_image=float(np.mean(seconds)) if seconds else math.nan,
        fit_seconds=float(np.mean([run.fit_seconds for run in runs])),
        n_left_out=n_left_out,
    )


def _of_group(name: str) -> Callable[[Judgement], bool]:
    return lambda image: not image.is_anomalous or image.group == name


def _of_type(name: str) -> Callable[[Judgement], bool]:
    return lambda image: not image.is_anomalous or name in image.types


def _figures(
    runs: Sequence[Run],
    *,
    is_wanted: Callable[[Judgement], bool] = lambda image: True,
    score: str | None = None,
) -> Figures:
    """Measure the wanted images of every run by their totals, or by one single score."""
    values: dict[str, list[float]] = {name: [] for name in FIGURES}
    labels = np.zeros(0, dtype=bool)
    for run in runs:
        images = [image for image in run.judged if is_wanted(image)]
        labels = labels_of(images)
        numbers = totals_of(images) if score is None else scores_of(images, score)
        threshold = run.threshold if score is None else None
        for name, value in measure(labels, numbers, threshold).items():
            values[name].append(value)
    spreads = {name: Spread(tuple(per_seed)) for name, per_seed in values.items()}
    return Figures(int((~labels).sum()), int(labels.sum()), **spreads)


def measure(labels: Labels, numbers: Scores, threshold: float | None) -> dict[str, float]:
    """Return every one of ``FIGURES``; NaN where it is not defined."""
    if labels.all() or not labels.any():  # nothing to tell apart
        return dict.fromkeys(FIGURES, math.nan)
    return {
        "floor": floor_f1(labels),
        "f1_max": f1_max(labels, numbers)[0],
        "auroc": auroc(labels, numbers),
        "aupr": average_precision(labels, numbers),
        "f1_at_threshold": math.nan if threshold is None else f1_at(labels, numbers, threshold),
    }


def _mean_row(rows: Sequence[Row]) -> Row:
    """Average categories seed by seed; groups over the categories that have them."""
    groups = sorted({name for row in rows for name in row.groups})
    scores = [name for name in rows[0].scores if all(name in row.scores for row in rows)]
    return Row(
        category=MEAN,
        shots=rows[0].shots,
        n_errors=sum(row.n_errors for row in rows),
        overall=_mean_figures([row.overall for row in rows]),
        groups={
            name: _mean_figures([row.groups[name] for row in rows if name in row.groups])
            for name in groups
        },
        types={},
        scores={name: _mean_figures([row.scores[name] for row in rows]) for name in scores},
        seconds_per_image=float(np.mean([row.seconds_per_image for row in rows])),
        fit_seconds=float(np.mean([row.fit_seconds for row in rows])),
        n_left_out=sum(row.n_left_out for row in rows),
    )


def _mean_figures(parts: Sequence[Figures]) -> Figures:
    spreads = {
        name: Spread(tuple(np.mean([getattr(part, name).values for part in parts], axis=0)))
        for name in FIGURES
    }
    n_good = sum(part.n_good for part in parts)
    return Figures(n_good, sum(part.n_anomalous for part in parts), **spreads)


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
