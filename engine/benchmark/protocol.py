"""Which training images are the references for k shots and a seed?

The few-shot protocol of the VAND challenge (CVPR workshop, track 2) takes the first k of
``torch.randperm(n)`` under ``torch.manual_seed(seed)`` over the path-sorted training images. The
order is reproduced here without torch: its CPU generator is the Mersenne Twister of Matsumoto and
Nishimura (1998), and its permutation is a forward Fisher-Yates shuffle that reduces one 32-bit
draw modulo the number of places left.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.benchmark.datasets import Category, DatasetError

SHOTS = (1, 2, 4, 8)
SEEDS = (42, 0, 1234)

# From 2^32 // 20 elements torch draws 64 bits and shuffles inside out.
_FIRST_OTHER_LENGTH = (2**32 - 1) // 20


def reference_indices(n: int, k: int, seed: int) -> tuple[int, ...]:
    """Return the first ``k`` entries of torch's seeded permutation of ``0 … n-1``.

    Any seed that torch accepts gives torch's order; like torch, only its lowest 32 bits count.

    Raises:
        ValueError: If not 0 ≤ k ≤ n, or n is beyond the range of the algorithm (2 · 10⁸).
    """
    if not 0 <= k <= n:
        raise ValueError(f"k must lie in 0 … n = {n}, got {k}")
    if n >= _FIRST_OTHER_LENGTH:
        raise ValueError(f"n must be below {_FIRST_OTHER_LENGTH}, got {n}")
    n_draws = min(k, max(n - 1, 0))
    generator = np.random.RandomState(seed % 2**32)
    draws = generator.randint(0, 2**32, size=n_draws, dtype=np.uint32).tolist()
    moved: dict[int, int] = {}  # places whose entry differs from their index
    chosen: list[int] = []
    for place, draw in enumerate(draws):
        other = place + draw % (n - place)
        chosen.append(moved.get(other, other))
        moved[other] = moved.get(place, place)
    if k > n_draws:  # the last place is never drawn
        chosen.append(moved.get(n - 1, n - 1))
    return tuple(chosen)


def pick_references(category: Category, shots: int, seed: int) -> tuple[Path, ...]:
    """Return the ``shots`` training images that the protocol picks, in its order.

    Raises:
        DatasetError: If the category has fewer training images than shots.
    """
    n_train = len(category.train)
    if shots > n_train:
        raise DatasetError(
            f"category {category.name!r} has {n_train} training images, fewer than the "
            f"{shots} shots asked for; ask for at most {n_train}"
        )
    return tuple(category.train[index] for index in reference_indices(n_train, shots, seed))
