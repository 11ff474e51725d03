"""How new is each pixel, in units of the most that normal images showed?

Four maps have a say, each divided by the most that any reference reached when judged by the others:
the distance of single pixels (``engine.regions.detail``); its mean along rows and columns, which
finds faint faults that are long; and the cells' distances to all of the references, and to the same
place in them. The largest counts. What single pixels show clearly is left out of the other three:
cells see their wide surroundings, and would put a halo around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from engine.regions.detail import Detail, learn_detail
from engine.sample import Sample
from engine.scores import Reading

if TYPE_CHECKING:
    from engine.examination import Examination

CELL_MAPS = ("class_agnostic_patch", "located_patch")
NAMES = ("detail", "streak", *CELL_MAPS)
# identical references must not divide by zero
LEAST_LIMIT = 1e-3
# a pixel from this on is clearly new
CLEARLY = 1.5
# how far descriptors of cells see, in working pixels: the widest Gaussian of the embedded ones
# (24 px) down to a tenth, and the cell's own blur
REACH_PX = 56
# a faint fault shows when averaged over this length; 65 px found more than 33, and 97 no more
STREAK_PX = (65, 5)

Map = Float32[np.ndarray, "height width"]
Mask = Bool[np.ndarray, "height width"]


@dataclass(frozen=True)
class Novelty:
    """What is normal: the most that the references reached on each map.

    ``level`` is the largest median of a reference on each map of cells.
    """

    detail: Detail
    limits: Mapping[str, float]
    level: Mapping[str, float]

    def __call__(self, examination: Examination) -> Map:
        """Return the novelty of every upright working pixel; 0 outside the photograph.

        At most 1 on what normal images show, give or take.
        """
        sample = examination.sample
        fine = self.detail(sample.image, sample.is_valid) * np.float32(1 / self.limits["detail"])
        is_clear = fine > CLEARLY
        is_any_clear = bool(is_clear.any())
        streak = streaks(without(fine, is_clear) if is_any_clear else fine)
        coarse = self._coarse(examination.readings, sample.is_valid.shape, is_any_clear)
        if is_any_clear:
            coarse[_within_reach(is_clear)] = 0
        streak *= np.float32(1 / self.limits["streak"])
        novelty: Map = np.maximum(np.maximum(fine, streak), coarse)
        novelty[~sample.is_valid] = 0
        return novelty

    def _coarse(
        self, readings: Mapping[str, Reading], size: tuple[int, ...], is_any_clear: bool
    ) -> Map:
        cells = []
        for name in CELL_MAPS:
            found = cells_of(readings[name])
            # something loud changes what cells are relative to, all over the image
            level = float(np.median(found))
            excess = level / self.level[name] if is_any_clear else 1.0
            cells.append(found * np.float32(1 / self.limits[name] / max(1.0, excess)))
        coarse: Map = cv2.resize(np.maximum(*cells), size[::-1], interpolation=cv2.INTER_LINEAR)
        return coarse

    def state(self) -> dict[str, np.ndarray]:
        """Return what was learnt."""
        return self.detail.state() | {
            "limits": np.array([self.limits[name] for name in NAMES]),
            "level": np.array([self.level[name] for name in CELL_MAPS]),
        }

    @classmethod
    def restore(cls, state: Mapping[str, np.ndarray]) -> Novelty:
        """Take what was learnt from a stored state."""
        return cls(
            Detail(state["mean"], state["whiten"], state["prototypes"]),
            dict(zip(NAMES, state["limits"].tolist(), strict=True)),
            dict(zip(CELL_MAPS, state["level"].tolist(), strict=True)),
        )


def learn_novelty(
    references: Sequence[Sample],
    normal: Sequence[Mapping[str, Reading]],
    judged: Sequence[Sample],
    seed: int,
) -> Novelty:
    """Learn from the references, and from readings of normal images (``judged``).

    The normal images are the references themselves, each judged by the others, or altered copies of
    a single one.
    """
    limits, level = {}, {}
    for name in CELL_MAPS:
        maps = [cells_of(each[name]) for each in normal]
        limits[name] = max(LEAST_LIMIT, *(float(each.max()) for each in maps))
        level[name] = max(LEAST_LIMIT, *(float(np.median(each)) for each in maps))
    fine = [
        _learn([each for each in references if each is not sample], seed)(
            sample.image, sample.is_valid
        )
        for sample in judged
    ]
    limits["detail"] = max(LEAST_LIMIT, *(float(each.max()) for each in fine))
    # on the same scale as when asked
    limits["streak"] = max(
        LEAST_LIMIT, *(float(streaks(each / limits["detail"]).max()) for each in fine)
    )
    return Novelty(_learn(references, seed), limits, level)


def streaks(fine: Map) -> Map:
    """Return the largest mean along a row or a column through each pixel, over a narrow strip."""
    along, across = STREAK_PX
    means = [cv2.blur(fine, size) for size in ((along, across), (across, along))]
    streak: Map = np.maximum(*means)
    return streak


def without(fine: Map, is_clear: Mask) -> Map:
    """Replace what is clearly new, with a margin, by what is usual in the image."""
    wide = cv2.dilate(is_clear.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    usual = np.median(fine[~wide]) if not wide.all() else np.float32(0)
    return np.where(wide, usual, fine)


def cells_of(reading: Reading) -> Float32[np.ndarray, "rows columns"]:
    """Return the map of a score that has one."""
    assert reading.cells is not None
    return np.asarray(reading.cells, dtype=np.float32)


def _within_reach(is_clear: Mask) -> Mask:
    distance = cv2.distanceTransform((~is_clear).astype(np.uint8), cv2.DIST_L2, 3)
    return np.asarray(distance <= REACH_PX)


def _learn(samples: Sequence[Sample], seed: int) -> Detail:
    rng = np.random.default_rng([seed, 4])
    return learn_detail([each.image for each in samples], [each.is_valid for each in samples], rng)
