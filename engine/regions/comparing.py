"""How probable is it that two descriptions show the same kind of thing?

The distance of two regions is that of the first as photographed to the second in the rotation that
suits it best; a logistic curve makes it a probability (Platt, 1999, "Probabilistic outputs for
support vector machines", with the squared distance in place of the margin).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32


@dataclass(frozen=True)
class Curve:
    """Probability ``1 / (1 + exp(slope * squared distance - bias))``."""

    bias: float
    slope: float

    def same(
        self,
        asked: Float32[np.ndarray, "queries views dim"],
        taught: Float32[np.ndarray, "examples views dim"],
    ) -> Float32[np.ndarray, "queries examples"]:
        """Turn the distance of each pair into the probability of being the same, 0 … 1."""
        margin = np.float32(self.bias) - np.float32(self.slope) * squared_distance(asked, taught)
        return probability(margin)


def probability(margin: Float32[np.ndarray, "*axes"]) -> Float32[np.ndarray, "*axes"]:
    """Logistic function, exact at both ends."""
    return np.asarray(0.5 * (1 + np.tanh(margin / 2)), np.float32)


def sealed(rows: Float32[np.ndarray, "*axes dim"]) -> Float32[np.ndarray, "*axes dim_and_norm"]:
    """Append half of each row's squared length, so that one product gives all distances."""
    half = np.einsum("...d,...d->...", rows, rows)[..., None] * np.float32(0.5)
    return np.asarray(np.concatenate([rows, half], axis=-1), np.float32)


def squared_distance(
    asked: Float32[np.ndarray, "queries views dim"],
    taught: Float32[np.ndarray, "examples views dim"],
) -> Float32[np.ndarray, "queries examples"]:
    """Return the least squared distance over the views of each taught region; rows are sealed.

    Only view 0 of what is asked counts: the taught views hold every relative rotation already.
    """
    n_examples, n_views, dim = taught.shape
    if not n_examples:
        return np.empty((len(asked), 0), np.float32)
    first = asked[:, 0].copy()
    first[:, -1] = -1
    # x.y - |y|^2/2, from which |x - y|^2 = |x|^2 - 2 (x.y - |y|^2/2)
    closeness = (taught.reshape(-1, dim) @ first.T).reshape(n_examples, n_views, -1).max(axis=1)
    nearest = 2 * (asked[:, 0, -1:] - closeness.T)
    return np.asarray(np.maximum(nearest, 0))
