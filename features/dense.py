"""Dense map: one descriptor for each cell of a grid over the working image.

The embedded profile fills it with hand-made descriptors, a foundation model with its patch tokens;
everything after this point sees only the record below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from features.images import AnyMask, Image, Mask


@dataclass(frozen=True)
class DenseMap:
    """One descriptor per cell; ``is_valid`` is false where a cell lies outside the photograph."""

    tokens: Float32[np.ndarray, "rows columns dim"]
    is_valid: Bool[np.ndarray, "rows columns"]

    def __post_init__(self) -> None:
        if self.tokens.shape[:2] != self.is_valid.shape:
            raise ValueError(
                f"is_valid must have the grid of tokens {self.tokens.shape[:2]}, "
                f"got {self.is_valid.shape}"
            )


def on_grid(tokens: Float32[np.ndarray, "rows columns dim"], is_valid: AnyMask | None) -> DenseMap:
    """Join descriptors with the validity of pixels; a cell is valid if nearly all of its are."""
    rows, columns = tokens.shape[:2]
    if is_valid is None:
        return DenseMap(tokens, np.ones((rows, columns), dtype=bool))
    coverage = cv2.resize(
        is_valid.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA
    )
    return DenseMap(tokens, coverage > 0.99)


@runtime_checkable
class Backbone(Protocol):
    """Describes working images densely. ``fit`` learns scales from the references alone."""

    def fit(self, images: Sequence[Image]) -> Self:
        """Learn what must be learnt from the references (whitening, say); returns itself."""

    def __call__(
        self,
        image: Image,
        is_valid: Mask | None = None,
    ) -> DenseMap:
        """Describe one RGB image; pixels that are not valid were made up by a warp."""

    def batch(
        self,
        images: Sequence[Image],
        is_valid: Sequence[Mask],
    ) -> list[DenseMap]:
        """Describe several images of one size, which may be faster than one by one."""

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays that ``fit`` learnt, to be stored in a model file."""

    def restore(self, state: dict[str, np.ndarray]) -> Self:
        """Take what ``state`` returned instead of fitting; returns itself."""

    def identity(self) -> dict[str, str]:
        """Name what must be the same for fitting and judging: weights, their hash, sizes."""
