"""Novelty of pixels, between what is usual and the most that normal images showed.

Four maps have a say: the distance of single pixels (``engine.pixel_distance``); its mean along rows
and columns, which finds faint faults that are long; and the cells' distances to all of the
references, and to the same place in them. On each, 0 is the median of a reference judged by the
others, and 1 the most that any reached; the largest counts. What single pixels show clearly is left
out of the other three: cells see their wide surroundings, and would put a halo around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32

from alignment.sample import Sample
from engine.pixel_distance import Detail, learn_detail
from engine.report import Examination
from engine.scores import Reading, score_of_map
from features.images import Mask

CELL_MAPS = (score_of_map("unseen").name, score_of_map("unseen_here").name)
NAMES = ("detail", "streak", *CELL_MAPS)
# identical references must not divide by zero
LEAST_RANGE = 1e-3
# a pixel from this on is clearly new
CLEARLY = 1.5
# cells are described relative to a Gaussian of 24 working pixels (features.embedded.backbone):
# where what is clearly new, averaged like that, exceeds so much, cells tell of it and not of
# themselves; and within two cells of it they do in any case
HALO_SIGMA_PX, HALO_ABOVE, REACH_PX = 24, 0.03, 16
# a faint fault shows when averaged over this length; 65 px found more than 33, and 97 no more
STREAK_PX = (65, 5)

Map = Float32[np.ndarray, "height width"]


@dataclass(frozen=True)
class Normal:
    """Distances that normal images show: the median, and the most."""

    usual: float
    most: float

    def __call__(self, distances: Float32[np.ndarray, "*places"]) -> Float32[np.ndarray, "*places"]:
        """Return how far distances are on the way from usual to most."""
        scale = np.float32(1 / max(self.most - self.usual, LEAST_RANGE))
        relative: np.ndarray = (distances - np.float32(self.usual)) * scale
        return relative


@dataclass(frozen=True)
class Novelty:
    """What is normal on each map, as ``n_judged`` normal images showed."""

    detail: Detail
    normal: Mapping[str, Normal]
    n_judged: int

    def __call__(self, examination: Examination) -> Map:
        """Return the novelty of every registered working pixel; 0 outside the photograph.

        At most 1 on what normal images show, give or take.
        """
        sample = examination.sample
        distance = self.detail(sample.image, sample.is_valid)
        fine = self.normal["detail"](distance)
        is_clear = fine > CLEARLY
        is_any_clear = bool(is_clear.any())
        usual = self.normal["detail"].usual
        streak = self.normal["streak"](streaks(_without(distance, is_clear, usual), usual))
        coarse = self._coarse(examination.readings, sample.is_valid.shape, is_any_clear)
        if is_any_clear:
            coarse[_in_halo(fine, is_clear)] = 0
        novelty: Map = np.maximum(np.maximum(fine, streak), coarse)
        novelty[~sample.is_valid] = 0
        return np.asarray(np.maximum(novelty, 0))

    def _coarse(
        self, readings: Mapping[str, Reading], size: tuple[int, ...], is_any_clear: bool
    ) -> Map:
        cells = []
        for name in CELL_MAPS:
            found, normal = cells_of(readings[name]), self.normal[name]
            if is_any_clear:
                # something very new changes what cells are relative to, all over the image
                found = found * np.float32(min(1.0, normal.usual / max(np.median(found), 1e-6)))
            cells.append(normal(found))
        coarse: Map = cv2.resize(np.maximum(*cells), size[::-1], interpolation=cv2.INTER_LINEAR)
        return coarse

    def state(self) -> dict[str, np.ndarray]:
        """Return what was learnt."""
        normal = [[self.normal[name].usual, self.normal[name].most] for name in NAMES]
        return self.detail.state() | {
            "normal": np.array(normal),
            "n_judged": np.array([self.n_judged]),
        }

    @classmethod
    def restore(cls, state: Mapping[str, np.ndarray]) -> Novelty:
        """Take what was learnt from a stored state."""
        detail = Detail(state["colors"], state["mean"], state["whiten"], state["prototypes"])
        normal = (Normal(usual, most) for usual, most in state["normal"].tolist())
        return cls(detail, dict(zip(NAMES, normal, strict=True)), int(state["n_judged"][0]))

    def alarm_above(self, margin: float) -> float:
        """Return the novelty from which on a region is an alarm by itself."""
        return 1 + margin / float(np.sqrt(self.n_judged))


def learn_novelty(
    references: Sequence[Sample],
    normal: Sequence[Mapping[str, Reading]],
    judged: Sequence[Sample],
    seed: int,
) -> Novelty:
    """Learn from the references, and from readings of normal images (``judged``).

    The normal images are the references themselves, each judged by the others, or altered copies of
    a single one; more of them, that no reference is among, only help.
    """
    whole = _learn(references, seed)
    details = []
    for sample in judged:
        others = [each for each in references if each is not sample]
        detail = _learn(others, seed) if len(others) < len(references) else whole
        details.append(detail(sample.image, sample.is_valid))
    found = {name: [cells_of(each[name]) for each in normal] for name in CELL_MAPS}
    found["detail"] = details
    usual = float(np.median([np.median(each) for each in details]))
    found["streak"] = [streaks(each, usual) for each in details]
    # copies of one reference are no further images
    n_judged = len(judged) if len(references) > 1 else 1
    return Novelty(whole, {name: _normal(maps) for name, maps in found.items()}, n_judged)


def _normal(maps: Sequence[Float32[np.ndarray, "_ _"]]) -> Normal:
    usual = float(np.median([np.median(each) for each in maps]))
    return Normal(usual, max(float(each.max()) for each in maps))


def streaks(distance: Map, usual: float) -> Map:
    """Return the largest mean along a row or a column through each pixel, over a narrow strip.

    It is no larger than the mean right around the pixel, where that exceeds what is usual: else the
    strips across a fault would show, too.
    """
    along, across = STREAK_PX
    means = [cv2.blur(distance, size) for size in ((along, across), (across, along))]
    near = cv2.blur(distance, (across, across))
    streak: Map = np.minimum(np.maximum(*means), np.maximum(near, np.float32(usual)))
    return streak


def _without(distance: Map, is_clear: Mask, usual: float) -> Map:
    """Replace what is clearly new, with a margin, by what is usual."""
    if not is_clear.any():
        return distance
    wide = cv2.dilate(is_clear.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    return np.where(wide, np.float32(usual), distance)


def cells_of(reading: Reading) -> Float32[np.ndarray, "rows columns"]:
    """Return the map of a score that has one."""
    assert reading.cells is not None
    return np.asarray(reading.cells, dtype=np.float32)


def _in_halo(fine: Map, is_clear: Mask) -> Mask:
    """Mark where cells see something clearly new in their surroundings."""
    height, width = fine.shape
    clear = np.where(is_clear, fine, np.float32(0))
    # the Gaussian is wide: an eighth of the pixels will do
    small = cv2.resize(clear, (width // 8, height // 8), interpolation=cv2.INTER_AREA)
    spread = cv2.GaussianBlur(small, (0, 0), HALO_SIGMA_PX / 8, borderType=cv2.BORDER_CONSTANT)
    halo = cv2.resize(spread, (width, height), interpolation=cv2.INTER_LINEAR)
    distance = cv2.distanceTransform((~is_clear).astype(np.uint8), cv2.DIST_L2, 3)
    return np.asarray((halo > HALO_ABOVE) | (distance <= REACH_PX))


def _learn(samples: Sequence[Sample], seed: int) -> Detail:
    rng = np.random.default_rng([seed, 4])
    return learn_detail([each.image for each in samples], [each.is_valid for each in samples], rng)
