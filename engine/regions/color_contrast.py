"""Segmentation by colour contrast between a thing and its surroundings.

Two classes, each with a histogram of colours of its own: the surroundings, of which there are
plenty, and the thing, which begins as the pixels of rare colour and is learnt in turns with the
mask, as in GrabCut (Rother, Kolmogorov and Blake, 2004). Neighbours are held together by a mean
field instead of a cut (Krähenbühl and Koltun, 2011), which takes a tenth of the time.

Colours are CIELAB, scaled by their spread in the surroundings, so that a bin is wide where a cloth
is lively. The surroundings count a little in a shade of their own, too: shadows are no thing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Int

from features.images import Mask

# along each axis; 32 bins of 0.75 spreads reach 12 spreads either way, what is beyond is clipped
_BINS, _BIN_SPREADS = 32, 0.75
# units of CIELAB: below it a spread is noise of the camera
NOISE = 2.0
# pixels rarer than this share of the surroundings start a thing; the second, if there are none,
# because something else is among the surroundings
_RARE = (0.03, 0.15)
# a shadow keeps this share of the lightness; how much each shade weighs
_SHADES, _SHADE_WEIGHT = (0.85, 0.7), 0.1
# no colour is impossible, and no pixel decides alone: e^4 is a likelihood ratio of 55
_LEAST, _MAX_EVIDENCE = 1e-5, 4.0
_TURNS, _FIELD_STEPS, _COHESION = 4, 3, 4.0
# px about a thing for learning colours; a regular sample of more gives the same histograms
_ENOUGH_PX = 15_000
_LEAST_PX = 6

Lab = Float32[np.ndarray, "height width 3"]
Scores = Float32[np.ndarray, "height width"]


@dataclass(frozen=True)
class Vicinity:
    """What is known about the pixels of a context before their colours are looked at.

    ``distance_px`` is that from the rough region, 0 inside it.
    """

    distance_px: Scores
    is_surroundings: Mask
    is_near: Mask
    reach_px: int

    @property
    def n_surroundings(self) -> int:
        """Number of pixels that show what the thing lies on."""
        return int(np.count_nonzero(self.is_surroundings))

    def every(self, step: int) -> Vicinity:
        """Sample pixels regularly."""
        at = (slice(None, None, step),) * 2
        return Vicinity(
            self.distance_px[at], self.is_surroundings[at], self.is_near[at], self.reach_px
        )


def by_contrast(lab: Lab, vicinity: Vicinity, *, noise: float = NOISE) -> Mask:
    """Find the thing's pixels; none if no colour stands out by more than the camera's noise."""
    around = lab[vicinity.is_surroundings]
    bins = _Bins.of(around, noise)
    step = max(1, round(math.sqrt(np.count_nonzero(vicinity.is_near) / _ENOUGH_PX)))
    sample = vicinity.every(step)
    sampled_lab = lab[::step, ::step]
    near = bins.index(sampled_lab[sample.is_near])
    ground = _ground(bins, around[:: step * step])
    chances = _rare(bins.index(around[:: step * step]), near, ground, sample)
    for _ in range(_TURNS):
        if chances.sum() < _LEAST_PX / step:
            return np.zeros(lab.shape[:2], dtype=bool)
        thing = _smoothed(np.bincount(near, chances[sample.is_near], minlength=_BINS**3))
        chances = _field(near, thing, ground, sample, chances)
    if step > 1:
        start = cv2.resize(chances, lab.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        chances = _field(bins.index(lab[vicinity.is_near]), thing, ground, vicinity, start)
    found: np.ndarray = chances > 0.5
    return found


@dataclass(frozen=True)
class _Bins:
    """Where colours lie on the axes of a histogram."""

    center: Float32[np.ndarray, " 3"]
    whiten: Float32[np.ndarray, "3 3"]

    @classmethod
    def of(cls, colors: Float32[np.ndarray, "pixels 3"], min_spread: float) -> _Bins:
        center = colors.mean(axis=0)
        spread = np.cov(colors.T) + np.eye(3) * min_spread**2
        whiten = np.linalg.inv(np.linalg.cholesky(spread)) / _BIN_SPREADS
        return cls(center, whiten.T.astype(np.float32))

    def index(self, colors: Float32[np.ndarray, "pixels 3"]) -> Int[np.ndarray, " pixels"]:
        # half a bin for rounding
        at = (colors - self.center) @ self.whiten + np.float32(_BINS / 2 + 0.5)
        at = np.clip(at, 0, _BINS - 1).astype(np.int32)
        index: np.ndarray = (at[:, 0] * _BINS + at[:, 1]) * _BINS + at[:, 2]
        return index


def _kernel() -> Float32[np.ndarray, "bins bins"]:
    """A Gaussian of one bin, as a matrix."""
    apart = np.subtract.outer(np.arange(_BINS), np.arange(_BINS))
    return np.exp(-0.5 * apart**2).astype(np.float32)


_KERNEL = _kernel()


def _smoothed(counts: np.ndarray) -> Float32[np.ndarray, " colors"]:
    """Turn counts into a density over the bins."""
    first = _KERNEL @ counts.astype(np.float32).reshape(_BINS, _BINS * _BINS)
    second = _KERNEL @ first.reshape(_BINS, _BINS, _BINS)
    third = second.reshape(-1, _BINS) @ _KERNEL
    density: np.ndarray = third.reshape(-1) / max(float(third.sum()), 1e-9)
    return density


def _ground(bins: _Bins, colors: Float32[np.ndarray, "pixels 3"]) -> Float32[np.ndarray, " colors"]:
    """Learn the colours of the surroundings, in the light and in the shade."""
    counts = np.bincount(bins.index(colors), minlength=_BINS**3).astype(np.float64)
    for shade in _SHADES:
        shaded = bins.index(colors * np.array([shade, 0.9, 0.9], dtype=np.float32))
        counts += _SHADE_WEIGHT * np.bincount(shaded, minlength=_BINS**3)
    return _smoothed(counts)


def _rare(
    around: Int[np.ndarray, " around"],
    near: Int[np.ndarray, " near"],
    ground: Float32[np.ndarray, " colors"],
    vicinity: Vicinity,
) -> Scores:
    """Begin with pixels in and at the rough region that hardly any of the surroundings is like."""
    is_rare = np.zeros(vicinity.is_near.shape, dtype=np.float32)
    is_close = vicinity.distance_px <= vicinity.reach_px / 2
    for bound in np.quantile(ground[around], _RARE):
        is_rare[vicinity.is_near] = ground[near] < bound
        # most of the neighbours, too: noise is rare as well
        is_start = (cv2.blur(is_rare, (3, 3)) > 0.6) & is_close
        if np.count_nonzero(is_start) >= _LEAST_PX:
            break
    return is_start.astype(np.float32)


def _field(
    near: Int[np.ndarray, " near"],
    thing: Float32[np.ndarray, " colors"],
    ground: Float32[np.ndarray, " colors"],
    vicinity: Vicinity,
    chances: Scores,
) -> Scores:
    """Weigh each pixel's colour against its place and its neighbours."""
    ratio = np.log((thing + _LEAST) / (ground + _LEAST))
    evidence = np.clip(ratio, -_MAX_EVIDENCE, _MAX_EVIDENCE)[near]
    evidence -= vicinity.distance_px[vicinity.is_near] / vicinity.reach_px
    for _ in range(_FIELD_STEPS):
        agreement = 2 * cv2.blur(chances, (3, 3))[vicinity.is_near] - 1
        chances = np.zeros_like(chances)
        chances[vicinity.is_near] = 1 / (1 + np.exp(-evidence - _COHESION * agreement))
    return chances
