"""What changed between two runs: which figures, and the verdicts on which images?

Runs are paired, and so are their images: the same category and seed means the same test images and,
for the same number of shots, the same references. Differences are taken within each pair and then
averaged over seeds, so that what all runs of a seed have in common cancels out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.benchmark.datasets import DatasetError
from engine.benchmark.pairing import RunPair, compare_runs
from engine.benchmark.records import Run
from engine.benchmark.summary import FIGURES, MEAN, Spread


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
    """Every pair of runs, by category and shots, and the means over categories."""

    rows: tuple[ComparedRow, ...]
    means: tuple[ComparedRow, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        rows, means = ([row.as_dict() for row in rows] for rows in (self.rows, self.means))
        return {"rows": rows, "means": means}


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
    for run in old:
        if (shots and run.shots != shots[0]) or (seeds and run.seed != seeds[0]):
            continue
        k, seed = (shots[1] if shots else run.shots), (seeds[1] if seeds else run.seed)
        if partner := theirs.get((run.category, k, seed)):
            found.setdefault((run.category, run.shots, k), []).append(compare_runs(run, partner))
    if not found:
        raise DatasetError(
            f"no run has a partner: expected the same category{_expected(shots, seeds)} on both "
            f"sides, got {_listed(old)} and {_listed(new)}; choose results of the same data"
        )
    rows = tuple(_row(*key, pairs) for key, pairs in sorted(found.items()))
    return BenchComparison(rows, tuple(_means(rows)))


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
