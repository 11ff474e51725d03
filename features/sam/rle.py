"""How is a mask written down as run lengths, in COCO's two forms?

Runs count pixels column by column, outside and inside in turn, outside first. The compressed form
is that of pycocotools: differences to the run before the last, five bits to a character.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool

OutputMode = Literal["binary_mask", "uncompressed_rle", "coco_rle"]


def as_output(mask: Bool[np.ndarray, "height width"], mode: OutputMode) -> Any:
    """Give a mask as an array, or as a dict of ``size`` (height, width) and ``counts``."""
    if mode == "binary_mask":
        return mask
    counts = run_lengths(mask)
    size = [int(side) for side in mask.shape]
    return {"size": size, "counts": counts if mode == "uncompressed_rle" else compressed(counts)}


def run_lengths(mask: Bool[np.ndarray, "height width"]) -> list[int]:
    """Count the pixels of each run; the first is 0 where the first pixel is inside."""
    pixels = mask.ravel(order="F")
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    counts: list[int] = np.diff(changes, prepend=0, append=pixels.size).tolist()
    return [0, *counts] if pixels[0] else counts


def mask_of(counts: Sequence[int], size: tuple[int, int]) -> Bool[np.ndarray, "height width"]:
    """Undo ``run_lengths``; ``size`` is (height, width)."""
    is_inside = np.arange(len(counts)) % 2 == 1
    height, width = size
    mask: np.ndarray = np.repeat(is_inside, counts).reshape(width, height).T
    return mask


def compressed(counts: Sequence[int]) -> str:
    """Write run lengths as COCO's JSON files hold them."""
    text = []
    for index, count in enumerate(counts):
        rest = count - counts[index - 2] if index > 2 else count
        is_more = True
        while is_more:
            bits = rest & 0x1F
            rest >>= 5
            # the fifth bit is the sign of what follows
            is_more = rest != (-1 if bits & 0x10 else 0)
            text.append(chr(48 + bits + (0x20 if is_more else 0)))
    return "".join(text)
