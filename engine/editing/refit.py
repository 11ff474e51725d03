"""Refit of an inspector after an edit of its classes, and the effect of the edit.

No descriptor is computed anew: the references keep their pictures, tokens and poses; only their
parts get other classes, and leaving one out is done again. The effect is what this changes for the
references: their totals, the threshold, and the counts of the classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from alignment.classes import PartClasses
from alignment.comparison import Comparison
from alignment.sample import Sample
from engine.class_edits import Base, Edit, EditedClasses, with_edit, with_last_undone, without_last
from engine.class_names import class_name
from engine.editing.apply import replay
from engine.editing.painting import aligned_references, painted_classes
from engine.editing.table import Classes, References, told
from engine.normalisation import (
    MIN_THRESHOLD,
    Normaliser,
    learn_normaliser,
    threshold_of,
)
from engine.report import Calibration
from engine.scores import score_all
from features.images import resize
from features.progress import ProgressReporter, silent

if TYPE_CHECKING:
    from engine.inspector import Inspector


def edited(
    inspector: Inspector, edit: Edit, *, author: str = "", progress: ProgressReporter | None = None
) -> Inspector:
    """Return an inspector with one more edit, refitted; the given one stays as it is.

    Raises:
        ClassEditError: The edit cannot be made.
    """
    so_far = _so_far(inspector)
    # one that cannot be made is found here, before it is put into words
    replay(so_far.base, [*(each.edit for each in so_far.counting), edit], _references(inspector))
    text = told(edit, inspector.fitted.class_names, inspector.fitted.names)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    history = with_edit(so_far.history, edit, text, author, at)
    return _refitted(inspector, replace(so_far, history=history), progress)


def undone(
    inspector: Inspector, *, author: str = "", progress: ProgressReporter | None = None
) -> Inspector:
    """Return an inspector without the last edit that counts.

    Raises:
        ClassEditError: No edit counts.
    """
    so_far = _so_far(inspector)
    history = without_last(so_far.history, author)
    return _refitted(inspector, replace(so_far, history=history), progress)


def redone(
    inspector: Inspector, *, author: str = "", progress: ProgressReporter | None = None
) -> Inspector:
    """Return an inspector with the edit that was undone last; ``author`` redoes it.

    Raises:
        ClassEditError: None was undone since the last edit.
    """
    so_far = _so_far(inspector)
    history = with_last_undone(so_far.history, author)
    return _refitted(inspector, replace(so_far, history=history), progress)


def _so_far(inspector: Inspector) -> EditedClasses:
    """Return base and history; an inspector that was never edited is its own base."""
    if inspector.fitted.edits is not None:
        return inspector.fitted.edits
    normaliser = replace(inspector.fitted.normaliser, normal_totals=normal_totals(inspector))
    return EditedClasses(
        Base(
            inspector.classes.state(),
            tuple(inspector.fitted.class_names),
            tuple(sample.aligned for sample in inspector.fitted.samples),
            normaliser,
        )
    )


def _references(inspector: Inspector) -> References:
    """Give the references with the parts that were cut, whatever was painted since."""
    aligned = _so_far(inspector).base.aligned
    return References(
        [
            replace(sample, aligned=a)
            for sample, a in zip(inspector.fitted.samples, aligned, strict=True)
        ],
        inspector.classes,
        inspector.pose.has_pose_,
    )


def _refitted(
    inspector: Inspector, so_far: EditedClasses, progress: ProgressReporter | None
) -> Inspector:
    report = progress or silent
    report("sorting parts", 0, 2)
    base, references = so_far.base, _references(inspector)
    fitted = replace(inspector.fitted, edits=so_far)
    if not so_far.counting:
        classes = PartClasses(inspector.classes.config).restore(base.classes)
        samples, normaliser = references.samples, base.normaliser
        fitted = replace(
            fitted, samples=tuple(samples), class_names=base.names, normaliser=normaliser
        )
        return inspector.with_fitted(fitted, classes)
    table = replay(base, [each.edit for each in so_far.counting], references)
    painted = painted_classes(table, references)
    classes = table.to_align(inspector.classes, painted)
    if not _is_same(classes, inspector.classes):
        aligned = aligned_references(table, painted, references)
        samples = [
            replace(sample, aligned=each)
            for sample, each in zip(fitted.samples, aligned, strict=True)
        ]
        fitted = replace(fitted, samples=tuple(samples))
        report("leaving one out", 1, 2)
        normaliser = _learnt(inspector.with_fitted(fitted, classes), base.normaliser)
        fitted = replace(fitted, normaliser=normaliser)
    fitted = replace(fitted, class_names=tuple(_names(table, fitted.samples)))
    report("done", 2, 2)
    return inspector.with_fitted(fitted, classes)


def _is_same(one: PartClasses, other: PartClasses) -> bool:
    """Tell whether two ways to align parts differ in nothing."""
    ours, theirs = one.state(), other.state()
    return ours.keys() == theirs.keys() and all(
        np.array_equal(ours[key], theirs[key]) for key in ours
    )


def _names(classes: Classes, samples: Sequence[Sample]) -> list[str]:
    """Describe the classes that nobody has named."""
    return [
        class_name(samples, index) if name is None else name
        for index, name in enumerate(classes.names)
    ]


def _learnt(inspector: Inspector, base: Normaliser) -> Normaliser:
    """Judge the references by each other again, and set the threshold as it was set before."""
    config = inspector.config.normalisation
    judged, calibration = _judge_references(inspector)
    readings = [score_all(each, inspector.config.scores) for each in judged]
    # classes do not touch what the network saw; a lone photograph is no longer here as it saw it
    for name, values in base.network_readings.items():
        for each, value in zip(readings, values, strict=True):
            each[name] = replace(each[name], value=value)
    learnt = learn_normaliser(config, base.weights, readings, (), calibration)
    own, _ = threshold_of(config, base.normal_totals, base.calibration)
    if np.isclose(max(own, MIN_THRESHOLD), base.threshold):
        return learnt
    # the validation images are not in the model: their totals moved as those of the references did
    return replace(
        learnt,
        threshold=learnt.threshold * base.threshold / max(own, MIN_THRESHOLD),
        threshold_source=f"{base.threshold_source}, carried over to edited classes",
    )


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
    from engine.editing.summary import class_rows

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
        after.fitted.names, leave_one_out_totals(before), leave_one_out_totals(after), strict=True
    )
    return Effect(
        tuple(Change(*each) for each in totals),
        Change("threshold", before.fitted.threshold, after.fitted.threshold),
        tuple(counts),
    )


def leave_one_out_totals(inspector: Inspector) -> list[float]:
    """Total of each reference judged by the others, in the order of the references.

    A single reference, which nobody can judge, has the mean total of its altered copies.
    """
    totals = normal_totals(inspector)
    if len(inspector.fitted.samples) == 1:
        return [float(np.mean(totals))]
    return list(totals)


def normal_totals(inspector: Inspector) -> tuple[float, ...]:
    """Return the totals of the normal images that scales were learnt from."""
    normaliser = inspector.fitted.normaliser
    if normaliser.normal_totals:
        return normaliser.normal_totals
    # models of the first release did not keep them
    judged, _ = _judge_references(inspector)
    return tuple(normaliser.total(score_all(each, inspector.config.scores)) for each in judged)


def _judge_references(inspector: Inspector) -> tuple[list[list[Comparison]], Calibration]:
    fitted = inspector.fitted
    photos = [resize(sample.image, fitted.photo_size) for sample in fitted.samples]
    return inspector.compare_normal(fitted.samples, photos)
