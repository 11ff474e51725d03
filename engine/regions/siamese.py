"""Siamese network that tells whether two regions are alike.

Both regions pass the same network in canonical form, in NumPy alone. Convolutions with ReLU bring
48 × 48 pixels to 3 × 3 cells, which keep what lies where; two layers join them with the region's
measures. The weights are made by ``benchmarks/train_siamese.py``.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import cached_property
from itertools import count, takewhile
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from numpy.lib.stride_tricks import sliding_window_view
from safetensors.numpy import load_file

from engine.regions.canonical import Views, cut
from engine.regions.similarity import Curve, with_half_norm
from features.files import MAX_WEIGHTS_BYTES, check_regular, read_bytes, read_json
from features.images import Image
from features.region import Region

WEIGHTS = Path(__file__).with_name("siamese.safetensors")


class Siamese:
    """Compares regions by a network that both of them pass; ready when built."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._weights = weights
        self._network = Network(weights)
        record = read_json(weights.with_suffix(".json"))
        self._curve = Curve(**record["curve"])

    def describe(
        self, image: Image, regions: Sequence[Region]
    ) -> Float32[np.ndarray, "regions views dim"]:
        """Describe each region as photographed and turned by quarters."""
        return self.embed(cut(image, regions))

    def embed(self, views: Views) -> Float32[np.ndarray, "regions views dim"]:
        """Describe regions that are in canonical form already."""
        n_regions, n_turns = views.pixels.shape[:2]
        pixels = views.pixels.reshape(n_regions * n_turns, *views.pixels.shape[2:])
        rows = self._network(pixels, np.repeat(views.measures, n_turns, axis=0))
        return with_half_norm(rows.reshape(n_regions, n_turns, rows.shape[-1]))

    def same(
        self,
        query: Float32[np.ndarray, "queries views dim"],
        taught: Float32[np.ndarray, "examples views dim"],
    ) -> Float32[np.ndarray, "queries examples"]:
        """Probability that they are of one class; below 0.5 they are not."""
        return self._curve.same(query, taught)

    def identity(self) -> dict[str, str]:
        """Name the network by the SHA-256 of its weights."""
        return {"regions": "siamese", "regions_sha256": self._sha256}

    @cached_property
    def _sha256(self) -> str:
        return hashlib.sha256(read_bytes(self._weights, max_bytes=MAX_WEIGHTS_BYTES)).hexdigest()


class Network:
    """Describes canonical cuts by unit vectors; ready when built."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        check_regular(weights, max_bytes=MAX_WEIGHTS_BYTES)
        arrays = {name: array.astype(np.float32) for name, array in load_file(weights).items()}
        names = (f"convolutions.{number}" for number in count())
        self._convolutions = [
            (_by_tap(arrays[f"{name}.weight"]), arrays[f"{name}.bias"])
            for name in takewhile(lambda name: f"{name}.weight" in arrays, names)
        ]
        self._dense = [
            (np.ascontiguousarray(arrays[f"{name}.weight"].T), arrays[f"{name}.bias"])
            for name in ("hidden", "out")
        ]

    def __call__(
        self,
        pixels: Float32[np.ndarray, "n side side channels"],
        measures: Float32[np.ndarray, "n measures"],
    ) -> Float32[np.ndarray, "n dim"]:
        """Return one descriptor of unit length per cut; their distance tells how alike they are."""
        x = pixels
        for taps, bias in self._convolutions:
            x = np.maximum(convolve(x, taps, bias, stride=len(taps) // 2), 0)
        hidden, out = self._dense
        flat = x.reshape(len(x), math.prod(x.shape[1:]))
        joined = np.concatenate([flat, measures], axis=1)
        rows = np.maximum(joined @ hidden[0] + hidden[1], 0) @ out[0] + out[1]
        norm = np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None] + np.float32(1e-9)
        return np.asarray(rows / norm)


def convolve(
    x: Float32[np.ndarray, "n height width dim_in"],
    taps: Float32[np.ndarray, "kernel kernel dim_in dim_out"],
    bias: Float32[np.ndarray, " dim_out"],
    *,
    stride: int,
) -> Float32[np.ndarray, "n height_out width_out dim_out"]:
    """Correlate each map with a kernel and add the bias; one cell of zeros around the map.

    One map at a time: its windows fit the processor's second-level cache.
    """
    kernel, dim_out = taps.shape[0], taps.shape[-1]
    matrix = taps.reshape(-1, dim_out)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = sliding_window_view(padded, (kernel, kernel), axis=(1, 2))[:, ::stride, ::stride]
    windows = windows.transpose(0, 1, 2, 4, 5, 3)  # to n, rows, columns, kernel, kernel, dim_in
    n, height, width = windows.shape[:3]
    out = np.empty((n, height * width, dim_out), np.float32)
    for each, target in zip(windows, out, strict=True):
        np.matmul(each.reshape(-1, len(matrix)), matrix, out=target)
    out += bias
    return out.reshape(n, height, width, dim_out)


def _by_tap(
    weight: Float32[np.ndarray, "dim_out dim_in kernel kernel"],
) -> Float32[np.ndarray, "kernel kernel dim_in dim_out"]:
    """Arrange a kernel so that its leading axes together are the rows of one matrix."""
    return np.ascontiguousarray(weight.transpose(2, 3, 1, 0))
