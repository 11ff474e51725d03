"""Bag of visual words: of what, and how much of it, an image consists.

A bag of visual words (Csurka et al., 2004) on pixels: each is described by the colour around it at
three radii and the roughness of its surroundings, all blind to direction, and gets the nearest word
of a codebook that the references agree on. The shares of the words say how much of each thing there
is, wherever it lies: two oranges have twice the orange of one. Several independent codebooks are
kept, because the borders between words are arbitrary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Self

import cv2
import numpy as np
from jaxtyping import Float32, Float64
from scipy.cluster.vq import kmeans2

from features.config_fields import Range
from features.images import Image, Mask, to_lab

# radii of the colour averages and of the roughness, in pixels of the working image
COLOR_SIGMAS_PX = (1.0, 4.0, 10.0)
ROUGHNESS_SIGMA_PX = 6.0
# colour counts double: shading changes lightness, rarely hue
LAB_WEIGHTS = np.array([1.0, 2.0, 2.0], dtype=np.float32)
# pixels that the clustering sees; more change the words by less than a unit of CIELAB
N_SAMPLES = 8_000


@dataclass(frozen=True)
class VisualWordsConfig:
    """How many words describe the references."""

    n_words: Annotated[int, Range(2, 256)] = 20
    n_vocabularies: Annotated[int, Range(1, 32)] = 3


class VisualWords:
    """Codebooks of visual words that the references agree on."""

    def __init__(self, config: VisualWordsConfig, seed: int = 0) -> None:
        self.config = config
        self.seed = seed

    def fit(
        self,
        images: Sequence[Image],
        is_valid: Sequence[Mask],
    ) -> Self:
        """Cluster the pixels of all references, once for each codebook."""
        pixels = np.concatenate(
            [_surroundings(image, valid) for image, valid in zip(images, is_valid, strict=True)]
        )
        words = []
        for number in range(self.config.n_vocabularies):
            rng = np.random.default_rng([self.seed, number])
            sample = pixels[rng.permutation(len(pixels))[:N_SAMPLES]].astype(np.float64)
            # k-means cannot find more clusters than there are distinct pixels
            n_words = min(self.config.n_words, len(np.unique(sample, axis=0)))
            centers = kmeans2(sample, n_words, minit="++", rng=rng)[0]
            missing = self.config.n_words - n_words
            words.append(np.pad(centers, ((0, missing), (0, 0)), constant_values=1e6))
        self.words_ = np.array(words, dtype=np.float32)
        return self

    def __call__(
        self,
        image: Image,
        is_valid: Mask,
    ) -> Float64[np.ndarray, "vocabularies words"]:
        """Return the share of each word among the valid pixels; every row sums to 1."""
        pixels = _surroundings(image, is_valid)
        shares = [
            np.bincount(_nearest(pixels, words), minlength=len(words)) / max(len(pixels), 1)
            for words in self.words_
        ]
        return np.array(shares)

    def state(self) -> dict[str, np.ndarray]:
        """Return the words."""
        return {"words": self.words_}

    def restore(self, state: dict[str, np.ndarray]) -> Self:
        """Take the words from a stored state instead of fitting."""
        self.words_ = state["words"]
        return self


def _surroundings(image: Image, is_valid: Mask) -> Float32[np.ndarray, "pixels 10"]:
    """Describe every other pixel in both directions, where valid; all of them if none is."""
    lab = to_lab(cv2.medianBlur(image, 3))
    seen = lab[is_valid] if is_valid.any() else lab.reshape(-1, 3)
    # relative to the median, which is mostly background: brightness and colour cast cancel
    lab = (lab - np.median(seen, axis=0)) * LAB_WEIGHTS
    size = lab.shape[1] // 2, lab.shape[0] // 2
    half = cv2.resize(lab, size, interpolation=cv2.INTER_AREA)
    colors = [cv2.GaussianBlur(half, (0, 0), sigma / 2) for sigma in COLOR_SIGMAS_PX]
    lightness = np.ascontiguousarray(half[..., 0])
    mean = cv2.GaussianBlur(lightness, (0, 0), ROUGHNESS_SIGMA_PX / 2)
    power = cv2.GaussianBlur(lightness * lightness, (0, 0), ROUGHNESS_SIGMA_PX / 2)
    roughness = np.sqrt(np.maximum(power - mean * mean, 0))
    described = np.dstack([*colors, roughness])
    is_seen = is_valid[: 2 * size[1] : 2, : 2 * size[0] : 2]
    chosen: np.ndarray = described[is_seen] if is_seen.any() else described.reshape(-1, 10)
    return chosen


def _nearest(
    pixels: Float32[np.ndarray, "pixels dim"], words: Float32[np.ndarray, "words dim"]
) -> np.ndarray:
    power = np.einsum("wd,wd->w", words, words)
    nearest: np.ndarray = (power - 2 * pixels @ words.T).argmin(axis=1)
    return nearest
