"""What tells two kinds of regions apart, and which kind is a region?

An embedder describes regions and says of two whether they are the same kind of thing. Several
taught examples of a class speak for it together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from jaxtyping import Float32, Int, UInt8

from engine.regions.arrangement import Arrangement
from engine.regions.region import Region

# a second example that agrees adds confidence; a class's weaker examples never take any away
SECOND_WEIGHT = 0.5


class RegionEmbedder(Protocol):
    """Describes regions of any size and compares them."""

    def describe(
        self, image: UInt8[np.ndarray, "height width 3"], regions: Sequence[Region]
    ) -> Float32[np.ndarray, "regions views dim"]:
        """Describe regions of one image; view 0 is as photographed, the others are turned."""

    def same(
        self,
        asked: Float32[np.ndarray, "queries views dim"],
        taught: Float32[np.ndarray, "examples views dim"],
    ) -> Float32[np.ndarray, "queries examples"]:
        """Probability that they are the same kind of thing, 0 … 1; below 0.5 they are not."""

    def identity(self) -> dict[str, str]:
        """Name what must be the same for teaching and asking: the kind, and hashes of weights."""


def default_embedder() -> RegionEmbedder:
    """Return the embedder that did best on held-out pairs, see benchmarks/region_embeddings.py."""
    return Arrangement()


def classify(
    same: Float32[np.ndarray, "queries examples"],
    class_of_example: Int[np.ndarray, " examples"],
    n_classes: int,
) -> Float32[np.ndarray, "queries classes"]:
    """Probability that a region is of each class, 0 … 1; none reaching 0.5 means unknown."""
    result = np.zeros((len(same), n_classes), np.float32)
    for each in np.unique(class_of_example):
        result[:, each] = same[:, class_of_example == each].max(axis=1)
    return result
