"""A straight fault of the weave along warp or weft: yarns that are missing, thick or off-colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.benchmark.cloth.contrast import visible_color
from engine.benchmark.cloth.record import NoRoomError
from engine.benchmark.cloth.style import Cloth
from engine.benchmark.cloth.weaves import interlacing

# From this share of warp on top, faults of the weft show on the back only.
_WARP_FACED = 0.7
_TRIES = 200


@dataclass(frozen=True)
class Look:
    """Light and thickness of the faulty yarns, and light of those that cross them; 1 is sound."""

    thickness: float
    tone: float
    crossing: float


_MISSING = Look(0.35, 0.55, 0.72)  # the gap is in the shade
_THICK = Look(1.6, 1.25, 1.16)  # and thereby raised into the light
_DARK = Look(1.05, 0.5, 0.8)
_FOREIGN = Look(1.3, 1.0, 0.85)  # of another colour
_LOOKS = (_MISSING, _THICK, _DARK, _FOREIGN)
_COLORS = ("#d8d4c8", "#30343c", "#7a3a34", "#3a5078")


@dataclass(frozen=True)
class Fault:
    """Neighbouring yarns that differ over a stretch.

    ``first`` counts yarns and ``stretch`` crossings, from the middle of the photograph.
    ``color`` replaces the yarns' own.
    """

    axis: Literal["warp", "weft"]
    first: int
    n_yarns: int
    stretch: tuple[float, float]
    look: Look
    color: str | None = None

    def is_apart(self, other: Fault) -> bool:
        """Tell whether two faults run side by side with sound yarns between them."""
        is_before = self.first + self.n_yarns < other.first
        is_behind = other.first + other.n_yarns < self.first
        return self.axis == other.axis and (is_before or is_behind)


def weave_faults(
    streams: Sequence[np.random.Generator], cloth: Cloth, size_px: int, *, is_crossing: bool
) -> list[Fault]:
    """Draw a fault from each stream, apart from each other unless ``is_crossing``.

    Raises:
        NoRoomError: There are too many of them.
    """
    faults: list[Fault] = []
    for rng in streams:
        for _ in range(_TRIES):
            fault = weave_fault(rng, cloth, size_px)
            if is_crossing or all(fault.is_apart(other) for other in faults):
                faults.append(fault)
                break
        else:
            raise NoRoomError(
                f"{len(streams)} lines must fit into {size_px}×{size_px} px without crossing, "
                "they do not; name fewer or enlarge size_px"
            )
    return faults


def weave_fault(rng: np.random.Generator, cloth: Cloth, size_px: int) -> Fault:
    """Draw a fault 4 … 14 px wide, over half the photograph or more, often all across."""
    is_warp_faced = interlacing(cloth.weave).mean() > _WARP_FACED
    is_warp = bool(rng.random() < 0.5) or is_warp_faced
    own, cross = cloth.pitch_px if is_warp else cloth.pitch_px[::-1]
    n_yarns = max(1, round(rng.uniform(5, 12) / own))
    first = int(rng.uniform(-0.42, 0.42) * size_px / own)
    n_crossings = size_px / cross
    if rng.random() < 0.5:
        stretch = (-n_crossings, n_crossings)
    else:
        length = n_crossings * rng.uniform(0.5, 0.9)
        start = rng.uniform(0, n_crossings - length) - n_crossings / 2
        stretch = (start, start + length)
    look = _LOOKS[rng.integers(len(_LOOKS))]
    color = visible_color(rng, _COLORS, cloth) if look is _FOREIGN else None
    return Fault("warp" if is_warp else "weft", first, n_yarns, stretch, look, color)
