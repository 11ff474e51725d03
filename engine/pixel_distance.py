"""Distance of single pixels to the colours and the roughness of the references.

Does a pixel look like anything that the references show?

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
from jaxtyping import Bool, Float, Float32
from scipy.cluster.vq import kmeans2

from features.images import Image, Mask, to_lab

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
# colours of the references' cells, and how far from one a cell still is of that colour: twice the
# just noticeable difference (2.3 units of CIELAB, Mahy et al., 1994)
N_COLORS, LIKE_COLOR = 16, 4.6
# ridge on the slopes of the light, as a share of the cells' weights
LEAST_FLAT = 3e-3
# pixels whose distances are computed at once: they fit into the second-level cache
N_AT_ONCE = 4096


@dataclass(frozen=True)
class Detail:
    """The prototypes of the references' pixels; ``colors`` are those of their cells, in CIELAB."""

    colors: Float32[np.ndarray, "colors 3"]
    mean: Float32[np.ndarray, " dim"]
    whiten: Float32[np.ndarray, "dim dim"]
    prototypes: Float32[np.ndarray, "prototypes dim"]

    def __call__(self, image: Image, is_valid: Mask) -> Float32[np.ndarray, "height width"]:
        """Return the distance of each pixel to the nearest prototype; 0 where it is not valid."""
        described = describe(image, is_valid, self.colors)
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
        return {
            "colors": self.colors,
            "mean": self.mean,
            "whiten": self.whiten,
            "prototypes": self.prototypes,
        }


def learn_detail(
    images: Sequence[Image], is_valid: Sequence[Mask], rng: np.random.Generator
) -> Detail:
    """Sum up the valid pixels of registered references of one size."""
    pairs = list(zip(images, is_valid, strict=True))
    cells = [_cells(to_lab(image), valid) for image, valid in pairs]
    colors = _centers(np.concatenate([lab[is_seen] for lab, is_seen in cells]), N_COLORS, rng)
    pixels = np.concatenate([describe(image, valid, colors)[valid] for image, valid in pairs])
    mean = pixels.mean(axis=0)
    covariance = np.cov(pixels.T) + LEAST_SPREAD**2 * np.eye(pixels.shape[1])
    values, vectors = np.linalg.eigh(covariance)
    whiten = (vectors / np.sqrt(values)).astype(np.float32)
    chosen = pixels[rng.permutation(len(pixels))[:N_SAMPLES]]
    prototypes = _centers((chosen - mean) @ whiten, N_PROTOTYPES, rng)
    return Detail(colors, mean, whiten, prototypes)


def _centers(
    rows: Float32[np.ndarray, "_rows dim"], n_centers: int, rng: np.random.Generator
) -> Float32[np.ndarray, "_centers dim"]:
    """Cluster rows; k-means cannot find more clusters than there are distinct ones."""
    sample = rows.astype(np.float64)
    n_centers = min(n_centers, len(np.unique(sample, axis=0)))
    centers: np.ndarray = kmeans2(sample, n_centers, minit="++", rng=rng)[0]
    return centers.astype(np.float32)


def describe(image: Image, is_valid: Mask, colors: Float32[np.ndarray, "colors 3"]) -> Planes:
    """Return seven features a pixel: CIELAB relative to the light at two radii, and roughness."""
    lab = to_lab(image)
    relative = lab - light_of(lab, is_valid, colors)
    fine = cv2.GaussianBlur(relative, (0, 0), FINE_SIGMA_PX)
    wide = cv2.GaussianBlur(relative, (0, 0), WIDE_SIGMA_PX)
    residue = relative[..., 0] - wide[..., 0]
    roughness = np.sqrt(cv2.GaussianBlur(residue * residue, (0, 0), WIDE_SIGMA_PX))
    return np.dstack([fine, wide, roughness])


def light_of(
    lab: Float32[np.ndarray, "height width 3"],
    is_valid: Mask,
    colors: Float32[np.ndarray, "colors 3"],
) -> Planes:
    """Fit the light across the image: a quadratic surface that novelties hardly pull.

    Least squares, reweighted five times with Cauchy's weights (Holland and Welsch, 1977); cells of
    colours that no reference has count less from the start, or something new that fills half of
    the image would pass for the ground. A wide average instead of the surface would leave a rim
    of the opposite colour around every large thing.
    """
    height, width = is_valid.shape
    grid = _grid(height, width)
    small, is_seen = _cells(lab, is_valid)
    y, x = (axis.ravel() for axis in np.mgrid[-1 : 1 : grid[0] * 1j, -1 : 1 : grid[1] * 1j])
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    away = np.sqrt(((small[:, None] - colors) ** 2).sum(axis=2).min(axis=1))
    known = is_seen / (1 + (away / LIKE_COLOR) ** 2) ** 2
    known = known / known.max()
    weights = known
    for _ in range(5):
        weighted = terms * weights[:, None]
        # a pinch of ridge: the surface must not rear up where little is known
        ridge = 1e-3 + LEAST_FLAT * weights.sum() * np.diag([0.0, 1, 1, 1, 1, 1])
        solution = np.linalg.solve(weighted.T @ terms + ridge * np.eye(6), weighted.T @ small)
        misfit = np.linalg.norm(small - terms @ solution, axis=1)
        scale = 1.5 * (_median(misfit, known) + LEAST_SPREAD)
        weights = known / (1 + (misfit / scale) ** 2)
    surface = (terms @ solution).astype(np.float32).reshape(*grid, 3)
    light: Planes = cv2.resize(surface, (width, height), interpolation=cv2.INTER_LINEAR)
    return light


def _grid(height: int, width: int) -> tuple[int, int]:
    return max(4, height // LIGHT_CELL_PX), max(4, width // LIGHT_CELL_PX)


def _cells(
    lab: Float32[np.ndarray, "height width 3"], is_valid: Mask
) -> tuple[Float32[np.ndarray, "cells 3"], Bool[np.ndarray, " cells"]]:
    """Average over cells, row by row, and say which are seen; all, if none is."""
    rows, columns = _grid(*is_valid.shape)
    small = cv2.resize(lab, (columns, rows), interpolation=cv2.INTER_AREA).reshape(-1, 3)
    coverage = cv2.resize(
        is_valid.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA
    )
    is_seen: np.ndarray = coverage.ravel() > 0.5
    return small, is_seen if is_seen.any() else np.ones_like(is_seen)


def _median(values: Float[np.ndarray, " cells"], weights: Float[np.ndarray, " cells"]) -> float:
    order = np.argsort(values)
    return float(values[order][np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)])
