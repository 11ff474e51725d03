"""Which reference cell is nearest to each test cell: among all, and among those it belongs with?

One matrix product serves all these questions, because cells are sorted so that those that belong
together are neighbours in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int

# rows of a distance matrix that are held at once: 256 × 10,000 cells are 10 MB
CHUNK_ROWS = 256

Block = tuple[slice, slice]


@dataclass(frozen=True)
class CellOrder:
    """Valid cells (flat indices) sorted by foreground and class, and where each group lies."""

    cells: Int[np.ndarray, " valid"]
    foreground: slice
    classes: dict[int, slice]


def order_cells(
    is_valid: Bool[np.ndarray, "rows columns"],
    is_foreground: Bool[np.ndarray, "rows columns"],
    cell_class: Int[np.ndarray, "rows columns"],
) -> CellOrder:
    """Sort the valid cells; cells of no class belong to no group but the foreground."""
    valid = np.flatnonzero(is_valid)
    foreground, classes = is_foreground.ravel()[valid], cell_class.ravel()[valid]
    order = np.lexsort((classes, foreground))
    classes = classes[order]
    groups = {}
    for index in np.unique(classes[classes >= 0]).tolist():
        members = np.flatnonzero(classes == index)
        groups[index] = slice(int(members[0]), int(members[-1]) + 1)
    first = int(np.count_nonzero(~foreground))
    return CellOrder(valid[order], slice(first, len(valid)), groups)


def nearest_squared(
    query: Float32[np.ndarray, "queries dim"],
    key: Float32[np.ndarray, "keys dim"],
    blocks: Sequence[Block],
) -> list[Float32[np.ndarray, " _block_queries"]]:
    """Squared Euclidean distance of each query of a block to the nearest key of that block.

    Needs memory for ``CHUNK_ROWS`` × keys. Infinite in a block without keys. The expanded square
    |q|² + |k|² − 2 q·k only picks the key: single precision would leave it a thousandth off where
    both are equal, and identical references have to read exactly 0.
    """
    # |k|² − 2 q·k as one matrix product: (q, 1) · (−2 k, |k|²)
    queries = np.column_stack([query, np.ones(len(query), dtype=np.float32)])
    keys = np.vstack([-2 * key.T, np.einsum("kd,kd->k", key, key)])
    nearest = [np.zeros(rows.stop - rows.start, dtype=np.intp) for rows, _ in blocks]
    for first in range(0, len(query) if len(key) else 0, CHUNK_ROWS):
        relative = queries[first : first + CHUNK_ROWS] @ keys
        for found, (rows, columns) in zip(nearest, blocks, strict=True):
            start, stop = max(rows.start, first), min(rows.stop, first + len(relative))
            if start < stop and columns.start < columns.stop:
                part = relative[start - first : stop - first, columns]
                found[start - rows.start : stop - rows.start] = part.argmin(axis=1)
    return [
        _squared(query[rows], key[columns], found)
        for found, (rows, columns) in zip(nearest, blocks, strict=True)
    ]


def _squared(
    query: Float32[np.ndarray, "queries dim"],
    key: Float32[np.ndarray, "keys dim"],
    nearest: Int[np.ndarray, " queries"],
) -> Float32[np.ndarray, " queries"]:
    if not len(key):
        return np.full(len(query), np.inf, dtype=np.float32)
    difference = query - key[nearest]
    squared: np.ndarray = np.einsum("qd,qd->q", difference, difference)
    return squared
