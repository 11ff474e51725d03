"""Where does a reference show what each cell of an image shows?

All that needs the descriptors of the two and the classes of the reference, but not those of the
image: these may be found from it (``alignment.propagation``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int
from numpy.lib.stride_tricks import sliding_window_view

from alignment.neighbours import Neighbours, find_neighbours
from alignment.registration import Spectrum, register_shift
from engine.sample import Sample
from features.dense import DenseMap

Distance = Literal["cosine", "euclidean"]

Tokens = Float32[np.ndarray, "_cells dim"]


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
class Lookup:
    """The descriptors of an image beside those of one reference, and which go together."""

    cells: Int[np.ndarray, " queries"]
    """Flat indices of the valid test cells."""
    shift: tuple[int, int]
    """Registered shift (dy, dx): test cell p lies on reference cell p + shift."""
    places: Int[np.ndarray, "queries places"]
    """Reference cells around the registered place of each query; -1 beyond the grid."""
    neighbours: Neighbours


def look_up(
    dense: DenseMap, spectrum: Spectrum, reference: Sample, config: ComparisonConfig
) -> Lookup:
    """Find what the reference offers to each valid cell; ``spectrum`` is that of the image."""
    query, key = _tokens(dense, config), _tokens(reference.dense, config)
    cells = np.flatnonzero(dense.is_valid)
    radius = round(config.max_shift * max(dense.is_valid.shape))
    shift = register_shift(spectrum, reference.spectrum, radius)
    places = places_around(cells, dense.is_valid.shape, shift, config.window_cells)
    neighbours = find_neighbours(query[cells], key, reference.cell_order, places)
    return Lookup(cells, shift, places, neighbours)


def _tokens(dense: DenseMap, config: ComparisonConfig) -> Tokens:
    """One row a cell, of length one where cosine is asked for."""
    tokens = dense.tokens.reshape(-1, dense.tokens.shape[-1])
    if config.distance == "euclidean":
        return tokens
    norm = np.linalg.norm(tokens, axis=-1, keepdims=True)
    unit: np.ndarray = tokens / np.maximum(norm, np.float32(1e-6))
    return unit


def places_around(
    cells: Int[np.ndarray, " queries"],
    grid: tuple[int, ...],
    shift: tuple[int, int],
    window_cells: int,
) -> Int[np.ndarray, "queries places"]:
    """Return the cells around the place of each cell after a shift; -1 beyond the grid."""
    # a grid of indices in a frame so wide that no window leaves it
    (rows, columns), n_steps = grid, 2 * window_cells + 1
    wide = window_cells + max(map(abs, shift))
    index = np.pad(np.arange(rows * columns).reshape(rows, columns), wide, constant_values=-1)
    first_row, first_column = (wide - window_cells + step for step in shift)
    windows = sliding_window_view(index, (n_steps, n_steps))[first_row:, first_column:]
    return windows[np.divmod(cells, columns)].reshape(len(cells), n_steps**2)
