"""Few-shot protocol: references by seed, and perturbed test images.

The few-shot protocol of the VAND challenge (CVPR workshop, track 2) takes the first k of
``torch.randperm(n)`` under ``torch.manual_seed(seed)`` over the path-sorted training images. The
order is reproduced here without torch: its CPU generator is the Mersenne Twister of Matsumoto and
Nishimura (1998), and its permutation is a forward Fisher-Yates shuffle that reduces one 32-bit
draw modulo the number of places left.

A perturbation tells whether the judgement survives a camera that sits a little differently: it
turns, moves and rescales test images at random, each in its own way, while the references stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float64

from engine.benchmark.datasets import Category, DatasetError
from features.images import Image

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


@dataclass(frozen=True)
class Perturbation:
    """Limits of a random similarity; every draw is uniform between minus and plus the limit.

    ``rotation_deg`` is in degrees, ``shift`` a share of the height and of the width, ``scale`` a
    change of size (0.10: from 0.9 to 1.1). The same seed and index give the same picture.
    """

    rotation_deg: float = 15.0
    shift: float = 0.10
    scale: float = 0.10
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.rotation_deg <= 180 and 0 <= self.shift <= 1 and 0 <= self.scale < 1):
            raise ValueError(
                "rotation_deg must lie in 0 … 180, shift in 0 … 1 and scale in 0 … 1 (exclusive), "
                f"got {self.rotation_deg}, {self.shift} and {self.scale}"
            )

    def apply(self, image: Image, index: int) -> Image:
        """Perturb the test image with this index in its own reproducible way."""
        rng = np.random.default_rng([self.seed, index])
        return perturb(
            image, rng, rotation_deg=self.rotation_deg, shift=self.shift, scale=self.scale
        )


def perturb(
    image: Image,
    rng: np.random.Generator,
    *,
    rotation_deg: float = 15.0,
    shift: float = 0.10,
    scale: float = 0.10,
) -> Image:
    """Return the image under a random similarity about its centre, in its own size.

    What comes in from outside the frame continues the border pixels.
    """
    height, width = image.shape[:2]
    angle, down, right, growth = rng.uniform(-1, 1, size=4)
    matrix = similarity(
        (height, width),
        rotation_deg=rotation_deg * angle,
        shift_yx=(shift * down * height, shift * right * width),
        scale=1 + scale * growth,
    )
    return cv2.warpAffine(
        image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def similarity(
    size: tuple[int, int], *, rotation_deg: float, shift_yx: tuple[float, float], scale: float
) -> Float64[np.ndarray, "2 3"]:
    """Return the map from old to new (x, y) of a turn and zoom about the centre, then a shift.

    ``size`` is (height, width); positive angles turn counter-clockwise as seen on the screen.
    """
    height, width = size
    centre = ((width - 1) / 2, (height - 1) / 2)  # pixel centres lie at whole numbers
    matrix: Float64[np.ndarray, "2 3"] = cv2.getRotationMatrix2D(centre, rotation_deg, scale)
    matrix[:, 2] += shift_yx[1], shift_yx[0]
    return matrix
