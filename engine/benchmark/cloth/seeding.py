"""Which random numbers belong to what?

Every choice has a stream of its own, so that what is drawn for one thing never moves another.
"""

from __future__ import annotations

import zlib

import numpy as np


def stream(purpose: str, *numbers: int) -> np.random.Generator:
    """Random numbers for one purpose, in the roll, photograph, item … with these numbers."""
    return np.random.default_rng([zlib.crc32(purpose.encode()), *numbers])
