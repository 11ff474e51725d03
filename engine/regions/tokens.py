"""Region tokens: descriptors of a region's cells at three scales.

The finest scale is the cell itself. At the coarser ones each cell stands for the part of the region
around it: the mean of the region's cells in a window, so that neither the surroundings nor the size
of the region blur what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from features.dense import DenseMap
from features.region import Region

# half-widths of the windows: 1, 3 and 7 cells on a side
WINDOWS = (0, 1, 3)
# about so many points of a region are looked up; more do not change which cells it covers
N_PIXELS = 20_000
# a cell belongs to a region that covers this share of it, or of the cell that it covers best
LEAST_COVERAGE = 0.5

Affine = Float[np.ndarray, "2 3"]
Points = Float[np.ndarray, " points"]


@dataclass(frozen=True)
class RegionTokens:
    """Descriptors of a region's cells; ``tokens[s]`` has window ``WINDOWS[s]``.

    ``cells`` are flat indices of the registered grid; a region outside its photograph has none.
    """

    cells: Int[np.ndarray, " cells"]
    tokens: Float32[np.ndarray, "scales cells dim"]


def cells_of(
    region: Region, grid: tuple[int, int], image_to_cells: Affine
) -> tuple[Int[np.ndarray, " cells"], Float[np.ndarray, " cells"]]:
    """Return the cells that a region covers at all, and how many of its pixels each has.

    ``image_to_cells`` maps a pixel (x, y) of the image file to (column, row) of the grid, in which
    whole numbers are centres of cells.
    """
    x, y, area_px = _points(region)
    column, row = (
        np.rint(a * x + b * y + c).astype(np.int64) for a, b, c in np.asarray(image_to_cells)
    )
    is_inside = (row >= 0) & (row < grid[0]) & (column >= 0) & (column < grid[1])
    flat = row[is_inside] * grid[1] + column[is_inside]
    # numpy counts nothing in whole numbers, whatever the weights
    counts = np.bincount(flat, area_px[is_inside]).astype(np.float64)
    cells = np.flatnonzero(counts)
    return cells, counts[cells]


def _points(region: Region) -> tuple[Points, Points, Points]:
    """Return x and y of points in the image file that stand for a region, and their area in px.

    They are its pixels, or of a large region squares of the same size, by the share that it covers.
    """
    left, top, right, bottom = region.box_xyxy
    step = int(np.sqrt(region.area_px / N_PIXELS))
    if step <= 1:
        rows, columns = np.nonzero(region.mask)
        return columns + float(left), rows + float(top), np.ones(len(rows))
    size = -(-(bottom - top) // step), -(-(right - left) // step)
    share = cv2.resize(region.mask.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)
    rows, columns = np.nonzero(share)
    height, width = (bottom - top) / size[0], (right - left) / size[1]
    x = (columns + 0.5) * width - 0.5 + left
    y = (rows + 0.5) * height - 0.5 + top
    return x, y, share[rows, columns] * height * width


def describe_regions(
    dense: DenseMap, regions: Sequence[Region], image_to_cells: Affine
) -> list[RegionTokens]:
    """Describe each region by the tokens of the cells that it covers."""
    grid = dense.is_valid.shape[0], dense.is_valid.shape[1]
    # area of a cell in pixels of the image file
    cell_px = 1 / max(abs(np.linalg.det(np.asarray(image_to_cells)[:, :2])), 1e-12)
    described = []
    for region in regions:
        cells, counts = cells_of(region, grid, image_to_cells)
        is_valid = dense.is_valid.ravel()[cells]
        cells, coverage = cells[is_valid], np.minimum(counts[is_valid] / cell_px, 1)
        is_own = coverage >= LEAST_COVERAGE * min(1.0, float(coverage.max(initial=0)))
        described.append(_at_scales(dense, cells[is_own], coverage[is_own]))
    return described


def _at_scales(
    dense: DenseMap, cells: Int[np.ndarray, " cells"], coverage: Float[np.ndarray, " cells"]
) -> RegionTokens:
    """Average the region's tokens, weighted by coverage, in the window of each of its cells."""
    columns, dim = dense.is_valid.shape[1], dense.tokens.shape[-1]
    if not len(cells):
        return RegionTokens(cells, np.zeros((len(WINDOWS), 0, dim), dtype=np.float32))
    row, column = np.divmod(cells, columns)
    row, column = row - row.min(), column - column.min()
    shape = int(row.max()) + 1, int(column.max()) + 1
    tokens = np.zeros((*shape, dim), dtype=np.float32)
    weights = np.zeros(shape, dtype=np.float32)
    tokens[row, column] = dense.tokens.reshape(-1, dim)[cells]
    weights[row, column] = coverage
    return RegionTokens(cells, windowed(tokens, weights)[:, row * shape[1] + column])


def windowed(
    tokens: Float32[np.ndarray, "rows columns dim"],
    weights: Float32[np.ndarray, "rows columns"] | Bool[np.ndarray, "rows columns"],
) -> Float32[np.ndarray, "scales cells dim"]:
    """Average tokens by weight in each window around each cell; row by row."""
    dim = tokens.shape[-1]
    weighted = np.dstack([tokens * weights[..., None], weights]).astype(np.float32)
    scales = [tokens.reshape(-1, dim)]
    for half_width in WINDOWS[1:]:
        total = _window_sum(weighted, half_width).reshape(-1, dim + 1)
        scales.append(total[:, :dim] / np.maximum(total[:, dim:], np.float32(1e-6)))
    return np.stack(scales)


def _window_sum(
    planes: Float32[np.ndarray, "rows columns channels"], half_width: int
) -> Float32[np.ndarray, "rows columns channels"]:
    """Sum over a square window around each place, nothing beyond the border."""
    size = 2 * half_width + 1
    flat = np.ascontiguousarray(planes)
    border = cv2.BORDER_CONSTANT
    summed = [
        cv2.boxFilter(
            np.ascontiguousarray(flat[..., first : first + 4]),
            -1,
            (size, size),
            normalize=False,
            borderType=border,
        ).reshape(*flat.shape[:2], -1)
        for first in range(0, flat.shape[-1], 4)
    ]
    return np.concatenate(summed, axis=-1)


def thinned(tokens: RegionTokens, n_kept: int) -> Float32[np.ndarray, "scales kept dim"]:
    """Return the tokens of at most ``n_kept`` cells that differ most (farthest first)."""
    finest = tokens.tokens[0]
    if len(finest) <= n_kept:
        return tokens.tokens
    # begin with the most typical cell
    chosen = [int(np.linalg.norm(finest - finest.mean(axis=0), axis=1).argmin())]
    distance = np.linalg.norm(finest - finest[chosen[0]], axis=1)
    while len(chosen) < n_kept:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(finest - finest[chosen[-1]], axis=1))
    return np.ascontiguousarray(tokens.tokens[:, chosen])
