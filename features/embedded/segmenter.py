"""Segmentation by colour and roughness alone, which needs no weights.

Pixels of all references are clustered by colour (k-means, MacQueen, 1967), so that a material has
the same label in every image; connected regions of one material are the parts. Colour is taken
relative to the image's median, which is mostly background, so that brightness and colour cast
cancel; specks and the seams between materials go to the nearest region.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Self

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int, UInt8
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.cluster.vq import kmeans2

from features.components import drop_small_parts, label_components, remove_specks
from features.config_fields import Range
from features.dense import DenseMap
from features.images import Image, Mask
from features.parts import Parts

# pixels that the clustering sees; more change the centres by less than a unit of CIELAB
N_SAMPLES = 10_000
# colour counts double: shading changes lightness, rarely hue
CHANNEL_WEIGHTS = np.array([1.0, 2.0, 2.0, 1.0], dtype=np.float32)
# nearer ones nobody can tell apart (a just noticeable difference is 2.3 units of CIELAB, Mahy et
# al., 1994): a plain ground must not be cut up along its noise
MIN_DIFFERENCE = 3.0


@dataclass(frozen=True)
class SegmenterConfig:
    """How finely images are cut."""

    n_materials: Annotated[int, Range(2, 64)] = 10
    """Clusters of pixels agreed over all references, before merging."""
    merge_below: Annotated[float, Range(0, 10)] = 0.5
    """Clusters nearer than this, in units of the pixels' overall spread, are one material."""
    min_part: Annotated[float, Range(0, 0.1)] = 5e-4
    """Smallest part, as a share of the image; 0.05 % is a square of 2.2 % of the side."""
    opening_px: Annotated[int, Range(1, 31)] = 3
    """Structures thinner than this are seams, not parts."""
    n_restarts: Annotated[int, Range(1, 100)] = 3


class EmbeddedSegmenter:
    """Cuts images into connected regions of materials that the references agree on."""

    def __init__(self, config: SegmenterConfig, seed: int = 0) -> None:
        self.config = config
        self.seed = seed

    def fit(
        self,
        images: Sequence[Image],
        is_valid: Sequence[Mask],
    ) -> Self:
        """Agree on the materials of the references."""
        rng = np.random.default_rng(self.seed)
        pixels = np.concatenate(
            [
                _pixel_features(image, valid)[valid]
                for image, valid in zip(images, is_valid, strict=True)
            ]
        )
        chosen = rng.permutation(len(pixels))[:N_SAMPLES]
        sample = pixels[chosen].astype(np.float64)
        # k-means cannot find more clusters than there are distinct pixels
        n_materials = min(self.config.n_materials, len(np.unique(sample, axis=0)))
        best = np.inf
        for _ in range(self.config.n_restarts):
            centers, labels = kmeans2(sample, n_materials, minit="++", rng=rng)
            cost = float(((sample - centers[labels]) ** 2).sum())
            if cost < best:
                best, self.centers_ = cost, centers.astype(np.float32)
        spread = float(np.sqrt(sample.var(axis=0).sum()))
        self.material_of_ = _merged(
            self.centers_, max(MIN_DIFFERENCE, self.config.merge_below * spread)
        )
        return self

    def refine(self, image: Image, parts: Parts) -> Parts:
        """Leave the parts as they are: materials know no better borders of a given part."""
        return parts

    def state(self) -> dict[str, np.ndarray]:
        """Return the materials' centres."""
        return {"centers": self.centers_, "material_of": self.material_of_}

    def restore(self, state: dict[str, np.ndarray]) -> Self:
        """Take the materials from a stored state instead of fitting."""
        self.centers_, self.material_of_ = state["centers"], state["material_of"]
        return self

    def identity(self) -> dict[str, str]:
        """There are no weights; what was agreed on is in the state."""
        return {"name": "embedded"}

    def __call__(self, image: Image, dense: DenseMap) -> Parts:
        """Cut one image; pixels outside the photograph belong to no part."""
        height, width = image.shape[:2]
        is_valid = cv2.resize(
            dense.is_valid.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST
        ).astype(bool)
        materials = self._materials(image, is_valid)
        labels, kinds = label_components(materials, self._n_materials)
        # judged where a warp has continued the border: what touched an edge still does
        is_background = _touches_edges(labels, kinds)
        labels[~is_valid] = -1
        return drop_small_parts(labels, is_background, self.config.min_part * labels.size)

    @property
    def _n_materials(self) -> int:
        return int(self.material_of_.max()) + 1

    def _materials(self, image: Image, is_valid: Mask) -> Int[np.ndarray, "height width"]:
        features = _pixel_features(image, is_valid).reshape(-1, len(CHANNEL_WEIGHTS))
        power = np.einsum("md,md->m", self.centers_, self.centers_)
        nearest = (power - 2 * features @ self.centers_.T).argmin(axis=1)
        raw = self.material_of_[nearest].reshape(image.shape[:2])
        min_area_px = self.config.min_part * raw.size
        return remove_specks(raw, self._n_materials, self.config.opening_px, min_area_px)


def _pixel_features(image: Image, is_valid: Mask) -> Float32[np.ndarray, "height width 4"]:
    """CIELAB relative to the image's median, and the spread of lightness nearby, weighted."""
    # a median keeps edges between parts sharp where a blur would invent a third colour
    smooth = cv2.medianBlur(image, 3).astype(np.float32) * np.float32(1 / 255)
    lab = cv2.GaussianBlur(cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB), (0, 0), 1.0)
    seen = lab[is_valid] if is_valid.any() else lab.reshape(-1, 3)
    lightness = np.ascontiguousarray(lab[..., 0])
    mean = cv2.GaussianBlur(lightness, (0, 0), 3.0)
    power = cv2.GaussianBlur(lightness * lightness, (0, 0), 3.0)
    roughness = np.sqrt(np.maximum(power - mean * mean, 0))
    return np.dstack([lab - np.median(seen, axis=0), roughness]) * CHANNEL_WEIGHTS


def _merged(
    centers: Float32[np.ndarray, "clusters channels"], below: float
) -> UInt8[np.ndarray, " clusters"]:
    """Give each cluster its material; clusters that look the same share one."""
    if len(centers) < 2:
        return np.zeros(len(centers), dtype=np.uint8)
    groups = fcluster(linkage(centers, "average"), below, "distance")
    material_of: np.ndarray = (groups - 1).astype(np.uint8)
    return material_of


def _touches_edges(
    labels: Int[np.ndarray, "height width"], kinds: Int[np.ndarray, " parts"]
) -> Bool[np.ndarray, " parts"]:
    """Name the background: the largest part that touches two edges of the image or more.

    Other parts of its material that touch an edge belong to it. An object that the frame crops is
    smaller than what surrounds it, and of another material.
    """
    is_background = np.zeros(len(kinds), dtype=bool)
    if not len(kinds):
        return is_background
    edges = [labels[0], labels[-1], labels[:, 0], labels[:, -1]]
    n_edges = np.zeros(len(kinds), dtype=np.int64)
    for edge in edges:
        n_edges[np.unique(edge[edge >= 0])] += 1
    area_px = np.bincount(labels[labels >= 0], minlength=len(kinds))
    if (n_edges >= 2).any():
        main = int(np.argmax(np.where(n_edges >= 2, area_px, -1)))
        is_background = (n_edges >= 1) & (kinds == kinds[main])
    return is_background
