"""Which part goes with which class?"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist


def match_nearest(
    looks: Float[np.ndarray, "parts dim"],
    classes: Float[np.ndarray, "classes dim"],
    unmatched_cost: float,
) -> tuple[Int[np.ndarray, " parts"], Float[np.ndarray, " parts"]]:
    """Give each part the nearest class, many-to-one; return classes and distances.

    A part farther than ``unmatched_cost`` from every class gets -1, at that cost.
    """
    if not len(looks) or not len(classes):
        return np.full(len(looks), -1), np.full(len(looks), float(unmatched_cost))
    distance = cdist(looks, classes)
    nearest = distance.argmin(axis=1)
    cost = distance.min(axis=1)
    is_matched = cost <= unmatched_cost
    return np.where(is_matched, nearest, -1), np.minimum(cost, unmatched_cost)


def match_slots(
    looks: Float[np.ndarray, "parts dim"],
    classes: Float[np.ndarray, "classes dim"],
    slots: Int[np.ndarray, " classes"],
    unmatched_cost: float,
) -> tuple[Int[np.ndarray, " parts"], Float[np.ndarray, " parts"]]:
    """Give parts to the instances expected of each class, one-to-one (Hungarian method).

    ``slots`` says how many instances each class offers. Minimises the summed distance, where a
    part left over costs ``unmatched_cost`` and gets -1: surplus parts become visible as extra, and
    slots left empty as missing.
    """
    slot_class = np.repeat(np.arange(len(classes)), slots)
    if not len(looks) or not len(slot_class):
        return np.full(len(looks), -1), np.full(len(looks), float(unmatched_cost))
    distance = cdist(looks, classes)[:, slot_class]
    # one private dummy a part: staying unmatched is always possible, at a price
    dummies = np.where(np.eye(len(looks), dtype=bool), unmatched_cost, 1e6)
    rows, columns = linear_sum_assignment(np.hstack([distance, dummies]))
    class_of_part = np.append(slot_class, np.full(len(looks), -1))[columns]
    cost = np.hstack([distance, dummies])[rows, columns]
    return class_of_part, cost
