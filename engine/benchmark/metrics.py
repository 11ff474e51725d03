"""Metrics of detection: F1-max, AUROC, average precision, area under shots; and of pixels.

Every figure of images rests on one table: for each distinct threshold, how many anomalous and how
many normal images lie above it. An image is called anomalous when its score is greater than the
threshold; equal scores are never split. Figures of pixels (AUROC, PRO) rest on the same counts of
pixels, taken image by image.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

Labels = Bool[np.ndarray, " images"]
Scores = Float[np.ndarray, " images"]

# Up to which share of normal pixels the curve of PRO counts (Bergmann et al., 2021, section 6.1).
MAX_FALSE_ALARM_RATE = 0.3
# Levels are the upper bits of a float32: 12 of its bits are left out, so that a level is 1/2048 of
# its value wide, and all maps of a data set fit into half a million counts.
_LEFT_OUT_BITS = 12
_N_LEVELS = int(np.float32(np.inf).view(np.uint32) >> _LEFT_OUT_BITS)


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


@dataclass(frozen=True)
class PixelCounts:
    """How much lies at each level of anomaly maps: normal, anomalous, and of each region.

    A region is a connected component of a mask, diagonals included. ``overlap`` is the sum over
    regions of the share of each that lies at a level. Values that differ by less than 1/2048 of
    themselves may count as equal.
    """

    normal: Int[np.ndarray, " levels"] = field(default_factory=lambda: np.zeros(_N_LEVELS, int))
    anomalous: Int[np.ndarray, " levels"] = field(default_factory=lambda: np.zeros(_N_LEVELS, int))
    overlap: Float[np.ndarray, " levels"] = field(default_factory=lambda: np.zeros(_N_LEVELS))
    n_regions: int = 0

    def with_image(
        self, anomaly_map: Float[np.ndarray, "height width"], mask: Bool[np.ndarray, "height width"]
    ) -> Self:
        """Return the counts with those of one image; the mask of a normal one is empty.

        Raises:
            ValueError: A value of the map is negative or not finite.
        """
        n_broken = int((~np.isfinite(anomaly_map) | (anomaly_map < 0)).sum())
        if n_broken:
            raise ValueError(
                f"an anomaly map must hold finite values of at least 0, {n_broken} of "
                f"{anomaly_map.size} are not"
            )
        levels = _levels_of(anomaly_map)
        n_labels, regions = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
        area_px = np.bincount(regions.ravel(), minlength=n_labels)
        inside = levels[mask]
        return type(self)(
            self.normal + np.bincount(levels[~mask], minlength=_N_LEVELS),
            self.anomalous + np.bincount(inside, minlength=_N_LEVELS),
            self.overlap + np.bincount(inside, 1 / area_px[regions[mask]], minlength=_N_LEVELS),
            self.n_regions + n_labels - 1,
        )

    def auroc(self) -> float:
        """Return the chance that an anomalous pixel lies above a normal one, ties counting half."""
        self._check()
        return _trapezia(_falling(self.anomalous), _falling(self.normal))

    def pro(self, max_false_alarm_rate: float = MAX_FALSE_ALARM_RATE) -> float:
        """Return the mean area under the per-region overlap curve (PRO), 0 … 1.

        The curve is the mean share of each region that lies above a threshold, over the share of
        normal pixels that do; its area up to ``max_false_alarm_rate`` is divided by that
        (Bergmann et al., "The MVTec anomaly detection dataset", IJCV 2021).
        """
        self._check()
        return (
            _area_up_to(max_false_alarm_rate, _falling(self.overlap), _falling(self.normal))
            / max_false_alarm_rate
        )

    def _check(self) -> None:
        if not self.normal.any() or not self.n_regions:
            raise ValueError("masks must hold both normal and anomalous pixels")


def _levels_of(values: Float[np.ndarray, "height width"]) -> Int[np.ndarray, "height width"]:
    """Number values from 0 on in rising order, by the bits of a float32, which rise with it."""
    # 0 is added because −0 has another sign bit
    bits = np.minimum(values + 0.0, np.finfo(np.float32).max).astype(np.float32).view(np.uint32)
    return np.asarray((bits >> _LEFT_OUT_BITS).astype(np.int64))


def _falling(counts: np.ndarray) -> Float[np.ndarray, " points"]:
    """Share of all that lies above each threshold, from above every level to below all."""
    summed = np.append(0, np.cumsum(counts[::-1]))
    return np.asarray(summed / summed[-1])


def _area_up_to(
    limit: float, heights: Float[np.ndarray, " points"], at: Float[np.ndarray, " points"]
) -> float:
    """Area under a curve up to a place, between whose neighbours it is a line."""
    n_within = int(np.searchsorted(at, limit, side="right"))
    if n_within == len(at):
        return _trapezia(heights, at)
    share = (limit - at[n_within - 1]) / (at[n_within] - at[n_within - 1])
    height = heights[n_within - 1] + share * (heights[n_within] - heights[n_within - 1])
    return _trapezia(np.append(heights[:n_within], height), np.append(at[:n_within], limit))


def _trapezia(heights: Float[np.ndarray, " points"], at: Float[np.ndarray, " points"]) -> float:
    return float(np.sum((heights[1:] + heights[:-1]) / 2 * np.diff(at)))


def _check(scores: Scores) -> None:
    n_broken = int((~np.isfinite(scores)).sum())
    if n_broken:
        raise ValueError(f"scores must be finite, {n_broken} of {len(scores)} are NaN or infinite")
