"""What is there to say about one run: verdicts, tables, and the images it got most wrong?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.benchmark.metrics import Confusion, confusion, f1_max
from engine.benchmark.records import Judgement, Run, labels_of, totals_of
from engine.benchmark.summary import Figures


@dataclass(frozen=True)
class Verdicts:
    """What one threshold makes of all images; ``style`` is "set" or "best"."""

    name: str
    style: str
    threshold: float
    counts: Confusion


@dataclass(frozen=True)
class Line:
    """One line of a table: a choice of images, or one single score, in one run."""

    name: str
    n_anomalous: int
    floor: float
    f1_max: float
    auroc: float


@dataclass(frozen=True)
class Mistake:
    """One image worth looking at; ``is_wrong`` at the threshold set from the references.

    ``index`` is its place in the test set.
    """

    image: Judgement
    index: int
    is_wrong: bool


def can_be_measured(run: Run) -> bool:
    """Tell whether images of both kinds were judged, without which nothing can be told apart."""
    return len({image.is_anomalous for image in run.judged}) == 2


def seed_index(runs: Sequence[Run], run: Run) -> int:
    """Return the place of a run's seed in the figures of its row, where ``runs`` are all runs."""
    same = [each.seed for each in runs if (each.category, each.shots) == (run.category, run.shots)]
    return same.index(run.seed)


def verdicts_of(run: Run) -> tuple[Verdicts, ...]:
    """Count the outcomes at the threshold from the references and at the best in hindsight.

    Empty where the run cannot be measured.
    """
    if run.threshold is None or not can_be_measured(run):
        return ()
    labels, totals = labels_of(run.judged), totals_of(run.judged)
    thresholds = {
        ("Set from the references", "set"): run.threshold,
        ("Best in hindsight", "best"): f1_max(labels, totals)[1],
    }
    return tuple(
        Verdicts(name, style, threshold, confusion(labels, totals, threshold))
        for (name, style), threshold in thresholds.items()
    )


def lines_of(parts: Mapping[str, Figures], seed: int) -> tuple[Line, ...]:
    """Return one line for each part, as the seed with this index has it."""
    return tuple(
        Line(
            name=name,
            n_anomalous=figures.n_anomalous,
            floor=figures.floor.values[seed],
            f1_max=figures.f1_max.values[seed],
            auroc=figures.auroc.values[seed],
        )
        for name, figures in parts.items()
    )


def worst_of(run: Run, *, is_anomalous: bool, n: int) -> tuple[Mistake, ...]:
    """Return the ``n`` anomalous images with the lowest totals, or normal ones with the highest."""
    order = 1 if is_anomalous else -1
    threshold = run.threshold or 0.0
    ranked = sorted(
        (order * image.total, index, image)
        for index, image in enumerate(run.images)
        if image.total is not None and image.is_anomalous == is_anomalous
    )
    return tuple(
        Mistake(image, index, is_wrong=(order * key > threshold) != is_anomalous)
        for key, index, image in ranked[:n]
    )
