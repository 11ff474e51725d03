"""Baselines on the features of one network: PatchCore, PaDiM, and the nearest thumbnail.

What would plain methods say, given the same references and the same network? Each learns from
described references, and then gives an image a score and a map of cells; more is more anomalous.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from jaxtyping import Float, Float32, Float64, Int

from features.images import AnyImage, resize

N_NEIGHBOURS = 9  # the b of PatchCore's equation 7
N_PROJECTED = 128  # dimensions in which its core set is chosen
N_DIMS = 100  # of PaDiM, out of all; as for its ResNet-18
RIDGE = 0.01  # its ε, here as a share of the mean variance, for networks differ in scale
THUMBNAIL_PX = 24
# both papers smooth their maps by a Gaussian of 4 px on images of 224
SMOOTHING = 4 / 224

Cells = Float32[np.ndarray, "cells dim"]
CellMap = Float32[np.ndarray, "rows columns"]


@dataclass(frozen=True)
class Described:
    """An image, and its descriptors; those that are compared are of one size."""

    image: AnyImage
    tokens: Float32[np.ndarray, "rows columns dim"]

    @property
    def cells(self) -> Cells:
        """All descriptors, row by row."""
        return self.tokens.reshape(-1, self.tokens.shape[2])

    def as_map(self, values: Float[np.ndarray, " cells"]) -> CellMap:
        """Lay a value of each cell out as the cells lie."""
        return values.reshape(self.tokens.shape[:2]).astype(np.float32)


# a score of an image, and what each cell adds to it if that can be told
Judged = tuple[float, CellMap | None]
Judge = Callable[[Described], Judged]
Fit = Callable[[Sequence[Described]], Judge]


@dataclass(frozen=True)
class PatchCore:
    """Distance to the nearest of all cells of the references (Roth et al., CVPR 2022)."""

    memory: Cells

    @classmethod
    def of(
        cls, references: Sequence[Described], coreset_share: float = 1.0, seed: int = 0
    ) -> PatchCore:
        """Remember the cells of the references, or a share of them that covers the others."""
        cells = np.concatenate([each.cells for each in references])
        return cls(cells[choose_coreset(cells, coreset_share, np.random.default_rng(seed))])

    def __call__(self, image: Described) -> Judged:
        """Score an image by its farthest cell, weighed by how dense the memory is there."""
        distances, nearest = nearest_of(image.cells, self.memory)
        worst = int(np.argmax(distances))
        weight = self._weight(image.cells[worst], self.memory[nearest[worst]])
        return weight * float(distances[worst]), image.as_map(distances)

    def _weight(
        self, cell: Float32[np.ndarray, " dim"], remembered: Float32[np.ndarray, " dim"]
    ) -> float:
        """Equation 7: more where what is remembered is itself far from its neighbours."""
        around = np.linalg.norm(self.memory - remembered, axis=1)
        neighbours = self.memory[np.argsort(around, kind="stable")[:N_NEIGHBOURS]]
        distances = np.linalg.norm(neighbours - cell, axis=1).astype(float)
        shares = np.exp(distances - distances.max())
        return float(1 - shares[0] / shares.sum())


def nearest_of(
    cells: Cells, memory: Float32[np.ndarray, "remembered dim"]
) -> tuple[Float32[np.ndarray, " cells"], Int[np.ndarray, " cells"]]:
    """Distance of each cell to the nearest that is remembered, and which that is."""
    to_memory = (memory**2).sum(axis=1) - 2 * cells @ memory.T
    nearest = np.argmin(to_memory, axis=1)
    # computed anew, because the sum above loses digits where they are near
    return np.linalg.norm(cells - memory[nearest], axis=1), nearest


def choose_coreset(
    cells: Cells, share: float, rng: np.random.Generator
) -> Int[np.ndarray, " chosen"]:
    """Choose cells so that the farthest of the others is as near to one as a greedy choice gets.

    As PatchCore's algorithm 1, on a random projection; all of them where ``share`` is 1.
    """
    n_chosen = max(1, round(share * len(cells)))
    if n_chosen == len(cells):
        return np.arange(len(cells))
    axes = rng.normal(size=(cells.shape[1], N_PROJECTED)).astype(np.float32)
    projected = cells @ axes
    chosen = [int(rng.integers(len(cells)))]
    gap = ((projected - projected[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < n_chosen:
        chosen.append(int(np.argmax(gap)))
        gap = np.minimum(gap, ((projected - projected[chosen[-1]]) ** 2).sum(axis=1))
    return np.array(chosen)


@dataclass(frozen=True)
class Padim:
    """Mahalanobis distance at each place (PaDiM; Defard et al., ICPR 2021).

    The paper has hundreds of references. Of k, a covariance at a place has rank k − 1 at most, so
    that it is shrunk by 1/k towards the mean of all places (Friedman, JASA 1989). Of a single one
    there is only the covariance of its cells, wherever they lie; distances are then shorter.
    """

    dims: Int[np.ndarray, " dims"]
    mean: Float64[np.ndarray, "cells dims"]
    precision: Float64[np.ndarray, "cells dims dims"]

    @classmethod
    def of(cls, references: Sequence[Described], n_dims: int = N_DIMS, seed: int = 0) -> Padim:
        """Learn mean and covariance of some dimensions, drawn at random, at each place."""
        dim = references[0].tokens.shape[2]
        dims = np.random.default_rng(seed).permutation(dim)[:n_dims]
        cells = np.stack([each.cells[:, dims] for each in references]).astype(float)
        mean = cells.mean(axis=0)
        gaps, k = cells - mean, len(cells)
        if k > 1:
            own = np.einsum("kpi,kpj->pij", gaps, gaps, optimize=True) / (k - 1)
            covariance = (1 - 1 / k) * own + 1 / k * own.mean(axis=0)
        else:
            covariance = np.atleast_2d(np.cov(cells[0], rowvar=False, bias=True))[None]
        variance = np.trace(covariance, axis1=1, axis2=2)[:, None, None] / len(dims)
        precision = np.linalg.inv(covariance + RIDGE * variance * np.eye(len(dims)))
        return cls(dims, mean, np.broadcast_to(precision, (len(mean), len(dims), len(dims))))

    def __call__(self, image: Described) -> Judged:
        """Score an image by its farthest place."""
        gaps = image.cells[:, self.dims] - self.mean
        squares = np.einsum("pi,pij,pj->p", gaps, self.precision, gaps, optimize=True)
        distances = np.sqrt(np.maximum(squares, 0))
        return float(distances.max()), image.as_map(distances)


@dataclass(frozen=True)
class NearestThumbnail:
    """Distance to the nearest reference in pixels: where it tells all, light or framing does."""

    thumbnails: Float64[np.ndarray, "references values"]

    @classmethod
    def of(cls, references: Sequence[Described]) -> NearestThumbnail:
        """Remember the references as they are, very small."""
        return cls(np.stack([thumbnail(each.image) for each in references]))

    def __call__(self, image: Described) -> Judged:
        """Score an image by the Euclidean distance; no cell has a share of its own."""
        gaps = self.thumbnails - thumbnail(image.image)
        return float(np.linalg.norm(gaps, axis=1).min()), None


def thumbnail(image: AnyImage) -> Float64[np.ndarray, " values"]:
    """Values of an RGB image of 24 × 24 px, as they are."""
    return resize(image, (THUMBNAIL_PX, THUMBNAIL_PX)).astype(float).ravel()


def baselines(coreset_share: float | None = None) -> dict[str, Fit]:
    """All of them by name; PatchCore with a core set is one more."""
    found: dict[str, Fit] = {"PatchCore": PatchCore.of}
    if coreset_share is not None:
        name = f"PatchCore, {coreset_share:.0%} of its memory"
        found[name] = partial(PatchCore.of, coreset_share=coreset_share)
    return found | {"PaDiM": Padim.of, "thumbnail": NearestThumbnail.of}


def smoothed(pixels: Float32[np.ndarray, "height width"]) -> Float32[np.ndarray, "height width"]:
    """Smooth a map over an image as both papers do."""
    sigma_px = SMOOTHING * float(np.sqrt(pixels.size))
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma_px), np.float32)
