"""Levels: how much of 0 … 255 a set of photographs uses.

A set that uses a few levels has lost most of what the camera saw: it was underexposed, or its
values were read with another number of bits than they were written with.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.images import AnyImage

# Low contrast is still worth a look: sixteen levels are four bits.
FEW_LEVELS = 24
# hot pixels, and glints, of each photograph
_IGNORED_SHARE = 0.001


def few_levels(images: Sequence[AnyImage]) -> tuple[int, int] | None:
    """Return the lowest and the highest level of a set if that is a small part of what there is.

    All channels count together; a thousandth of the values of a photograph may lie outside.
    """
    if not images:
        return None
    ends = [_ends(image) for image in images]
    lowest, highest = min(low for low, _ in ends), max(high for _, high in ends)
    return (lowest, highest) if highest - lowest < FEW_LEVELS else None


def few_levels_text(images: Sequence[AnyImage]) -> str | None:
    """Say in one line what is wrong with a set that uses few levels, None if it does not."""
    found = few_levels(images)
    if found is None:
        return None
    lowest, highest = found
    return (
        f"these photographs use only the levels {lowest} … {highest} of 0 … 255, so that little "
        "can be told apart in them; check exposure and light, and with how many bits they are saved"
    )


def bits_text(bits: int | None) -> str | None:
    """Say in one line that 16-bit photographs are read as of fewer bits, None if they are not."""
    if bits is None or bits == 16:
        return None
    return (
        f"16-bit photographs have no value above {2**bits - 1} and are read as of {bits} bits, as "
        "cameras write them; fit with --bits 16 if they are only dark"
    )


def _ends(image: AnyImage) -> tuple[int, int]:
    counts = np.bincount(np.asarray(image, dtype=np.uint8).ravel(), minlength=256)
    share = np.cumsum(counts) / counts.sum()
    low = int(np.searchsorted(share, _IGNORED_SHARE, side="right"))
    high = int(np.searchsorted(share, 1 - _IGNORED_SHARE))
    return low, high
