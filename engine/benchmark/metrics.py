"""Metrics of detection: F1-max, AUROC, average precision, area under shots.

Every figure rests on one table: for each distinct threshold, how many anomalous and how many
normal images lie above it. An image is called anomalous when its score is greater than the
threshold; equal scores are never split.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

Labels = Bool[np.ndarray, " images"]
Scores = Float[np.ndarray, " images"]


@dataclass(frozen=True)
class Confusion:
    """Counts of the four outcomes; positive means anomalous."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0 … 1; 0 when nothing is found."""
        wrong = self.false_positive + self.false_negative
        return 2 * self.true_positive / max(2 * self.true_positive + wrong, 1)


@dataclass(frozen=True)
class Sweep:
    """What happens as the threshold falls from above every score to below all of them.

    The first point calls nothing anomalous, the last one everything. ``levels`` are the distinct
    scores in falling order; point i calls exactly the first i of them anomalous. ``n_positive``
    and ``n_negative`` are the numbers of anomalous and normal images.
    """

    levels: Float[np.ndarray, " levels"]
    true_positives: Int[np.ndarray, " points"]
    false_positives: Int[np.ndarray, " points"]
    n_positive: int
    n_negative: int

    @property
    def thresholds(self) -> Float[np.ndarray, " points"]:
        """One threshold for each point, half-way between the levels that it separates."""
        upper, lower = self.levels[:-1], self.levels[1:]
        middle = lower + (upper - lower) / 2
        middle = np.where(middle < upper, middle, lower)  # neighbouring floats have no middle
        above = self.levels[0]  # nothing exceeds the largest score
        below = np.nextafter(self.levels[-1], -np.inf)
        return np.concatenate([[above], middle, [below]])

    def point_of(self, threshold: float) -> int:
        """Return which point has the alarms of this threshold."""
        return int((self.levels > threshold).sum())

    @property
    def recall(self) -> Float[np.ndarray, " points"]:
        """Share of the anomalous images that are found; the ROC's vertical axis."""
        return self.true_positives / self.n_positive

    @property
    def false_alarm_rate(self) -> Float[np.ndarray, " points"]:
        """Share of the normal images that are called anomalous; the ROC's horizontal axis."""
        return self.false_positives / self.n_negative

    @property
    def precision(self) -> Float[np.ndarray, " points"]:
        """Share of the alarms that are right; 1 where there is no alarm."""
        alarms = self.true_positives + self.false_positives
        return np.where(alarms == 0, 1.0, self.true_positives / np.maximum(alarms, 1))

    @property
    def f1(self) -> Float[np.ndarray, " points"]:
        """Harmonic mean of precision and recall at every threshold."""
        alarms = self.true_positives + self.false_positives
        return np.asarray(2 * self.true_positives / (alarms + self.n_positive))


def sweep(labels: Labels, scores: Scores) -> Sweep:
    """Count true and false alarms at every threshold that makes a difference.

    Raises:
        ValueError: If a score is not finite, or all images are of one kind.
    """
    _check(scores)
    if labels.all() or not labels.any():
        raise ValueError("labels must hold both normal and anomalous images")
    order = np.argsort(-scores, kind="stable")
    descending = scores[order]
    is_last_of_tie = np.append(descending[1:] != descending[:-1], True)
    n_alarms = np.flatnonzero(is_last_of_tie) + 1
    true_positives = np.append(0, np.cumsum(labels[order])[is_last_of_tie])
    return Sweep(
        levels=descending[is_last_of_tie],
        true_positives=true_positives,
        false_positives=np.append(0, n_alarms) - true_positives,
        n_positive=int(labels.sum()),
        n_negative=int((~labels).sum()),
    )


def f1_max(labels: Labels, scores: Scores) -> tuple[float, float]:
    """Return the best F1 over all thresholds and the highest threshold that reaches it."""
    points = sweep(labels, scores)
    best = int(np.argmax(points.f1))
    return float(points.f1[best]), float(points.thresholds[best])


def auroc(labels: Labels, scores: Scores) -> float:
    """Return the chance that an anomalous image scores above a normal one, ties counting half."""
    points = sweep(labels, scores)
    return _trapezia(points.recall, points.false_alarm_rate)


def average_precision(labels: Labels, scores: Scores) -> float:
    """Return the area under the precision-recall steps, without interpolation (AUPR)."""
    points = sweep(labels, scores)
    return float(np.sum(np.diff(points.recall) * points.precision[1:]))


def floor_f1(labels: Labels) -> float:
    """Return the F1 of calling every image anomalous: what any method gets for nothing."""
    n_positive = int(labels.sum())
    return 2 * n_positive / max(n_positive + len(labels), 1)


def confusion(labels: Labels, scores: Scores, threshold: float) -> Confusion:
    """Count the four outcomes of calling scores above ``threshold`` anomalous."""
    _check(scores)
    is_alarm = scores > threshold
    return Confusion(
        true_positive=int((is_alarm & labels).sum()),
        false_positive=int((is_alarm & ~labels).sum()),
        false_negative=int((~is_alarm & labels).sum()),
        true_negative=int((~is_alarm & ~labels).sum()),
    )


def f1_at(labels: Labels, scores: Scores, threshold: float) -> float:
    """Return the F1 of calling scores above ``threshold`` anomalous."""
    return confusion(labels, scores, threshold).f1


def area_under_shots(value_of_shots: Mapping[int, float]) -> float:
    """Return the area under a figure drawn over k, divided by the range of k.

    The VAND challenge's normalised area under the F1-max curve: trapezia over k as it is, not over
    its logarithm. With a single k it is the figure itself; with none it is NaN.
    """
    shots = np.array(sorted(value_of_shots), dtype=float)
    if not len(shots):
        return float("nan")
    values = np.array([value_of_shots[k] for k in sorted(value_of_shots)])
    if len(shots) == 1:
        return float(values[0])
    return _trapezia(values, shots) / float(shots[-1] - shots[0])


def _trapezia(heights: Float[np.ndarray, " points"], at: Float[np.ndarray, " points"]) -> float:
    return float(np.sum((heights[1:] + heights[:-1]) / 2 * np.diff(at)))


def _check(scores: Scores) -> None:
    n_broken = int((~np.isfinite(scores)).sum())
    if n_broken:
        raise ValueError(f"scores must be finite, {n_broken} of {len(scores)} are NaN or infinite")
