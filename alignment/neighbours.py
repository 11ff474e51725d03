"""Which reference cell is nearest to each cell of an image: in each class, and around its place?

One matrix product answers both questions for one reference. Reference cells are sorted by class, so
that those of a class are neighbours in it and the image's own classes need not be known yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float32, Int

# rows of a distance matrix that are held at once: 512 × 10,000 cells are 20 MB
CHUNK_ROWS = 512

Cells = Float32[np.ndarray, "cells dim"]


@dataclass(frozen=True)
class CellOrder:
    """Valid cells (flat indices) sorted by class, and where each group of one class begins."""

    cells: Int[np.ndarray, " valid"]
    classes: Int[np.ndarray, " groups"]
    """Class of each group, ascending; -1 holds the cells of no class."""
    starts: Int[np.ndarray, " groups"]

    @cached_property
    def slices(self) -> list[slice]:
        """Where the cells of each group lie."""
        ends = [*self.starts.tolist(), len(self.cells)]
        return [slice(*pair) for pair in pairwise(ends)] if len(self.starts) else []


def order_cells(
    is_valid: Bool[np.ndarray, "rows columns"], cell_class: Int[np.ndarray, "rows columns"]
) -> CellOrder:
    """Sort the valid cells by class."""
    valid = np.flatnonzero(is_valid)
    classes = cell_class.ravel()[valid]
    order = np.argsort(classes, kind="stable")
    present, starts = np.unique(classes[order], return_index=True)
    return CellOrder(valid[order], present, starts)


@dataclass(frozen=True)
class Neighbours:
    """What one reference has to offer to each cell of an image, nearest first.

    ``relative`` and ``window`` are squared Euclidean distances less |query|², good for choosing
    only: single precision leaves them a thousandth off where two cells are equal.
    """

    nearest: Int[np.ndarray, "queries groups"]
    """Flat index of the nearest reference cell of each group."""
    relative: Float32[np.ndarray, "queries groups"]
    window: Float32[np.ndarray, "queries places"]
    """The same at each place asked for; infinite where the reference has no valid cell."""


def find_neighbours(
    query: Float32[np.ndarray, "queries dim"],
    key: Cells,
    order: CellOrder,
    places: Int[np.ndarray, "queries places"],
) -> Neighbours:
    """Search one reference for all queries; needs memory for ``CHUNK_ROWS`` × its cells.

    ``places`` are flat indices of reference cells to look up for each query, -1 for none.
    """
    # |k|² − 2 q·k as one matrix product: (q, 1) · (−2 k, |k|²)
    sorted_key = key[order.cells]
    queries = np.column_stack([query, np.ones(len(query), dtype=np.float32)])
    keys = np.vstack([-2 * sorted_key.T, np.einsum("kd,kd->k", sorted_key, sorted_key)])
    column_of = np.full(len(key) + 1, -1)
    column_of[order.cells] = np.arange(len(order.cells))
    looked_up = column_of[places]

    nearest = np.zeros((len(query), len(order.classes)), dtype=np.int64)
    relative = np.full(nearest.shape, np.inf, dtype=np.float32)
    window = np.empty(places.shape, dtype=np.float32)
    for first in range(0, len(query) if len(order.cells) else 0, CHUNK_ROWS):
        chunk = slice(first, min(first + CHUNK_ROWS, len(query)))
        products = queries[chunk] @ keys
        rows = np.arange(len(products))
        for group, members in enumerate(order.slices):
            best = products[:, members].argmin(axis=1) + members.start
            nearest[chunk, group] = order.cells[best]
            relative[chunk, group] = products[rows, best]
        window[chunk] = products[rows[:, None], looked_up[chunk]]
    window[looked_up < 0] = np.inf
    return Neighbours(nearest, relative, window)
