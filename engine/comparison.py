"""How does one image differ from one reference, place by place?

Everything that the patch scores need of a pair of images, computed once and shared: distances of
each test cell to its nearest reference cell anywhere, within the same class, and within the
foreground; and, after registration, distances at the same place in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float32
from scipy.ndimage import binary_erosion

from alignment.registration import register_shift
from engine.nearest import nearest_squared
from engine.sample import Sample
from features.dense import DenseMap

Distance = Literal["cosine", "euclidean"]

CellMap = Float32[np.ndarray, "rows columns"]

# stands for a descriptor outside the photograph; its square still fits single precision
FAR = np.float32(1e9)


@dataclass(frozen=True)
class ComparisonConfig:
    """How descriptors are compared."""

    distance: Distance = "euclidean"
    """Published: cosine. Measured better for standardised hand-made descriptors: euclidean."""
    window_cells: int = 2
    """Half-width of the search around the registered place; ±2 measured better than ±1 and ±3."""
    max_shift: float = 0.25
    """Largest registered shift, as a share of the grid's longer side."""

    def problems(self) -> list[str]:
        """Name every value out of range."""
        found = []
        if self.distance not in ("cosine", "euclidean"):
            found.append(
                f'comparison.distance must be "cosine" or "euclidean", got {self.distance!r}'
            )
        if not 0 <= self.window_cells <= 16:
            found.append(f"comparison.window_cells must lie in 0 … 16, got {self.window_cells}")
        if not 0 <= self.max_shift <= 0.5:
            found.append(f"comparison.max_shift must lie in 0 … 0.5, got {self.max_shift}")
        return found


@dataclass(frozen=True)
class Comparison:
    """A test image beside one reference. Distances are infinite where nothing can be compared."""

    test: Sample
    reference: Sample
    config: ComparisonConfig

    @property
    def anywhere(self) -> CellMap:
        """Distance of each test cell to its nearest reference cell."""
        return self._nearest[0]

    @property
    def in_foreground(self) -> CellMap:
        """Distance of each foreground test cell to its nearest foreground reference cell."""
        return self._nearest[1]

    @property
    def in_class(self) -> CellMap:
        """Distance of each test cell to its nearest reference cell of the same class.

        Infinite where the reference has no cell of that class, or the class is not known.
        """
        return self._nearest[2]

    @property
    def forward(self) -> CellMap:
        """Distance of each test cell to the reference at the same place, give or take a window."""
        return self._in_place[0]

    @property
    def reverse(self) -> CellMap:
        """Distance of each *reference* cell to the test image at the same place, on its grid."""
        return self._in_place[1]

    @cached_property
    def shift(self) -> tuple[int, int]:
        """Registered shift (dy, dx): test cell p lies on reference cell p + shift."""
        radius = round(self.config.max_shift * max(self.test.dense.is_valid.shape))
        return register_shift(self.test.spectrum, self.reference.spectrum, radius)

    @cached_property
    def _nearest(self) -> tuple[CellMap, CellMap, CellMap]:
        test, reference = self.test.cell_order, self.reference.cell_order
        query, key = (
            self._normalised(sample.dense).reshape(-1, sample.dense.tokens.shape[-1])[order.cells]
            for sample, order in ((self.test, test), (self.reference, reference))
        )
        every = slice(0, len(query)), slice(0, len(key))
        blocks = [every, (test.foreground, reference.foreground)]
        blocks += [
            (cells, reference.classes.get(index, slice(0, 0)))
            for index, cells in test.classes.items()
        ]
        squared = nearest_squared(query, key, blocks)
        shape = self.test.dense.is_valid.shape
        maps = np.full((3, shape[0] * shape[1]), np.inf, dtype=np.float32)
        for number, (values, (rows, _)) in enumerate(zip(squared, blocks, strict=True)):
            maps[min(number, 2), test.cells[rows]] = values
        anywhere, in_foreground, in_class = self._finish(maps).reshape(3, *shape)
        return anywhere, in_foreground, in_class

    @cached_property
    def _in_place(self) -> tuple[CellMap, CellMap]:
        test, reference = self.test.dense, self.reference.dense
        query, key = self._normalised(test).copy(), self._normalised(reference).copy()
        # cells outside a photograph are far from everything, each other included
        query[~test.is_valid], key[~reference.is_valid] = FAR, -FAR
        shape, window = test.is_valid.shape, self.config.window_cells
        forward, reverse = (np.full(shape, np.inf, dtype=np.float32) for _ in range(2))
        buffer = np.empty(query.size, dtype=np.float32)
        for dy in range(self.shift[0] - window, self.shift[0] + window + 1):
            for dx in range(self.shift[1] - window, self.shift[1] + window + 1):
                here, there = overlap(shape, (dy, dx))
                moved_key = key[there]
                difference = buffer[: moved_key.size].reshape(moved_key.shape)
                np.subtract(query[here], moved_key, out=difference)
                squared = np.einsum("hwd,hwd->hw", difference, difference)
                np.minimum(forward[here], squared, out=forward[here])
                np.minimum(reverse[there], squared, out=reverse[there])
        forward[forward >= FAR], reverse[reverse >= FAR] = np.inf, np.inf

        # Only what both photographs show can be new or missing
        dy, dx = self.shift
        forward[~moved(_inner(reference.is_valid), (-dy, -dx))] = np.inf
        reverse[~moved(_inner(test.is_valid), (dy, dx))] = np.inf
        return self._finish(forward), self._finish(reverse)

    def _normalised(self, dense: DenseMap) -> Float32[np.ndarray, "rows columns dim"]:
        if self.config.distance == "euclidean":
            return dense.tokens
        norm = np.linalg.norm(dense.tokens, axis=-1, keepdims=True)
        unit: np.ndarray = dense.tokens / np.maximum(norm, np.float32(1e-6))
        return unit

    def _finish(self, squared: CellMap) -> CellMap:
        """Turn squared distances into distances: |a − b|, or 1 − cos for unit vectors."""
        is_euclidean = self.config.distance == "euclidean"
        distance: np.ndarray = np.sqrt(squared) if is_euclidean else squared / 2
        return distance


def overlap(
    shape: tuple[int, int], shift: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the slices of two equal grids that lie on each other after the shift."""
    here, there = [], []
    for side, step in zip(shape, shift, strict=True):
        first, last = max(0, -step), min(side, side - step)
        last = max(first, last)
        here.append(slice(first, last))
        there.append(slice(first + step, last + step))
    return (here[0], here[1]), (there[0], there[1])


def moved(
    mask: Bool[np.ndarray, "rows columns"], shift: tuple[int, int]
) -> Bool[np.ndarray, "rows columns"]:
    """Shift a mask by whole cells; what comes in from outside is false."""
    result = np.zeros_like(mask)
    here, there = overlap((mask.shape[0], mask.shape[1]), shift)
    result[there] = mask[here]
    return result


def _inner(is_valid: Bool[np.ndarray, "rows columns"]) -> Bool[np.ndarray, "rows columns"]:
    """Leave out the cells beside an edge of the photograph: their window is cut in half."""
    inner: np.ndarray = binary_erosion(is_valid, np.ones((3, 3), dtype=bool), border_value=1)
    return inner
