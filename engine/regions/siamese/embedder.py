"""Do two regions resemble each other, as a small network has learnt from rendered regions?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from engine.regions.comparing import Curve, sealed
from engine.regions.siamese.network import WEIGHTS, Network
from engine.regions.views import Views, cut
from features.region import Region


class Siamese:
    """Compares regions by a network that both of them pass; ready when built."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._weights = weights
        self._network = Network(weights)
        record = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
        self._curve = Curve(**record["curve"])

    def describe(
        self, image: UInt8[np.ndarray, "height width 3"], regions: Sequence[Region]
    ) -> Float32[np.ndarray, "regions views dim"]:
        """Describe each region as photographed and turned by quarters."""
        return self.embed(cut(image, regions))

    def embed(self, views: Views) -> Float32[np.ndarray, "regions views dim"]:
        """Describe regions that are in canonical form already."""
        n_regions, n_turns = views.pixels.shape[:2]
        pixels = views.pixels.reshape(n_regions * n_turns, *views.pixels.shape[2:])
        rows = self._network(pixels, np.repeat(views.measures, n_turns, axis=0))
        return sealed(rows.reshape(n_regions, n_turns, rows.shape[-1]))

    def same(
        self,
        asked: Float32[np.ndarray, "queries views dim"],
        taught: Float32[np.ndarray, "examples views dim"],
    ) -> Float32[np.ndarray, "queries examples"]:
        """Probability that they are the same kind of thing; below 0.5 they are not."""
        return self._curve.same(asked, taught)

    def identity(self) -> dict[str, str]:
        """Name the network by the SHA-256 of its weights."""
        return {"regions": "siamese", "regions_sha256": self._sha256}

    @cached_property
    def _sha256(self) -> str:
        return hashlib.sha256(self._weights.read_bytes()).hexdigest()
