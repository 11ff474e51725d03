"""How do learnt position embeddings follow a grid that they were not learnt on?

By bicubic interpolation, of which there are two kinds. DINOv2 (Oquab et al., 2023) enlarges by a
factor of (cells + 0.1) / native cells, which shifts the samples by a fraction of a cell; its models
with registers (Darcet et al., 2023) interpolate to the size itself, antialiased. The first differs
from what transformers and timm do, the second from neither.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch.nn.functional import interpolate


@dataclass(frozen=True)
class Resampling:
    """How a model's own code interpolates."""

    offset: float = 0.0
    """Added to the number of cells when the scale factor is formed; 0 interpolates to the size."""
    is_antialiased: bool = False
    """Whether neighbours are averaged where the grid shrinks."""


def resample(
    positions: Float[torch.Tensor, "1 cells dim"], grid: tuple[int, int], resampling: Resampling
) -> Float[torch.Tensor, "1 new_cells dim"]:
    """Interpolate the embeddings of a square grid to one of (rows, columns)."""
    side = math.isqrt(positions.shape[1])
    if grid == (side, side):
        return positions
    planes = positions.float().reshape(1, side, side, -1).permute(0, 3, 1, 2)
    if resampling.offset:
        factors = tuple((cells + resampling.offset) / side for cells in grid)
        planes = interpolate(
            planes, scale_factor=factors, mode="bicubic", antialias=resampling.is_antialiased
        )
    else:
        planes = interpolate(planes, size=grid, mode="bicubic", antialias=resampling.is_antialiased)
    assert planes.shape[2:] == grid
    return planes.flatten(2).transpose(1, 2).contiguous()
