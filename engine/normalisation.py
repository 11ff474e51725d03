"""Normalisation: how much of each score is normal, and where anomalous begins.

Each reference in turn is judged by the others; the largest of these readings is the score's scale
s, and the total of an image is the weighted power mean of score / s over the active scores,

    total = (Σ w (score / s)^p / Σ w)^(1/p):

1 is what the oddest reference reached. With one reference there is nobody to judge it; then altered
copies of it stand in (moved, turned, dimmed, tinted, noisy: whatever keeps it normal).

Most weights are 1; those of scores beside the seven depend on how freely the product is laid out.
Where the references lie on each other almost exactly, places tell everything, and amounts only add
noise; where they do not (fruit in a box), amounts tell what places cannot, and that a place never
looked like this says little. The relative alignment residual to the anchor reference
(``alignment.pose``) measures it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import cv2
import numpy as np
from jaxtyping import Float

from engine.report import Calibration
from engine.scores import (
    SCORES,
    Reading,
    Score,
    ScoresConfig,
    composition,
    detail_patch,
    network_patch,
    score_of_map,
)
from engine.scores.reading import CellMapKind
from features.config_fields import Range, Share

# the scores of what the network of the profile "cnn" saw
OF_NETWORK = (network_patch.SCORE.name, detail_patch.SCORE.name)
# an image whose only fault is one instance too many must exceed the threshold, not equal it
_JUST_ABOVE = 1 + 1e-9
# a score that is active has some say
LEAST_STEADINESS = 1e-3
# references that equal each other have total 0, and then any difference is anomalous
MIN_THRESHOLD = 1e-6


@dataclass(frozen=True)
class NormaliserConfig:
    """How scales, weights and the threshold follow from normal images."""

    margin: Annotated[float, Range(0, 100, "(]")] = 1.075
    """Threshold as a multiple of the mean leave-one-out total of the references, the largest left
    out: one odd reference must not hide defects."""
    margin_self: Annotated[float, Range(0, 100, "(]")] = 1.5
    """The same for altered copies of a single reference, which differ less than real images."""
    margin_validation: Annotated[float, Range(0, 100, "(]")] = 1.02
    """The same for the largest total of the validation images."""
    place_discount: Share = 0.75
    """Share of its weight that a score of the role ``place`` loses in a free layout."""
    free_layout_residual: Annotated[float, Range(0, 10, "(]")] = 0.5
    """Relative alignment residual from which a layout counts as free; below it, its freedom falls
    with the square."""
    amount_cap: Annotated[float, Range(1, 1_000_000)] = 2.0
    """Most that a score of the role ``amount`` may say, in units of its scale: beyond it, strange
    light (which moves every share at once) would outvote all else."""
    steady_composition: Annotated[float, Range(0, 100, "(]")] = 0.6
    """Reading of ``composition``, in units of its tolerance, up to which that of normal images is
    steady; where their median exceeds it, the score weighs less by the fourth power."""
    power: Annotated[float, Range(0, 1, "(]")] = 0.5
    """Order of the power mean of the scores: 1 is the arithmetic mean, published; the smaller, the
    less a single score can say whose scale is badly known, and the more it counts that several
    agree."""
    min_scale: Annotated[float, Range(0, 1, "(]")] = 1e-3
    """Least scale: identical references must not divide by zero."""


@dataclass(frozen=True)
class Normaliser:
    """Scale of every score, its weight in the mean (0: not active), and the total's threshold.

    ``scales`` are the largest readings of normal images, ``caps`` the most that a score may say in
    units of its scale.
    """

    scales: dict[str, float]
    weights: dict[str, float]
    caps: dict[str, float]
    threshold: float
    threshold_source: str
    calibration: Calibration
    normal_totals: tuple[float, ...] = ()
    """Totals of the normal images that the scales were learnt from, in the references' order."""
    power: float = 1.0
    """Order of the power mean."""
    network_readings: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Readings of the network's scores of the same images: a model keeps no photograph as the
    network saw it. Empty in profiles without one."""

    def shares(self, readings: Mapping[str, Reading]) -> dict[str, float]:
        """Return each score's share of the total; 0 for a score that is not active.

        Each instance beyond a tolerance set by hand adds the threshold to the share of its score.
        """
        whole = sum(self.weights.values())
        terms = {
            name: self.weights[name]
            / whole
            * min(reading.value / self.scales[name], self.caps.get(name, np.inf)) ** self.power
            for name, reading in readings.items()
        }
        # Σ of the terms is the power of the mean: shares that add up to the mean itself
        summed = sum(terms.values())
        factor = summed ** (1 / self.power - 1) if summed > 0 else 0.0
        return {
            name: float(term * factor)
            + readings[name].n_over_tolerance * self.threshold * _JUST_ABOVE
            for name, term in terms.items()
        }

    def total(self, readings: Mapping[str, Reading]) -> float:
        """Return the weighted power mean of the scores, each in units of its scale."""
        return float(sum(self.shares(readings).values()))

    def cell_map(
        self, kinds: Sequence[CellMapKind], readings: Mapping[str, Reading]
    ) -> Float[np.ndarray, "rows columns"]:
        """Return the mean of the maps of some scores, each in units of its scale, by their weights.

        The first counts alone if none of them has a say in the total.
        """
        names = [score_of_map(kind).name for kind in kinds]
        weights = [self.weights[name] for name in names]
        if not any(weights):
            weights[0] = 1.0
        parts = [
            weight / sum(weights) * np.asarray(readings[name].cells) / self.scales[name]
            for name, weight in zip(names, weights, strict=True)
            if weight
        ]
        rows, columns = max(part.shape for part in parts)
        return np.asarray(np.sum([_on_grid(part, rows, columns) for part in parts], axis=0))


def _on_grid(cells: Float[np.ndarray, "_ _"], rows: int, columns: int) -> np.ndarray:
    """Bring a map to a finer grid."""
    if cells.shape == (rows, columns):
        return cells
    finer: np.ndarray = cv2.resize(cells, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return finer


def weigh(
    config: NormaliserConfig,
    scores: ScoresConfig,
    active: Sequence[str],
    residual: float,
    normal: Sequence[Mapping[str, Reading]] = (),
) -> dict[str, float]:
    """Weigh the scores by the relative alignment residual of the references, and their readings.

    The published scores count alike, and so does one that is active alone. Others weigh by their
    role: an amount by the ``weight`` of its own section where the layout is free, and the less the
    stricter it is; a place the less the freer it is. The composition also counts the less, the
    more that of the references varies by itself.
    """
    freedom = min(1.0, residual / config.free_layout_residual) ** 2
    weights = {each.name: float(each.name in active) for each in SCORES}
    if len(active) > 1:
        for each in SCORES:
            if not each.is_published:
                own = getattr(getattr(scores, each.name), "weight", 1.0)
                weights[each.name] *= own * _layout_factor(config, each, freedom)
        weights[composition.SCORE.name] *= _steadiness(config, normal)
    return weights


def _steadiness(config: NormaliserConfig, normal: Sequence[Mapping[str, Reading]]) -> float:
    """Return how far amounts can be believed, 0 (exclusive) … 1."""
    if not normal:
        return 1.0
    usual = float(np.median([readings[composition.SCORE.name].value for readings in normal]))
    share = min(1.0, config.steady_composition / max(usual, config.min_scale))
    return max(share**4, LEAST_STEADINESS)


def _layout_factor(config: NormaliserConfig, score: Score, freedom: float) -> float:
    if score.role == "amount":
        return freedom
    return 1 - config.place_discount * freedom if score.role == "place" else 1.0


def learn_normaliser(
    config: NormaliserConfig,
    weights: dict[str, float],
    normal: Sequence[Mapping[str, Reading]],
    validation: Sequence[Mapping[str, Reading]],
    calibration: Calibration,
) -> Normaliser:
    """Learn scales from readings of normal images, and the threshold from these or validation."""
    scales = {
        name: max(max(readings[name].value for readings in normal), config.min_scale)
        for name in normal[0]
    }
    caps = {
        each.name: config.amount_cap
        for each in SCORES
        if each.role == "amount" and not each.is_published
    }
    # with threshold 0, rules that a person has set add nothing to what is normal
    power = config.power
    bare = Normaliser(scales, weights, caps, 0.0, "", calibration, power=power)
    totals = tuple(bare.total(readings) for readings in normal)
    if validation:
        largest = max(bare.total(readings) for readings in validation)
        threshold = config.margin_validation * largest
        source = (
            f"{config.margin_validation:g} × the largest of {len(validation)} validation totals"
        )
    else:
        threshold, source = threshold_of(config, totals, calibration)
    return Normaliser(
        scales,
        weights,
        caps,
        max(threshold, MIN_THRESHOLD),
        source,
        calibration,
        totals,
        power,
        {
            name: tuple(readings[name].value for readings in normal)
            for name in OF_NETWORK
            if weights[name]
        },
    )


def threshold_of(
    config: NormaliserConfig, normal_totals: Sequence[float], calibration: Calibration
) -> tuple[float, str]:
    """Return the threshold that totals of normal images give, and in words how."""
    is_held_out = calibration == "leave-one-out"
    margin = config.margin if is_held_out else config.margin_self
    totals = sorted(normal_totals)
    usual = totals[:-1] if is_held_out and len(totals) > 1 else totals
    what = (
        f"leave-one-out totals of {len(totals)} references, the largest left out"
        if is_held_out
        else f"totals of {len(totals)} altered copies of the reference"
    )
    return margin * float(np.mean(usual)), f"{margin:g} × the mean of the {what}"
