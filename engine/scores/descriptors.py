"""How far are the classes of two images apart, all together?

Scores 4, 6 and 7 describe each class by a row of numbers. The rows of two images differ by one gap
per class, and the classes are combined by the root mean square, which is the Euclidean distance of
the stacked descriptors but for a constant factor. A class that neither image shows has no gap; a
class that only one of them shows counts as a gap that the score documents.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

Rows = Float[np.ndarray, "classes channels"]


def shows(rows: Rows) -> Bool[np.ndarray, " classes"]:
    """Whether the image shows a class at all: its row holds no NaN."""
    is_shown: np.ndarray = ~np.isnan(rows).any(axis=1)
    return is_shown


def euclidean(ours: Rows, theirs: Rows) -> Float[np.ndarray, " classes"]:
    """Euclidean distance of each class's two rows; NaN where either is."""
    distance: np.ndarray = np.linalg.norm(ours - theirs, axis=1)
    return distance


def combine(
    gap: Float[np.ndarray, " classes"],
    is_in_ours: Bool[np.ndarray, " classes"],
    is_in_theirs: Bool[np.ndarray, " classes"],
    *,
    absent: float,
) -> float:
    """Root mean square over all classes; 0 where there is no class.

    Args:
        gap: Distance of each class that both images show; any value, NaN too, elsewhere.
        is_in_ours: Which classes one image shows.
        is_in_theirs: Which classes the other image shows.
        absent: The gap of a class that only one of the two shows.
    """
    if not len(gap):
        return 0.0
    gap = np.where(is_in_ours & is_in_theirs, gap, absent * (is_in_ours != is_in_theirs))
    return float(np.sqrt(np.mean(gap**2)))
