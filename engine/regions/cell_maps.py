"""What do the cells of each region say they are, and how sure are they, pixel by pixel?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from engine.regions.frames import Frames
from engine.regions.micro import agreed, disagreement
from engine.regions.record import FoundRegion
from engine.regions.tokens import RegionTokens

# in a class map: nothing new, and new but of no class
NOTHING, NO_CLASS = -2, -1


def draw_maps(
    frames: Frames,
    found: Sequence[FoundRegion],
    tokens: Sequence[RegionTokens],
    votes: Float[np.ndarray, "scales cells kinds"],
) -> tuple[Int[np.ndarray, "height width"], Float[np.ndarray, "height width"]]:
    """Return the class and the error of each pixel, on the upright working image.

    ``votes`` are those of the cells of all regions in their order.
    """
    sample = frames.examination.sample
    size, grid = sample.is_valid.shape, sample.dense.is_valid.shape
    kinds, errors = agreed(votes).argmax(axis=1), disagreement(votes)
    kinds = np.where(kinds == votes.shape[2] - 1, NO_CLASS, kinds)
    class_map = np.full(size, NOTHING, dtype=np.int64)
    error_map = np.zeros(size)
    row_of = (np.arange(size[0]) * grid[0]) // size[0]
    column_of = (np.arange(size[1]) * grid[1]) // size[1]
    first = 0
    for each, own in zip(found, tokens, strict=True):
        mask = frames.hidden([each.region], 0)
        of_cell = np.full(grid[0] * grid[1], -1)
        of_cell[own.cells] = np.arange(first, first + len(own.cells))
        first += len(own.cells)
        cell = of_cell.reshape(grid)[np.ix_(row_of, column_of)]
        # pixels of cells that hardly belong to the region go with the region itself
        class_map[mask] = np.where(cell >= 0, np.append(kinds, -1)[cell], each.class_index)[mask]
        error_map[mask] = np.where(cell >= 0, np.append(errors, 0)[cell], 0)[mask]
    return class_map, error_map
