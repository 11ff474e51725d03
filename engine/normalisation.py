"""How much of each score is normal, and where does anomalous begin?

Each reference in turn is judged by the others; the largest of these readings is the score's weight
w, and the total of an image is the mean of score / w over the active scores: 1 is what the oddest
reference reached. With one reference there is nobody to judge it; then altered copies of it stand
in (moved, turned, dimmed, tinted, noisy: whatever keeps it normal).

Three scores count more or less in the mean, by how freely the product is laid out. Where the
references lie on each other almost exactly, places tell everything, and amounts (``composition``,
``instance_count``) only add noise; where they do not (fruit in a box), amounts tell what places
cannot, and that a place never looked like this (``located_patch``) says little. The share of the
hub's variance that the best pose leaves unexplained (``alignment.pose``) measures it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from engine.report import Calibration
from engine.scores import SCORES, Reading
from features.config_fields import Range, Share

# an image whose only fault is one instance too many must exceed the threshold, not equal it
_JUST_ABOVE = 1 + 1e-9
# references that equal each other have total 0, and then any difference is anomalous
MIN_THRESHOLD = 1e-6


@dataclass(frozen=True)
class NormaliserConfig:
    """How weights and the threshold follow from normal images."""

    margin: Annotated[float, Range(0, 100, "(]")] = 1.075
    """Threshold as a multiple of the mean leave-one-out total of the references, the largest left
    out: one odd reference must not hide defects."""
    margin_self: Annotated[float, Range(0, 100, "(]")] = 1.5
    """The same for altered copies of a single reference, which differ less than real images."""
    margin_validation: Annotated[float, Range(0, 100, "(]")] = 1.02
    """The same for the largest total of the validation images."""
    composition_emphasis: Annotated[float, Range(0, 100)] = 1.25
    """Emphasis of ``composition`` for a product laid out freely; most other scores have 1."""
    count_emphasis: Annotated[float, Range(0, 100)] = 0.5
    """The same for ``instance_count``."""
    place_relief: Share = 0.75
    """Share of the emphasis of ``located_patch`` that a free layout takes away."""
    free_residual: Annotated[float, Range(0, 10, "(]")] = 0.5
    """Unexplained share from which a layout counts as free; below it the emphasis falls with its
    square."""
    free_cap: Annotated[float, Range(1, 1_000_000)] = 2.0
    """Most that these two may say, in units of their weights: beyond it, strange light (which moves
    every share at once) would outvote all else."""
    min_weight: Annotated[float, Range(0, 1, "(]")] = 1e-3
    """Least weight: identical references must not divide by zero."""


@dataclass(frozen=True)
class Normaliser:
    """Weights of all scores, how much each counts (0: not active), and the total's threshold."""

    weights: dict[str, float]
    emphasis: dict[str, float]
    caps: dict[str, float]
    threshold: float
    threshold_source: str
    calibration: Calibration
    normal_totals: tuple[float, ...] = ()
    """Totals of the normal images that the weights were learnt from, in the references' order."""

    def shares(self, readings: Mapping[str, Reading]) -> dict[str, float]:
        """Return each score's share of the total; 0 for a score that is not active.

        Each instance beyond a tolerance set by hand adds the threshold to the share of its score.
        """
        whole = sum(self.emphasis.values())
        return {
            name: self.emphasis[name]
            / whole
            * min(reading.value / self.weights[name], self.caps.get(name, np.inf))
            + reading.n_beyond * self.threshold * _JUST_ABOVE
            for name, reading in readings.items()
        }

    def total(self, readings: Mapping[str, Reading]) -> float:
        """Return the mean of the scores by emphasis, each in units of its weight."""
        return float(sum(self.shares(readings).values()))


def emphasise(config: NormaliserConfig, active: Sequence[str], residual: float) -> dict[str, float]:
    """Say how much each score counts, given the share that the references' poses leave open."""
    freedom = min(1.0, residual / config.free_residual) ** 2
    emphasis = {name: float(name in active) for name, _ in SCORES}
    if len(active) > 1:
        emphasis["composition"] *= config.composition_emphasis * freedom
        emphasis["instance_count"] *= config.count_emphasis * freedom
        emphasis["located_patch"] *= 1 - config.place_relief * freedom
    return emphasis


def learn_normaliser(
    config: NormaliserConfig,
    emphasis: dict[str, float],
    normal: Sequence[Mapping[str, Reading]],
    validation: Sequence[Mapping[str, Reading]],
    calibration: Calibration,
) -> Normaliser:
    """Learn weights from readings of normal images, and the threshold from these or validation."""
    weights = {
        name: max(max(readings[name].value for readings in normal), config.min_weight)
        for name in normal[0]
    }
    caps = {"composition": config.free_cap, "instance_count": config.free_cap}
    # with threshold 0, rules that a person has set add nothing to what is normal
    scale = Normaliser(weights, emphasis, caps, 0.0, "", calibration)
    totals = tuple(scale.total(readings) for readings in normal)
    if validation:
        largest = max(scale.total(readings) for readings in validation)
        threshold = config.margin_validation * largest
        source = (
            f"{config.margin_validation:g} × the largest of {len(validation)} validation totals"
        )
    else:
        threshold, source = threshold_of(config, totals, calibration)
    return Normaliser(
        weights, emphasis, caps, max(threshold, MIN_THRESHOLD), source, calibration, totals
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
