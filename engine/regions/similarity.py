"""Similarity of two described regions as a probability.

The distance of two regions is that of the first as photographed to the second in the rotation that
suits it best; a logistic curve makes it a probability (Platt, 1999, "Probabilistic outputs for
support vector machines", with the squared distance in place of the margin).

The comparison that needs no learnt weights sets what no rotation changes beside a coarse picture of
the region in its surroundings (both of ``engine.regions.canonical``), over four rotations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32

from engine.regions.canonical import CHANNELS, MEASURES, N_TURNS, Views, cut
from features.images import Image
from features.region import Region

GRID = 4
# by how much two regions of one class typically differ: standard deviation over rendered marks of
# one class; what the ground is like counts half, for the ground is the same for all classes
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


@dataclass(frozen=True)
class Curve:
    """Probability ``1 / (1 + exp(slope * squared distance - bias))``."""

    bias: float
    slope: float

    def same(
        self,
        query: Float32[np.ndarray, "queries views dim"],
        taught: Float32[np.ndarray, "examples views dim"],
    ) -> Float32[np.ndarray, "queries examples"]:
        """Turn the distance of each pair into the probability of being the same, 0 … 1."""
        margin = np.float32(self.bias) - np.float32(self.slope) * squared_distance(query, taught)
        return probability(margin)


def probability(margin: Float32[np.ndarray, "*axes"]) -> Float32[np.ndarray, "*axes"]:
    """Logistic function, exact at both ends."""
    return np.asarray(0.5 * (1 + np.tanh(margin / 2)), np.float32)


def with_half_norm(
    rows: Float32[np.ndarray, "*axes dim"],
) -> Float32[np.ndarray, "*axes dim_and_norm"]:
    """Append half of each row's squared length, so that one product gives all distances."""
    half = np.einsum("...d,...d->...", rows, rows)[..., None] * np.float32(0.5)
    return np.asarray(np.concatenate([rows, half], axis=-1), np.float32)


def squared_distance(
    query: Float32[np.ndarray, "queries views dim"],
    taught: Float32[np.ndarray, "examples views dim"],
) -> Float32[np.ndarray, "queries examples"]:
    """Return the least squared distance over the views of each taught region.

    Rows have their half norms (``with_half_norm``). Only view 0 of the query counts: the taught
    views hold every relative rotation already.
    """
    n_examples, n_views, dim = taught.shape
    if not n_examples:
        return np.empty((len(query), 0), np.float32)
    first = query[:, 0].copy()
    first[:, -1] = -1
    # x.y - |y|^2/2, from which |x - y|^2 = |x|^2 - 2 (x.y - |y|^2/2)
    closeness = (taught.reshape(-1, dim) @ first.T).reshape(n_examples, n_views, -1).max(axis=1)
    nearest = 2 * (query[:, 0, -1:] - closeness.T)
    return np.asarray(np.maximum(nearest, 0))


# fitted to pairs of rendered regions by benchmarks/train_siamese.py, which reports it
CURVE = Curve(bias=1.33, slope=0.0214)


class Arrangement:
    """Compares regions by measures and coarse pictures; there is nothing to load."""

    def describe(
        self, image: Image, regions: Sequence[Region]
    ) -> Float32[np.ndarray, "regions views dim"]:
        """Describe each region as photographed and turned by quarters."""
        return with_half_norm(arrange(cut(image, regions)))

    def same(
        self,
        query: Float32[np.ndarray, "queries views dim"],
        taught: Float32[np.ndarray, "examples views dim"],
    ) -> Float32[np.ndarray, "queries examples"]:
        """Probability that they are of one class; below 0.5 they are not."""
        return CURVE.same(query, taught)

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
