"""What does an edit change for the references, before it is saved?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.scores import score_all
from features.images import resize

if TYPE_CHECKING:
    from engine.inspector import Inspector


@dataclass(frozen=True)
class Change:
    """A number before and after."""

    name: str
    before: float
    after: float


@dataclass(frozen=True)
class CountChange:
    """How many of a class each reference has, before and after; None where there is no class."""

    class_id: int
    name: str
    before: tuple[int, ...] | None
    after: tuple[int, ...] | None


@dataclass(frozen=True)
class Effect:
    """Leave-one-out totals of the references, threshold, and counts, before and after."""

    totals: tuple[Change, ...]
    threshold: Change
    counts: tuple[CountChange, ...]

    @property
    def changed_counts(self) -> tuple[CountChange, ...]:
        """The classes whose counts are not what they were."""
        return tuple(each for each in self.counts if each.before != each.after)


def effect(before: Inspector, after: Inspector) -> Effect:
    """Compare two inspectors of the same references."""
    from engine.classes.rows import class_rows

    rows = [{row.id: row for row in class_rows(each)} for each in (before, after)]
    counts = []
    for class_id in sorted(rows[0].keys() | rows[1].keys()):
        old, new = (each.get(class_id) for each in rows)
        shown = rows[1].get(class_id) or rows[0][class_id]
        counts.append(
            CountChange(
                class_id, shown.name, old.counts if old else None, new.counts if new else None
            )
        )
    totals = zip(
        after.names_, leave_one_out_totals(before), leave_one_out_totals(after), strict=True
    )
    return Effect(
        tuple(Change(*each) for each in totals),
        Change("threshold", before.threshold_, after.threshold_),
        tuple(counts),
    )


def leave_one_out_totals(inspector: Inspector) -> list[float]:
    """Total of each reference judged by the others, in the order of the references.

    A single reference, which nobody can judge, has the mean total of its altered copies.
    """
    totals = normal_totals(inspector)
    if len(inspector.samples_) == 1:
        return [float(np.mean(totals))]
    return list(totals)


def normal_totals(inspector: Inspector) -> tuple[float, ...]:
    """Return the totals of the normal images that weights were learnt from."""
    normaliser = inspector.normaliser_
    if normaliser.normal_totals:
        return normaliser.normal_totals
    # models of the first release did not keep them
    photos = [resize(sample.image, inspector.photo_size_) for sample in inspector.samples_]
    judged, _ = inspector.judge_normal(photos)
    return tuple(normaliser.total(score_all(each, inspector.config.scores)) for each in judged)
