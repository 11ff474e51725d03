"""How much of each score is normal, and where does anomalous begin?

Each reference in turn is judged by the others; the largest of these readings is the score's weight
w, and the total of an image is the mean of score / w over the active scores: 1 is what the oddest
reference reached. With one reference there is nobody to judge it; then altered copies of it stand
in (moved, turned, dimmed, tinted, noisy: whatever keeps it normal).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.report import Calibration
from engine.scores import Reading


@dataclass(frozen=True)
class NormaliserConfig:
    """How weights and the threshold follow from normal images."""

    margin: float = 1.1
    """Threshold as a multiple of the mean leave-one-out total of the references."""
    margin_self: float = 1.1
    """The same for altered copies of a single reference, which differ less than real images."""
    margin_validation: float = 1.02
    """The same for the largest total of the validation images."""
    min_weight: float = 1e-3
    """Least weight: identical references must not divide by zero."""

    def problems(self) -> list[str]:
        """Name every value out of range."""
        found = []
        for name in ("margin", "margin_self", "margin_validation"):
            if not 0 < getattr(self, name) <= 100:
                found.append(f"normalisation.{name} must lie in 0 … 100, got {getattr(self, name)}")
        if not 0 < self.min_weight <= 1:
            found.append(f"normalisation.min_weight must lie in 0 … 1, got {self.min_weight}")
        return found


@dataclass(frozen=True)
class Normaliser:
    """Weights of all scores, which of them count, and the threshold of the total."""

    weights: dict[str, float]
    active: tuple[str, ...]
    threshold: float
    threshold_source: str
    calibration: Calibration

    def shares(self, readings: Mapping[str, Reading]) -> dict[str, float]:
        """Return each score's share of the total; 0 for a score that is not active."""
        return {
            name: reading.value / self.weights[name] / len(self.active)
            if name in self.active
            else 0.0
            for name, reading in readings.items()
        }

    def total(self, readings: Mapping[str, Reading]) -> float:
        """Return the mean of the active scores, each in units of its weight."""
        return float(sum(self.shares(readings).values()))


def learn_normaliser(
    config: NormaliserConfig,
    active: Sequence[str],
    normal: Sequence[Mapping[str, Reading]],
    validation: Sequence[Mapping[str, Reading]],
    calibration: Calibration,
) -> Normaliser:
    """Learn weights from readings of normal images, and the threshold from these or validation."""
    names = normal[0].keys()
    weights = {
        name: max(max(readings[name].value for readings in normal), config.min_weight)
        for name in names
    }
    scale = Normaliser(weights, tuple(active), 1.0, "", calibration)
    if validation:
        largest = max(scale.total(readings) for readings in validation)
        threshold = config.margin_validation * largest
        source = (
            f"{config.margin_validation:g} × the largest of {len(validation)} validation totals"
        )
    else:
        margin = config.margin if calibration == "leave-one-out" else config.margin_self
        totals = [scale.total(readings) for readings in normal]
        threshold = margin * float(np.mean(totals))
        what = (
            f"leave-one-out totals of {len(normal)} references"
            if calibration == "leave-one-out"
            else f"totals of {len(normal)} altered copies of the reference"
        )
        source = f"{margin:g} × the mean of the {what}"
    # references that equal each other have total 0, and then any difference is anomalous
    return Normaliser(weights, tuple(active), max(threshold, 1e-6), source, calibration)
