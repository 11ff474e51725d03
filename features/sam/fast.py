"""Which masks are there, without asking everywhere?

Points are taken coarse to fine, and left out if the masks found so far explain them. Of what the
others are answered, only masks that may stay are drawn in the image's own pixels.
"""

from __future__ import annotations

import math
from itertools import chain

import numpy as np
from jaxtyping import Int

from features.sam.asking import View, ask
from features.sam.config import SamConfig
from features.sam.drafts import Draft, best_drawn, draft
from features.sam.explained import Explained
from features.sam.masks import Mask
from features.sam.network import MaskNetwork
from features.sam.points import Points

# points along a side of the first wave, at least; each further one doubles their number
N_FIRST_PER_SIDE = 16


def fast_masks(
    network: MaskNetwork, view: View, points_xy: Points, config: SamConfig
) -> list[Mask]:
    """Ask where something new is to be expected; good masks without duplicates, best first."""
    explained = Explained(view)
    drafts: list[Draft] = []
    for wave in waves(points_xy, view.embedding.image_size):
        is_new = [not explained.has(*xy) for xy in points_xy[wave].tolist()]
        asked_xy = points_xy[wave][np.array(is_new, dtype=bool)]
        answers = ask(network, view, asked_xy, config, lambda each: draft(each, view, config))
        explained.learn(asked_xy, answers)
        drafts += chain.from_iterable(answers)
    return best_drawn(drafts, view, config)


def waves(points_xy: Points, size: tuple[int, int]) -> list[Int[np.ndarray, "_"]]:
    """Sort points of a view of (height, width) into waves, each in the gaps of those before it.

    Of a lattice of 64 × 64, say, those are 16 × 16, the middles between them, the rest of 32 × 32,
    and so on. Points of another grid go where they would be in a lattice of as many.
    """
    n_per_side = max(1, math.ceil(math.sqrt(len(points_xy))))
    height, width = size
    place = np.floor(points_xy / (width, height) * n_per_side).astype(np.int64)
    step = max(1, 2 ** math.floor(math.log2(n_per_side / N_FIRST_PER_SIDE)))
    place -= step // 2
    kinds = [(step, 0)]
    while step > 1:
        half = step // 2
        kinds += [(step, half), (half, 0)]
        step = half
    found = []
    is_left = np.ones(len(points_xy), dtype=bool)
    for step, rest in kinds:
        is_in = is_left & (place % step == rest).all(axis=1)
        is_left &= ~is_in
        found.append(np.flatnonzero(is_in))
    return found
