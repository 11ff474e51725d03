"""Random fields that make painted surfaces look like materials.

All fields have mean about 0 and standard deviation about 1; sizes are in pixels of the field.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Float32

Field = Float32[np.ndarray, "height width"]
SHEET_PX = 1200  # more than any canvas is wide or high


def cloud(rng: np.random.Generator, shape: tuple[int, int], cell_px: float) -> Field:
    """Smooth noise whose blotches are about ``cell_px`` wide."""
    return stretched(rng, shape, cell_px, cell_px)


def stretched(
    rng: np.random.Generator, shape: tuple[int, int], cell_y_px: float, cell_x_px: float
) -> Field:
    """Smooth noise with different grain along rows and columns: fibres, brush marks, wood."""
    height, width = shape
    rows, columns = int(height / cell_y_px) + 3, int(width / cell_x_px) + 3
    grid = rng.standard_normal((rows, columns), dtype=np.float32)
    size = (max(width, int(columns * cell_x_px)), max(height, int(rows * cell_y_px)))
    field = cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(field[:height, :width] * np.float32(1.3))  # interpolation averages sd down


def fractal(rng: np.random.Generator, shape: tuple[int, int], cell_px: float) -> Field:
    """Noise with detail at three scales, from ``cell_px`` down to a quarter of it."""
    octaves = [cloud(rng, shape, max(cell_px / 2**i, 1.0)) / 2**i for i in range(3)]
    return np.asarray(sum(octaves, start=np.float32(0.0)) * np.float32(0.87))


@lru_cache(maxsize=32)
def sheet(cell_px: int) -> Field:
    """A large stock of :func:`fractal` noise, always the same; cut anywhere, it costs nothing."""
    field = fractal(np.random.default_rng(cell_px), (SHEET_PX, SHEET_PX), cell_px)
    field.flags.writeable = False
    return field


def wood(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Planks seen from above: rings cut lengthwise, with fine pores."""
    broad = stretched(rng, shape, 34, 420)
    rings = np.sin(6 * broad + 0.5 * stretched(rng, shape, 9, 140), dtype=np.float32)
    return np.asarray(0.6 * rings + 0.6 * stretched(rng, shape, 1.5, 40) + 0.4 * broad)


def weave(rng: np.random.Generator, shape: tuple[int, int], pitch_px: float) -> Field:
    """Plain cloth: crossing threads of slightly uneven brightness."""
    rows, columns = np.indices(shape, dtype=np.float32)
    warp = np.sin(2 * np.pi * columns / pitch_px, dtype=np.float32)
    weft = np.sin(2 * np.pi * rows / pitch_px, dtype=np.float32)
    return np.asarray(
        warp * weft + 0.5 * stretched(rng, shape, 1.5, 30) + 0.5 * stretched(rng, shape, 30, 1.5)
    )
