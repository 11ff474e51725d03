"""Where are the parts that are missing, or too many?

Counts say that there are too few or too many of a class, not which. So the image is laid over the
reference that is most like it: what one of the two shows, and the other does not show there, it is.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool

from alignment.comparison import Comparison
from alignment.sample import Sample

Mask = Bool[np.ndarray, "height width"]

# what is hidden by less than this share of itself is not the same part
MIN_SHARED = 0.5
# of the diagonal of the image: parts may lie so far from where the reference has them
PLAY = 0.02


def missing_from(comparison: Comparison, class_id: int, n_missing: int) -> Mask | None:
    """Return where the reference shows parts of a class that the test image lacks there.

    At most ``n_missing`` of them, in working pixels of the test image; None if all are there.
    """
    shown = [_moved(each, comparison) for each in _instances(comparison.reference, class_id)]
    return _not_covered(shown, _mask(comparison.test, class_id), n_missing)


def extra_in(comparison: Comparison, class_id: int, n_extra: int) -> Mask | None:
    """Return where the test image shows parts of a class that the reference lacks there.

    At most ``n_extra`` of them; None if the reference shows something of the class in each place.
    """
    usual = _moved(_mask(comparison.reference, class_id), comparison)
    return _not_covered(_instances(comparison.test, class_id), usual, n_extra)


def _not_covered(instances: list[Mask], cover: Mask, n_most: int) -> Mask | None:
    """Join those that are covered least, if less than half of each is."""
    radius_px = max(1, round(PLAY * float(np.hypot(*cover.shape))))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2)
    wide = cv2.dilate(cover.astype(np.uint8), kernel) > 0
    shared = [(float(wide[each].mean()), i) for i, each in enumerate(instances) if each.any()]
    chosen = [instances[i] for share, i in sorted(shared)[:n_most] if share < MIN_SHARED]
    return np.any(chosen, axis=0) if chosen else None


def _instances(sample: Sample, class_id: int) -> list[Mask]:
    aligned = sample.aligned
    is_own = aligned.class_of_part == class_id
    instance_map = np.append(aligned.instance_of_part, -1)[aligned.parts.labels]
    return [
        (instance_map == instance) & sample.is_valid
        for instance in np.unique(aligned.instance_of_part[is_own]).tolist()
    ]


def _mask(sample: Sample, class_id: int) -> Mask:
    return np.asarray(sample.valid_class_map == class_id)


def _moved(mask: Mask, comparison: Comparison) -> Mask:
    """Bring a mask of the reference to where it lies on the test image."""
    size = mask.shape[::-1]
    moved = cv2.warpAffine(mask.astype(np.uint8), comparison.to_test, size, flags=cv2.INTER_NEAREST)
    return np.asarray(moved > 0)
