"""Comparison of two benchmark results: figures and verdicts, run by run.

Runs are paired, and so are their images: the same category and seed means the same test images and,
for the same number of shots, the same references. Differences are taken within each pair and then
averaged over seeds, so that what all runs of a seed have in common cancels out. Of each pair the
images that were judged differently are listed, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from engine.benchmark.datasets import DatasetError
from engine.benchmark.records import Judgement, Run
from engine.benchmark.summary import FIGURES, MEAN, Spread, measure

_SHOWN = 5


@dataclass(frozen=True)
class ImagePair:
    """One image as two runs judged it; an alarm is a total above the threshold of its run."""

    path: str
    is_anomalous: bool
    types: tuple[str, ...]
    old_total: float
    new_total: float
    was_alarm: bool
    is_alarm: bool

    @property
    def is_changed(self) -> bool:
        """The two verdicts differ."""
        return self.was_alarm != self.is_alarm

    @property
    def is_better(self) -> bool:
        """The verdict was wrong and is right."""
        return self.is_changed and self.is_alarm == self.is_anomalous

    @property
    def is_worse(self) -> bool:
        """The verdict was right and is wrong."""
        return self.is_changed and self.is_alarm != self.is_anomalous


@dataclass(frozen=True)
class RunPair:
    """Two runs of one category, measured on the images that both judged.

    ``n_unpaired`` counts the images that only one of them judged; they count nowhere.
    """

    old: Run
    new: Run
    images: tuple[ImagePair, ...]
    n_unpaired: int

    @property
    def changed(self) -> tuple[ImagePair, ...]:
        """The images with another verdict, those that became worse first."""
        return tuple(sorted((each for each in self.images if each.is_changed), key=_by_harm))

    @cached_property
    def old_figures(self) -> dict[str, float]:
        """Each of ``FIGURES`` of the old run."""
        return self._measured([image.old_total for image in self.images], self.old.threshold)

    @cached_property
    def new_figures(self) -> dict[str, float]:
        """Each of ``FIGURES`` of the new run."""
        return self._measured([image.new_total for image in self.images], self.new.threshold)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form: what was paired, and every image with another verdict."""
        return {
            "seeds": [self.old.seed, self.new.seed],
            "thresholds": [self.old.threshold, self.new.threshold],
            "n_images": len(self.images),
            "n_unpaired": self.n_unpaired,
            "changed": [asdict(image) | {"is_better": image.is_better} for image in self.changed],
        }

    def _measured(self, totals: list[float], threshold: float | None) -> dict[str, float]:
        if not totals:
            return dict.fromkeys(FIGURES, math.nan)
        labels = np.array([image.is_anomalous for image in self.images], dtype=bool)
        return measure(labels, np.array(totals, dtype=float), threshold)


def compare_runs(old: Run, new: Run) -> RunPair:
    """Pair the images that both runs judged, by their paths."""
    partner = {image.path: image for image in new.judged}
    images = tuple(
        _pair(image, partner[image.path], old, new)
        for image in old.judged
        if image.path in partner and partner[image.path].is_anomalous == image.is_anomalous
    )
    n_all = len({image.path for image in (*old.images, *new.images)})
    return RunPair(old, new, images, n_unpaired=n_all - len(images))


def _pair(before: Judgement, after: Judgement, old: Run, new: Run) -> ImagePair:
    old_total, new_total = float(before.total or 0), float(after.total or 0)
    return ImagePair(
        path=before.path,
        is_anomalous=before.is_anomalous,
        types=before.types,
        old_total=old_total,
        new_total=new_total,
        was_alarm=old_total > (old.threshold or 0.0),
        is_alarm=new_total > (new.threshold or 0.0),
    )


def _by_harm(image: ImagePair) -> tuple[bool, str]:
    return image.is_better, image.path


@dataclass(frozen=True)
class Difference:
    """One figure before and after, seed by seed."""

    old: Spread
    new: Spread

    @property
    def change(self) -> Spread:
        """New minus old within each pair."""
        return Spread(tuple(b - a for a, b in zip(self.old.values, self.new.values, strict=True)))


