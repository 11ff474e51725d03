"""Which parts has an image once painted things lie on top of the parts that were cut?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, UInt8

from alignment.aligned import AlignedParts
from alignment.painted import PaintedClass, find
from features.parts import Parts

Mask = Bool[np.ndarray, "height width"]
Image = UInt8[np.ndarray, "height width 3"]

# of a part that something was painted over: who keeps less is a remnant of the painted thing
_REMNANT = 0.2
# of a find: what shares more with what was painted by hand is the same thing
_SAME = 0.3


def with_painted(
    aligned: AlignedParts,
    classes: Sequence[PaintedClass],
    image: Image,
    is_valid: Mask,
    given: Mapping[int, Sequence[Mask]] | None = None,
) -> AlignedParts:
    """Find painted classes, and take their pixels from the other parts.

    ``given`` are masks of a class that need not be found, because they were painted here.
    """
    for painted in classes:
        masks = list((given or {}).get(painted.class_id, ()))
        known = np.logical_or.reduce(masks) if masks else np.zeros(is_valid.shape, dtype=bool)
        found = [(each.mask, 1 - each.likeness) for each in find(painted, image, is_valid)]
        new = [(mask & is_valid, 0.0) for mask in masks]
        new += [each for each in found if (each[0] & known).sum() <= _SAME * each[0].sum()]
        for mask, cost in new:
            if mask.any():
                aligned = _with_part(aligned, mask, painted.class_id, max(0.0, cost))
    return aligned


def _with_part(aligned: AlignedParts, mask: Mask, class_id: int, cost: float) -> AlignedParts:
    """Put a part on top of the others; those of which little is left are part of it."""
    parts = aligned.parts
    left_px = np.bincount(parts.labels[~mask & (parts.labels >= 0)], minlength=len(parts))
    is_covered = np.bincount(parts.labels[mask & (parts.labels >= 0)], minlength=len(parts)) > 0
    is_kept = ~is_covered | (left_px > _REMNANT * parts.area_px)
    number = np.append(np.where(is_kept, np.cumsum(is_kept) - 1, np.count_nonzero(is_kept)), -1)
    labels = number[parts.labels]
    labels[mask] = np.count_nonzero(is_kept)
    return replace(
        aligned,
        parts=Parts(labels, np.append(parts.is_background[is_kept], False)),
        class_of_part=np.append(aligned.class_of_part[is_kept], class_id),
        cost=np.append(aligned.cost[is_kept], cost),
    )
