"""Are there as many instances of each class as there should be?

Beside the seven. With n_c instances of foreground class c, and u foreground parts that resemble no
class,

    score = min over references of Σ_c |n_c − n'_c| + ``extra_weight`` · u.

The classes are compared with one reference at a time, so that two legitimate assortments do not
make a third. An absent class has count 0. Background parts are not counted: in how many pieces the
background falls depends on what lies on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.comparison import Comparison
from engine.scores.reading import Reading


@dataclass(frozen=True)
class InstanceCountConfig:
    """What an extra part is worth."""

    extra_weight: float = 1.0
    """Worth of a part that resembles no class, against one instance too many or too few."""

    def problems(self) -> list[str]:
        """Name every value out of range."""
        if 0 <= self.extra_weight <= 100:
            return []
        return [f"scores.instance_count.extra_weight must lie in 0 … 100, got {self.extra_weight}"]


def score(comparisons: Sequence[Comparison], config: InstanceCountConfig) -> Reading:
    """Compare the counts of the foreground classes with those of the nearest reference."""
    aligned = comparisons[0].test.aligned
    is_counted = ~aligned.is_background_class
    surplus = [np.abs(aligned.counts - c.reference.aligned.counts) for c in comparisons]
    n_different = min(int(each[is_counted].sum()) for each in surplus)
    n_extra = np.count_nonzero((aligned.class_of_part < 0) & ~aligned.parts.is_background)
    return Reading(n_different + config.extra_weight * n_extra)
