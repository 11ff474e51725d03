"""Do two regions resemble each other, told without any learnt weights?

What no rotation changes (``engine.regions.measures``) stands beside a coarse picture of the region
in its surroundings (``engine.regions.views``), which is compared over four rotations. The squared
distance becomes a probability by a logistic curve.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from engine.regions.comparing import Curve, sealed
from engine.regions.measures import MEASURES
from engine.regions.views import CHANNELS, N_TURNS, Views, cut
from features.region import Region

GRID = 4
# by how much two regions of one kind typically differ: standard deviation over rendered marks of
# one kind; what the ground is like counts half, for the ground is the same for all kinds
SPREAD = {
    "log_size": 0.34,
    "log_thickness": 0.56,
    "log_elongation": 0.34,
    "solidity": 0.15,
    "fill": 0.22,
    "lightness_around": 0.68,
    "green_red_around": 0.58,
    "blue_yellow_around": 0.60,
    "darkest": 0.54,
    "middle": 0.58,
    "lightest": 0.56,
    "green_red": 0.43,
    "blue_yellow": 0.45,
    "core": 0.60,
    "halo": 0.30,
    "log_fine": 0.36,
    "log_coarse": 0.43,
    "log_fine_around": 0.52,
    "coherence": 0.13,
    "coherence_around": 0.36,
}
# outlines drawn by hand differ more than colours
CELL_SPREAD = {"lightness": 1.0, "green_red": 1.0, "blue_yellow": 1.0, "mask": 3.0}
# fitted to pairs of rendered regions by benchmarks/train_siamese.py, which reports it
CURVE = Curve(bias=1.33, slope=0.0214)


class Arrangement:
    """Compares regions by measures and coarse pictures; there is nothing to load."""

    def describe(
        self, image: UInt8[np.ndarray, "height width 3"], regions: Sequence[Region]
    ) -> Float32[np.ndarray, "regions views dim"]:
        """Describe each region as photographed and turned by quarters."""
        return sealed(arrange(cut(image, regions)))

    def same(
        self,
        asked: Float32[np.ndarray, "queries views dim"],
        taught: Float32[np.ndarray, "examples views dim"],
    ) -> Float32[np.ndarray, "queries examples"]:
        """Probability that they are the same kind of thing; below 0.5 they are not."""
        return CURVE.same(asked, taught)

    def identity(self) -> dict[str, str]:
        """There are no weights, only the measures of this version."""
        return {"regions": "arrangement-1"}


def arrange(views: Views) -> Float32[np.ndarray, "regions views dim"]:
    """Put scaled measures and cells in a row; the squared distance of two rows is what counts."""
    n_regions = len(views.measures)
    spread = np.array([SPREAD[name] for name in MEASURES], np.float32)
    measures = np.repeat((views.measures / spread)[:, None], N_TURNS, axis=1)
    cells = np.empty((n_regions * N_TURNS, GRID, GRID, len(CHANNELS)), np.float32)
    pixels = views.pixels.reshape(-1, *views.pixels.shape[2:])
    for cell, each in zip(cells, pixels, strict=True):
        cv2.resize(each, (GRID, GRID), dst=cell, interpolation=cv2.INTER_AREA)
    cells /= np.array([CELL_SPREAD[name] for name in CHANNELS], np.float32)
    return np.concatenate(
        [measures, cells.reshape(n_regions, N_TURNS, GRID * GRID * len(CHANNELS))], axis=-1
    )
