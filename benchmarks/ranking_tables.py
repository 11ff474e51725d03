"""Records of the ranking benchmark, and its tables as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from engine.benchmark.metrics import auroc, confusion, f1_max
from engine.normalisation import NormaliserConfig, threshold_of
from features.names import show_name
from features.records import record_from

TOTAL = "total"
ALONE = " alone"  # after the name of a score
BESIDE = ("PatchCore", "PaDiM", "thumbnail")
FIGURES = ("AUROC", "F1-max", "false alarms", "detected", "balanced")
# a set that pictures of 24 × 24 px tell apart this well asks for no method
TELLING_THUMBNAIL = 0.9
MARK = "†"

# means over seeds: the figures of each set, by what ranked its images
Row = np.ndarray
Figures = dict[str, dict[str, Row]]
# names of the columns, and the cells of each row
Table = tuple[list[str], list[list[str]]]


@dataclass(frozen=True)
class Scored:
    """What one way to rank gave each test image, and normal ones that it learnt from.

    Without a ``threshold`` of its own it gets one from the latter by the inspector's rule.
    """

    scores: tuple[float, ...]
    normal: tuple[float, ...]
    calibration: str
    threshold: float | None = None

    def threshold_by(self, rule: NormaliserConfig) -> float:
        """Return the threshold that normal images alone have set."""
        if self.threshold is not None:
            return self.threshold
        threshold, _ = threshold_of(rule, self.normal, self.calibration)
        return threshold


@dataclass(frozen=True)
class Run:
    """One set with one number of shots and one seed, ranked in some ways.

    ``half`` says by whom: the inspector, or the baselines. ``pixels`` are AUROC and PRO of maps.
    """

    category: str
    shots: int
    seed: int
    half: str
    is_anomalous: tuple[bool, ...]
    scored: dict[str, Scored]
    pixels: dict[str, tuple[float, float]]
    seconds: float

    @property
    def title(self) -> str:
        return f"{show_name(self.category)}, k = {self.shots}, seed {self.seed}, {self.half}"

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> Run:
        """Read what :meth:`as_dict` made, after a journey through JSON.

        Raises:
            TypeError: It is something else.
        """
        found: Run = record_from(cls, entry)
        return found


def figures_of(
    is_anomalous: Sequence[bool], scored: Scored, rule: NormaliserConfig
) -> tuple[float, float, float, float, float]:
    """Return the FIGURES of one way to rank."""
    labels, scores = np.array(is_anomalous), np.array(scored.scores, float)
    found = confusion(labels, scores, scored.threshold_by(rule))
    false_alarms = found.false_positive / (found.false_positive + found.true_negative)
    detected = found.true_positive / (found.true_positive + found.false_negative)
    balanced = (1 - false_alarms + detected) / 2
    return auroc(labels, scores), f1_max(labels, scores)[0], false_alarms, detected, balanced


def mean_over_seeds(values: Mapping[str, Mapping[str, Sequence[Any]]]) -> Figures:
    return {
        name: {title: np.mean(each, axis=0) for title, each in of_set.items()}
        for name, of_set in values.items()
    }


def show_ranking(runs: Sequence[Run], rule: NormaliserConfig) -> None:
    """Print the total beside its scores and the baselines: by set, by way, and each by each."""
    collected: dict[str, dict[str, list[Any]]] = {}
    for run in runs:
        for title, scored in run.scored.items():
            rows = collected.setdefault(run.category, {}).setdefault(title, [])
            rows.append(figures_of(run.is_anomalous, scored, rule))
    figures = mean_over_seeds(collected)
    print_table(*by_set(figures))
    telling = [name for name, rows in figures.items() if is_told_by_thumbnail(rows)]
    if telling:
        print(f"\n{MARK} a thumbnail alone reaches {TELLING_THUMBNAIL:.2f}: proves little")
    print()
    print_table(*by_way(figures))
    print()
    print_table(*each_by_each(figures))


def by_set(figures: Figures) -> Table:
    """Tabulate the total of each set, its best single score, and AUROC of the baselines."""
    head = ["set", *FIGURES, "best single score", f"{TOTAL} − best", *BESIDE]
    table = [[shown_set(*each), *set_cells(each[1])] for each in figures.items()]
    if len(figures) == 1:
        return head, table
    table.append(["mean", *mean_cells(list(figures.values()))])
    others = [of_set for of_set in figures.values() if not is_told_by_thumbnail(of_set)]
    if 0 < len(others) < len(figures):
        table.append([f"mean without {MARK}", *mean_cells(others)])
    worst = min(figures, key=lambda name: figures[name][TOTAL][0])
    table.append([f"worst: {show_name(worst)}", *set_cells(figures[worst])])
    return head, table


def set_cells(of_set: Mapping[str, Row]) -> list[str]:
    best = best_single(of_set)
    return [
        *cells_of(of_set[TOTAL]),
        f"{of_set[best][0]:.3f} {best.removesuffix(ALONE)}",
        f"{of_set[TOTAL][0] - of_set[best][0]:+.3f}",
        *(f"{of_set[name][0]:.3f}" for name in BESIDE),
    ]


def mean_cells(sets: Sequence[Mapping[str, Row]]) -> list[str]:
    best = np.mean([of_set[best_single(of_set)][0] for of_set in sets])
    total = np.mean([of_set[TOTAL] for of_set in sets], axis=0)
    beside = [np.mean([of_set[name][0] for of_set in sets]) for name in BESIDE]
    return [
        *cells_of(total),
        f"{best:.3f}",
        f"{total[0] - best:+.3f}",
        *(f"{each:.3f}" for each in beside),
    ]


def best_single(of_set: Mapping[str, Row]) -> str:
    """Name the score that ranks a set best by itself; only who knows the answers could choose."""
    singles = [title for title in of_set if title.endswith(ALONE)]
    return max(singles, key=lambda title: of_set[title][0])


def is_told_by_thumbnail(of_set: Mapping[str, Row]) -> bool:
    return bool(of_set["thumbnail"][0] >= TELLING_THUMBNAIL)


def shown_set(name: str, of_set: Mapping[str, Row]) -> str:
    return f"{show_name(name)} {MARK}" if is_told_by_thumbnail(of_set) else show_name(name)


def by_way(figures: Figures) -> Table:
    """Tabulate means over sets of each way to rank, and the set that it ranks worst."""
    head = ["mean over sets", *FIGURES, f"AUROC − {TOTAL}", "worst AUROC"]
    totals = np.mean([of_set[TOTAL][0] for of_set in figures.values()])
    table = []
    for title in next(iter(figures.values())):
        mean = np.mean([of_set[title] for of_set in figures.values()], axis=0)
        worst = min(figures, key=lambda name: figures[name][title][0])
        told = f"{figures[worst][title][0]:.3f} {show_name(worst)}"
        table.append([title, *cells_of(mean), f"{mean[0] - totals:+.3f}", told])
    return head, table


def each_by_each(figures: Figures) -> Table:
    """Tabulate the AUROC of each way to rank on each set."""
    head = ["AUROC", *(shown_set(name, of_set) for name, of_set in figures.items())]
    return head, [
        [title, *(f"{of_set[title][0]:.3f}" for of_set in figures.values())]
        for title in next(iter(figures.values()))
    ]


def cells_of(row: Row) -> list[str]:
    area, f1, *rates = row
    return [f"{area:.3f}", f"{f1:.3f}", *(f"{rate:.0%}" for rate in rates)]


def show_pixels(runs: Sequence[Run]) -> None:
    """Print AUROC and PRO of each map on the sets that have masks."""
    collected: dict[str, dict[str, list[Any]]] = {}
    for run in runs:
        for title, pair in run.pixels.items():
            collected.setdefault(run.category, {}).setdefault(title, []).append(pair)
    if not collected:
        print("\nno set has masks: nothing is known of pixels")
        return
    print()
    print_table(*of_pixels(mean_over_seeds(collected)))


def of_pixels(figures: Figures) -> Table:
    """Tabulate AUROC and PRO of each map on each set, and their means."""
    titles = list(next(iter(figures.values())))
    rows = {show_name(name): of_set for name, of_set in figures.items()}
    if len(figures) > 1:
        rows["mean"] = {
            title: np.mean([of_set[title] for of_set in figures.values()], axis=0)
            for title in titles
        }
    return ["pixel AUROC / PRO", *titles], [
        [name, *(" / ".join(f"{figure:.3f}" for figure in row[title]) for title in titles)]
        for name, row in rows.items()
    ]


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    print("|", " | ".join(head), "|")
    print("|---|" + "---:|" * (len(head) - 1))
    for row in rows:
        print("|", " | ".join(row), "|")
