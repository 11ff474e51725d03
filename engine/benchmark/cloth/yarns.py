"""How does one yarn differ from the next, and from itself a little further on?

Thickness and shade vary from yarn to yarn and along each; some places are much thicker (slubs).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32

from engine.benchmark.cloth.style import Cloth
from engine.benchmark.scenes.shading import Field

_CELL = 3  # crossings from one independent value to the next along a yarn
_SHADE, _SHADE_ALONG = 0.03, 0.05  # spread of the dye from yarn to yarn, and along
_STANDS_OUT = 0.35  # relative light gained by relative thickness
_THINNEST, _THICKEST = 0.6, 1.7  # beyond these a yarn would break, or jam the loom


@dataclass(frozen=True)
class Yarns:
    """Warp or weft, pixel by pixel: which yarn, where across it (0 … 1), how thick, how light."""

    index: Field
    across: Field
    thickness: Field
    tone: Field


def spin(cloth: Cloth, rng: np.random.Generator, across: Field, along: Field) -> Yarns:
    """Give every yarn of one set its own thickness and shade.

    ``across`` and ``along`` count, at each pixel, the yarns of this set and those they cross.
    """
    index = np.floor(across)
    first, start = index.min() - 1, along.min() - _CELL
    n_yarns = int(index.max() - first) + 2
    n_cells = int((along.max() - start) / _CELL) + 3
    thickness = 1 + np.float32(cloth.unevenness) * _noise(rng, n_yarns, n_cells, 0.9, 1.0)
    for _ in range(rng.poisson(cloth.slubs * n_yarns * n_cells * _CELL / 10_000)):
        yarn, cell = rng.integers(n_yarns), rng.integers(n_cells)
        thickness[yarn, cell : cell + rng.integers(1, 4)] += rng.uniform(0.25, 0.55)
    shade = 1 + _noise(rng, n_yarns, n_cells, _SHADE, _SHADE_ALONG)
    shade *= 1 + np.float32(_STANDS_OUT) * (thickness - 1)
    where = (along - start) / np.float32(_CELL), index - first
    fields = [
        cv2.remap(table, *where, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for table in (np.clip(thickness, _THINNEST, _THICKEST), shade)
    ]
    return Yarns(index, across - index, *fields)


def _noise(
    rng: np.random.Generator, n_yarns: int, n_cells: int, between: float, within: float
) -> Float32[np.ndarray, "yarns cells"]:
    """Deviations with one spread from yarn to yarn and another along each."""
    along = rng.standard_normal((n_yarns, n_cells), dtype=np.float32)
    along *= np.float32(within)
    along += np.float32(between) * rng.standard_normal((n_yarns, 1), dtype=np.float32)
    return along
