"""Exact nearest-neighbour search of cells, in each class and around a place.

One matrix product answers both for one reference. Reference cells are sorted by class, so that
those of a class are neighbours in it and the image's own classes need not be known yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float32, Int

# rows of a distance matrix that are held at once: 512 × 10,000 cells are 20 MB
CHUNK_ROWS = 512
# share of |q|² below which a squared distance is computed anew: single precision leaves a millionth
# of |q|², too much where two cells are nearly equal, and a ten-thousandth of what lies above
NEARLY_EQUAL = 0.01

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
    """Squared Euclidean distances of each query to what one reference has to offer.

    Infinite where it has no valid cell; exactly 0 where two cells are equal.
    """

    nearest: Float32[np.ndarray, "queries groups"]
    """To the nearest cell of each group."""
    window: Float32[np.ndarray, "queries places"]
    """To each place that was asked for."""


def find_neighbours(
    query: Float32[np.ndarray, "queries dim"],
    key: Cells,
    order: CellOrder,
    places: Int[np.ndarray, "queries places"],
) -> Neighbours:
    """Search one reference for all queries; needs memory for ``CHUNK_ROWS`` × its cells.

    ``places`` are flat indices of reference cells to look up for each query, -1 for none.
    """
    # |q|² + |k|² − 2 q·k as one matrix product: (q, 1, |q|²) · (−2 k, |k|², 1)
    sorted_key = key[order.cells]
    power = np.einsum("qd,qd->q", query, query)
    queries = np.column_stack([query, np.ones_like(power), power])
    key_power = np.einsum("kd,kd->k", sorted_key, sorted_key)
    keys = np.column_stack([-2 * sorted_key, key_power, np.ones_like(key_power)])
    column_of = np.full(len(key) + 1, -1)
    column_of[order.cells] = np.arange(len(order.cells))
    looked_up = column_of[places]

    nearest = np.full((len(query), len(order.classes)), np.inf, dtype=np.float32)
    window = np.zeros(places.shape, dtype=np.float32)
    for first in range(0, len(query) if len(order.cells) else 0, CHUNK_ROWS):
        chunk = slice(first, min(first + CHUNK_ROWS, len(query)))
        products = queries[chunk] @ keys.T
        nearest[chunk] = np.minimum.reduceat(products, order.starts, axis=1)
        window[chunk] = products[np.arange(len(products))[:, None], looked_up[chunk]]

        # Compute anew what single precision left too little of
        for group, members in enumerate(order.slices):
            rows = np.flatnonzero(nearest[chunk, group] < NEARLY_EQUAL * power[chunk])
            if len(rows):
                columns = products[rows, members].argmin(axis=1) + members.start
                nearest[first + rows, group] = _squared(query[first + rows], sorted_key[columns])
    window[looked_up < 0] = np.inf
    rows, columns = np.nonzero(window < NEARLY_EQUAL * power[:, None])
    window[rows, columns] = _squared(query[rows], sorted_key[looked_up[rows, columns]])
    return Neighbours(nearest, window)


def _squared(query: Cells, key: Cells) -> Float32[np.ndarray, " cells"]:
    difference = query - key
    squared: np.ndarray = np.einsum("cd,cd->c", difference, difference)
    return squared
