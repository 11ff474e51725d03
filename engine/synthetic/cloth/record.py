"""Record of a photograph of cloth, and the random streams it is drawn from.

Every choice has a stream of its own, so that what is drawn for one item never moves another.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from features.images import Image
from features.region import Region


class NoRoomError(ValueError):
    """More was asked for than fits into a photograph; the message says how much."""


@dataclass(frozen=True)
class Item:
    """Something in the photograph that sound cloth does not have, and the pixels it shows."""

    name: str
    region: Region


@dataclass(frozen=True)
class ClothPhoto:
    """A photograph with everything new in it, in the order in which it fell on the cloth."""

    image: Image
    items: tuple[Item, ...]


def stream(purpose: str, *numbers: int) -> np.random.Generator:
    """Random numbers for one purpose, in the roll, photograph, item … with these numbers."""
    return np.random.default_rng([zlib.crc32(purpose.encode()), *numbers])
