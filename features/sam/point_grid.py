"""Point grids and crops at which the network is asked, on several cores.

Lattices and crops are those of ``SamAutomaticMaskGenerator``.

PyTorch splits each operation among its threads, which then wait for each other. Operations on a few
prompts take a fraction of a millisecond, and a core that is late, perhaps busy with something else,
holds up all others at each of them. Here each thread has prompts of its own instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float

from features.sam import SamConfig

Points = Float[np.ndarray, "points 2"]


@dataclass(frozen=True)
class Crop:
    """A piece of the image to be looked at; layer 0 is the whole."""

    box_xyxy: tuple[int, int, int, int]
    layer: int

    @property
    def area_px(self) -> int:
        """Area of the crop."""
        left, top, right, bottom = self.box_xyxy
        return (right - left) * (bottom - top)


def lattice(n_per_side: int) -> Points:
    """Spread points evenly over the unit square, row by row; (x, y), the outer half a step in."""
    steps = (np.arange(n_per_side) + 0.5) / n_per_side
    x, y = np.meshgrid(steps, steps)
    return np.stack([x.ravel(), y.ravel()], axis=1)


def lattices(config: SamConfig) -> list[Points]:
    """Give one lattice for each layer of crops."""
    factor = config.crop_n_points_downscale_factor
    return [
        lattice(config.points_per_side // factor**layer)
        for layer in range(config.crop_n_layers + 1)
    ]


def crops(size: tuple[int, int], n_layers: int, overlap_ratio: float) -> list[Crop]:
    """Cut an image of (height, width) into overlapping crops, 4^n in layer n, column by column."""
    height, width = size
    found = [Crop((0, 0, width, height), 0)]
    for layer in range(1, n_layers + 1):
        n_per_side = 2**layer
        overlap = int(overlap_ratio * min(size) * 2 / n_per_side)
        crop_width, crop_height = (
            math.ceil((overlap * (n_per_side - 1) + side) / n_per_side) for side in (width, height)
        )
        found += [
            Crop((x, y, min(x + crop_width, width), min(y + crop_height, height)), layer)
            for x in range(0, n_per_side * (crop_width - overlap), crop_width - overlap)
            for y in range(0, n_per_side * (crop_height - overlap), crop_height - overlap)
        ]
    return found


Item = TypeVar("Item")
Result = TypeVar("Result")


def on_all_cores(
    work: Callable[[Item], Result], items: Sequence[Item], device: torch.device
) -> list[Result]:
    """Do work on each item, in inference mode, on as many threads as PyTorch may use.

    A GPU is given its work by one.
    """

    def alone(item: Item) -> Result:
        # a mode of each thread
        with torch.inference_mode():
            return work(item)

    before = torch.get_num_threads()
    n_threads = min(before, len(items)) if device.type == "cpu" else 1
    if n_threads <= 1:
        return [alone(item) for item in items]
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(n_threads) as pool:
            return list(pool.map(alone, items))
    finally:
        torch.set_num_threads(before)