@dataclass(frozen=True)
class ComparedRow:
    """One category, with one number of shots on either side, over all paired seeds.

    ``seeds`` are those of the old side and the new one. The mean of categories has no pairs of its
    own.
    """

    category: str
    shots: tuple[int, int]
    seeds: tuple[tuple[int, int], ...]
    pairs: tuple[RunPair, ...]
    figures: dict[str, Difference]

    @property
    def shots_text(self) -> str:
        """The shots of both sides, once if they are the same."""
        old, new = self.shots
        return str(old) if old == new else f"{old} → {new}"

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form; a figure that is not defined is null."""
        return {
            "category": self.category,
            "shots": list(self.shots),
            "seeds": [list(seeds) for seeds in self.seeds],
            "figures": {
                name: {
                    "old": difference.old.as_dict(),
                    "new": difference.new.as_dict(),
                    "change": difference.change.as_dict(),
                }
                for name, difference in self.figures.items()
            },
            "pairs": [pair.as_dict() for pair in self.pairs],
        }


@dataclass(frozen=True)
class BenchComparison:
    """Every pair of runs, by category and shots, and the means over categories.

    ``alone`` names the runs of each side, old and new, that have no partner on the other one.
    """

    rows: tuple[ComparedRow, ...]
    means: tuple[ComparedRow, ...]
    alone: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    @property
    def remarks(self) -> tuple[str, ...]:
        """What counts nowhere: runs and images that only one side has, a line each."""
        lines = [
            f"{len(runs)} {'run' if len(runs) == 1 else 'runs'} only on the {side} side, "
            f"left out: {'; '.join(runs[:_SHOWN])}{'; …' if len(runs) > _SHOWN else ''}"
            for side, runs in zip(("old", "new"), self.alone, strict=True)
            if runs
        ]
        n_unpaired = sum(pair.n_unpaired for row in self.rows for pair in row.pairs)
        if n_unpaired:
            images = "image" if n_unpaired == 1 else "images"
            lines.append(f"{n_unpaired} {images} left out of all runs: not both sides judged them")
        return tuple(lines)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        rows, means = ([row.as_dict() for row in rows] for rows in (self.rows, self.means))
        old, new = (list(runs) for runs in self.alone)
        return {"rows": rows, "means": means, "alone": {"old": old, "new": new}}


def compare(
    old: Sequence[Run],
    new: Sequence[Run],
    *,
    shots: tuple[int, int] | None = None,
    seeds: tuple[int, int] | None = None,
) -> BenchComparison:
    """Pair the runs of one category, one number of shots and one seed, and compare each pair.

    ``shots`` pairs runs with the first number of references on the old side with runs with the
    second on the new one, and ``seeds`` does the same with seeds; so runs within one benchmark can
    be compared.

    Raises:
        DatasetError: If no run has a partner.
    """
    theirs = {(run.category, run.shots, run.seed): run for run in new}
    found: dict[tuple[str, int, int], list[RunPair]] = {}
    alone = []
    for run in old:
        if not _is_asked(run, shots, seeds, side=0):
            continue
        k, seed = (shots[1] if shots else run.shots), (seeds[1] if seeds else run.seed)
        if partner := theirs.pop((run.category, k, seed), None):
            found.setdefault((run.category, run.shots, k), []).append(compare_runs(run, partner))
        else:
            alone.append(_name(run))
    if not found:
        raise DatasetError(
            f"no run has a partner: expected the same category{_expected(shots, seeds)} on both "
            f"sides, got {_listed(old)} and {_listed(new)}; choose results of the same data"
        )
    rows = tuple(_row(*key, pairs) for key, pairs in sorted(found.items()))
    others = tuple(_name(run) for run in theirs.values() if _is_asked(run, shots, seeds, side=1))
    return BenchComparison(rows, tuple(_means(rows)), (tuple(alone), others))


def _is_asked(
    run: Run, shots: tuple[int, int] | None, seeds: tuple[int, int] | None, *, side: int
) -> bool:
    return (not shots or run.shots == shots[side]) and (not seeds or run.seed == seeds[side])


def _name(run: Run) -> str:
    return f"{run.category}, k = {run.shots}, seed {run.seed}"


def _row(category: str, old_shots: int, new_shots: int, pairs: list[RunPair]) -> ComparedRow:
    return ComparedRow(
        category=category,
        shots=(old_shots, new_shots),
        seeds=tuple((pair.old.seed, pair.new.seed) for pair in pairs),
        pairs=tuple(pairs),
        figures={
            name: Difference(
                Spread(tuple(pair.old_figures[name] for pair in pairs)),
                Spread(tuple(pair.new_figures[name] for pair in pairs)),
            )
            for name in FIGURES
        },
    )


def _means(rows: Sequence[ComparedRow]) -> list[ComparedRow]:
    """Average categories seed by seed, for each shots and over the seeds that all of them have."""
    means = []
    for shots in dict.fromkeys(row.shots for row in rows):
        same = [row for row in rows if row.shots == shots]
        seeds = [seed for seed in same[0].seeds if all(seed in row.seeds for row in same)]
        if len(same) > 1 and seeds:
            figures = {name: _mean_difference(name, same, seeds) for name in FIGURES}
            means.append(ComparedRow(MEAN, shots, tuple(seeds), (), figures))
    return means


def _mean_difference(
    name: str, rows: Sequence[ComparedRow], seeds: Sequence[tuple[int, int]]
) -> Difference:
    def mean_of(side: str) -> Spread:
        values = [
            [getattr(row.figures[name], side).values[row.seeds.index(seed)] for seed in seeds]
            for row in rows
        ]
        return Spread(tuple(float(value) for value in np.mean(values, axis=0)))

    return Difference(mean_of("old"), mean_of("new"))


def _expected(shots: tuple[int, int] | None, seeds: tuple[int, int] | None) -> str:
    k = f", {shots[0]} and {shots[1]} shots" if shots else ", shots"
    seed = f", seeds {seeds[0]} and {seeds[1]}" if seeds else " and seed"
    return k + seed


def _listed(runs: Sequence[Run]) -> str:
    if not runs:
        return "no run"
    names = ", ".join(dict.fromkeys(run.category for run in runs))
    shots = ", ".join(dict.fromkeys(str(run.shots) for run in runs))
    seeds = ", ".join(dict.fromkeys(str(run.seed) for run in runs))
    return f"{names} (shots {shots}; seeds {seeds})"
