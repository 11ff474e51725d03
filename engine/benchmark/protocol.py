"""Few-shot protocol: references by seed, and perturbed test images.

The few-shot protocol of the VAND challenge (CVPR workshop, track 2) takes the first k of
``torch.randperm(n)`` under ``torch.manual_seed(seed)`` over the path-sorted training images. The
order is reproduced here without torch: its CPU generator is the Mersenne Twister of Matsumoto and
Nishimura (1998), and its permutation is a forward Fisher-Yates shuffle that reduces one 32-bit
draw modulo the number of places left.

A perturbation tells whether the judgement survives a camera that sits a little differently, another
light, noise or blur: it changes test images at random, each in its own way, while the references
stay.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from engine.benchmark.datasets import Category, DatasetError
from engine.benchmark.perturbations import (
    Cast,
    Exposure,
    Focus,
    Glare,
    Jpeg,
    Noise,
    OfImage,
    OfLight,
    Pose,
    Turn,
    Vignette,
    relight,
)
from features.config_fields import Range, problems_of
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


# What can be done to test images, in the order in which it is done.
KINDS: dict[str, type[OfImage | OfLight]] = {
    "pose": Pose,
    "turn": Turn,
    "glare": Glare,
    "vignette": Vignette,
    "focus": Focus,
    "cast": Cast,
    "exposure": Exposure,
    "noise": Noise,
    "jpeg": Jpeg,
}
TOGETHER: dict[str, tuple[str, ...]] = {
    "light": ("glare", "vignette", "cast", "exposure"),
    "all": tuple(name for name in KINDS if name != "turn"),
}


@dataclass(frozen=True)
class Perturbation:
    """What is done to test images; a kind that is None is not done.

    The same seed and index give the same picture, and each kind draws by itself: an image gets the
    same exposure with noise and without.
    """

    pose: Pose | None = None
    turn: Turn | None = None
    glare: Glare | None = None
    vignette: Vignette | None = None
    focus: Focus | None = None
    cast: Cast | None = None
    exposure: Exposure | None = None
    noise: Noise | None = None
    jpeg: Jpeg | None = None
    seed: Annotated[int, Range(0)] = 0

    def __post_init__(self) -> None:
        problems = problems_of(self)
        if not problems and not self.kinds:
            problems = [f"it must have at least one of {', '.join(KINDS)}"]
        if problems:
            raise ValueError("; ".join(problems))

    @classmethod
    def of(cls, names: Iterable[str], seed: int = 0) -> Perturbation:
        """Make one of kinds by name, or of several together, within their usual limits.

        Raises:
            ValueError: There is no kind of a name; lists all there are.
        """
        chosen: list[str] = []
        for name in names:
            if name not in KINDS and name not in TOGETHER:
                known = ", ".join((*KINDS, *TOGETHER))
                raise ValueError(f"expected one or several of {known}, got {name!r}")
            chosen += TOGETHER.get(name, (name,))
        kinds: dict[str, Any] = {name: KINDS[name]() for name in chosen}
        return cls(**kinds, seed=seed)

    @property
    def kinds(self) -> dict[str, OfImage | OfLight]:
        """What is done, by name, in the order in which it is done."""
        return {name: kind for name in KINDS if (kind := getattr(self, name)) is not None}

    def apply(self, image: Image, index: int) -> Image:
        """Perturb the test image with this index in its own reproducible way."""
        lit: list[tuple[OfLight, np.random.Generator]] = []
        for name, kind in self.kinds.items():
            rng = self._random(name, index)
            if isinstance(kind, OfLight):
                lit.append((kind, rng))
            elif isinstance(kind, Jpeg):
                image, lit = kind.apply(relight(image, lit), rng), []
            else:
                image = kind.apply(image, rng)
        return relight(image, lit)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form: limits of each kind by its name, and the seed."""
        kinds = {name: asdict(kind) for name, kind in self.kinds.items()}
        return kinds | {"seed": self.seed}

    def facts(self) -> dict[str, Any]:
        """Return what the pictures depend on; of a pose alone as the first release wrote it."""
        if self.pose is not None and len(self.kinds) == 1:
            return asdict(self.pose) | {"seed": self.seed}
        return self.as_dict()

    def _random(self, name: str, index: int) -> np.random.Generator:
        """Return the random numbers of a kind for one image; those of a pose are the oldest."""
        kind = [] if name == "pose" else [zlib.crc32(name.encode())]
        return np.random.default_rng([self.seed, index, *kind])
