"""Does a pixel look like anything that the references show?

What is smaller than a cell (a fleck, a thread) has little say in the cells' descriptors. Here every
working pixel is described by its colour at two radii, relative to the light across the image, and
by its roughness; the references are summed up in a few prototypes (k-means on whitened features),
and the distance to the nearest one is the novelty of the pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8
from scipy.cluster.vq import kmeans2

Image = UInt8[np.ndarray, "height width 3"]
Mask = Bool[np.ndarray, "height width"]
Planes = Float32[np.ndarray, "height width channels"]

N_PROTOTYPES = 32
# pixels that the clustering sees; more do not change what is new
N_SAMPLES = 8_000
# radii of the colour averages, in working pixels: the width of a thread, and of a yarn or two
FINE_SIGMA_PX, WIDE_SIGMA_PX = 1.0, 2.5
# half a unit of CIELAB: nobody sees less, and smooth products must not blow it up
LEAST_SPREAD = 0.5
# working pixels a side of what the light is fitted to
LIGHT_CELL_PX = 8
# pixels whose distances are computed at once: they fit into the second-level cache
N_AT_ONCE = 4096


@dataclass(frozen=True)
class Detail:
    """The prototypes of the references' pixels."""

    mean: Float32[np.ndarray, " dim"]
    whiten: Float32[np.ndarray, "dim dim"]
    prototypes: Float32[np.ndarray, "prototypes dim"]

    def __call__(self, image: Image, is_valid: Mask) -> Float32[np.ndarray, "height width"]:
        """Return the distance of each pixel to the nearest prototype; 0 where it is not valid."""
        described = describe(image, is_valid)
        flat = described.reshape(-1, described.shape[-1])
        power = np.einsum("pd,pd->p", self.prototypes, self.prototypes)
        turned = -2 * self.prototypes
        squared = np.empty(len(flat), dtype=np.float32)
        for first in range(0, len(flat), N_AT_ONCE):
            some = (flat[first : first + N_AT_ONCE] - self.mean) @ self.whiten
            # prototypes first: a minimum over rows is one pass over the cache
            nearest = (turned @ some.T + power[:, None]).min(axis=0)
            squared[first : first + N_AT_ONCE] = nearest + np.einsum("nd,nd->n", some, some)
        distance: np.ndarray = np.sqrt(np.maximum(squared, 0)).reshape(is_valid.shape)
        distance[~is_valid] = 0
        return distance

    def state(self) -> dict[str, np.ndarray]:
        """Return what was learnt."""
        return {"mean": self.mean, "whiten": self.whiten, "prototypes": self.prototypes}


def learn_detail(
    images: Sequence[Image], is_valid: Sequence[Mask], rng: np.random.Generator
) -> Detail:
    """Sum up the valid pixels of upright references of one size."""
    pixels = np.concatenate(
        [describe(image, valid)[valid] for image, valid in zip(images, is_valid, strict=True)]
    )
    mean = pixels.mean(axis=0)
    covariance = np.cov(pixels.T) + LEAST_SPREAD**2 * np.eye(pixels.shape[1])
    values, vectors = np.linalg.eigh(covariance)
    whiten = (vectors / np.sqrt(values)).astype(np.float32)
    chosen = pixels[rng.permutation(len(pixels))[:N_SAMPLES]]
    sample = ((chosen - mean) @ whiten).astype(np.float64)
    # k-means cannot find more clusters than there are distinct pixels
    n_prototypes = min(N_PROTOTYPES, len(np.unique(sample, axis=0)))
    prototypes = kmeans2(sample, n_prototypes, minit="++", rng=rng)[0]
    return Detail(mean, whiten, prototypes.astype(np.float32))


def describe(image: Image, is_valid: Mask) -> Planes:
    """Return seven features a pixel: CIELAB relative to the light at two radii, and roughness."""
    lab = cv2.cvtColor(image.astype(np.float32) * np.float32(1 / 255), cv2.COLOR_RGB2LAB)
    relative = lab - light_of(lab, is_valid)
    fine = cv2.GaussianBlur(relative, (0, 0), FINE_SIGMA_PX)
    wide = cv2.GaussianBlur(relative, (0, 0), WIDE_SIGMA_PX)
    residue = relative[..., 0] - wide[..., 0]
    roughness = np.sqrt(cv2.GaussianBlur(residue * residue, (0, 0), WIDE_SIGMA_PX))
    return np.dstack([fine, wide, roughness])


def light_of(lab: Float32[np.ndarray, "height width 3"], is_valid: Mask) -> Planes:
    """Fit the light across the image: a quadratic surface that novelties hardly pull.

    Least squares, reweighted five times with Cauchy's weights (Holland and Welsch, 1977). A wide
    average instead would leave a rim of the opposite colour around every large thing.
    """
    height, width = is_valid.shape
    grid = max(4, height // LIGHT_CELL_PX), max(4, width // LIGHT_CELL_PX)
    small = cv2.resize(lab, grid[::-1], interpolation=cv2.INTER_AREA).reshape(-1, 3)
    coverage = cv2.resize(is_valid.astype(np.float32), grid[::-1], interpolation=cv2.INTER_AREA)
    is_seen = coverage.ravel() > 0.5
    if not is_seen.any():
        is_seen[:] = True
    y, x = (axis.ravel() for axis in np.mgrid[-1 : 1 : grid[0] * 1j, -1 : 1 : grid[1] * 1j])
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    weights = is_seen.astype(np.float64)
    for _ in range(5):
        weighted = terms * weights[:, None]
        # a pinch of ridge, for grids of which little is valid
        solution = np.linalg.solve(weighted.T @ terms + 1e-3 * np.eye(6), weighted.T @ small)
        misfit = np.linalg.norm(small - terms @ solution, axis=1)
        scale = 1.5 * (np.median(misfit[is_seen]) + LEAST_SPREAD)
        weights = is_seen / (1 + (misfit / scale) ** 2)
    surface = (terms @ solution).astype(np.float32).reshape(*grid, 3)
    light: Planes = cv2.resize(surface, (width, height), interpolation=cv2.INTER_LINEAR)
    return light
