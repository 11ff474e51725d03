"""Frame of an image: what lies near it differs more between normal images than what lies inside.

Things are cut by it, and what is not the product comes into the picture: another product, a finger
of the gripper, the rim of the table. How much farther from each other references are there is
learnt from them, by the number of cells to the frame; distances of an image count as much less.

Where the same place shows the same on all images, more can be learnt: how far references are from
each other there. What is small is found by that, for it stands out only from what is calm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self

import numpy as np
from jaxtyping import Float32, Int
from scipy.ndimage import gaussian_filter

CellMap = Float32[np.ndarray, "rows columns"]
Profile = Float32[np.ndarray, " cells"]

# Distances to any place of a reference; to the same place; to what a network sees of it, or sees
# when it looks closer.
Kind = Literal["anywhere", "in_place", "unlike", "detail"]
KINDS: tuple[Kind, ...] = ("anywhere", "in_place", "unlike", "detail")

# how much larger distances are at the frame, one cell from it, and so on, than inside: what
# products show of which they are larger there. Of k references, k / (k + 1) is their own
USUAL = (1.4, 1.3, 1.2, 1.1, 1.0)
# of distances: nearly the largest, as it is the largest that speak for an image
QUANTILE = 0.98
# of a map of places: references are few, so neighbours are asked too, and the whole image
PLACE_SIGMA_CELLS = 2.0
# descriptors that equal each other everywhere must not divide by zero
LEAST = 1e-6


class Frame:
    """What distances near the frame are divided by; 1 before anything is learnt."""

    def __init__(self) -> None:
        self.profiles_: dict[Kind, Profile] = {kind: _calm() for kind in KINDS}
        self.places_: CellMap | None = None

    def fit(self, distances: Mapping[Kind, Sequence[CellMap]], *, is_placed: bool = False) -> Self:
        """Learn from distances of each reference to the others, infinite where there is none.

        A kind without any is taken to be as usual. ``is_placed`` tells that a place shows the same
        on all.
        """
        self.profiles_ = {kind: learn_profile(distances.get(kind, ())) for kind in KINDS}
        detail = distances.get("detail", ())
        self.places_ = learn_places(detail) if is_placed and detail else None
        return self

    def weighted(self, kind: Kind, cells: CellMap) -> CellMap:
        """Let distances count less near the frame of their map, or where references differ."""
        if kind == "detail" and self.places_ is not None:
            of_places: CellMap = cells / self.places_
            return of_places
        weights = np.float32(1) / self.profiles_[kind]
        of_cells: CellMap = cells * weights[cells_to_frame(cells.shape)]
        return of_cells

    def state(self) -> dict[str, np.ndarray]:
        """Return what was learnt."""
        state: dict[str, np.ndarray] = {kind: self.profiles_[kind] for kind in KINDS}
        return state if self.places_ is None else state | {"places": self.places_}

    def restore(self, state: Mapping[str, np.ndarray]) -> Self:
        """Take what was learnt from a stored state instead of fitting."""
        self.profiles_ = {kind: state[kind] for kind in KINDS}
        self.places_ = state.get("places")
        return self


def learn_places(distances: Sequence[CellMap]) -> CellMap:
    """Return how large distances are at each place, in units of the usual; more than 0.

    Half of it is what is usual in all of the image: references are few.
    """
    known = [np.where(np.isfinite(each), each, np.float32(0)) for each in distances]
    mean = gaussian_filter(np.mean(known, axis=0), PLACE_SIGMA_CELLS)
    usual = max(float(np.median(known)), LEAST)
    places: CellMap = ((mean / usual + 1) / 2).astype(np.float32)
    return places


def learn_profile(distances: Sequence[CellMap]) -> Profile:
    """Return how much larger distances are from the frame inwards; 1 or more, 1 inside.

    Where they are smaller near the frame nothing follows: a thing that lies there is unusual.
    """
    usual = np.array(USUAL, dtype=np.float32)
    if not distances:
        return usual
    high = [_high(distances, far) for far in range(len(USUAL))]
    inside = high[-1]
    own = np.array([1.0 if np.isnan(each) else each for each in high]) / max(inside, LEAST)
    own = _calm() if np.isnan(inside) else np.maximum(own, 1)
    share = len(distances) / (len(distances) + 1)
    learnt: Profile = (own**share * usual ** (1 - share)).astype(np.float32)
    return learnt


def cells_to_frame(shape: tuple[int, ...]) -> Int[np.ndarray, "rows columns"]:
    """Count the cells between each cell and the frame, up to those that lie inside."""
    rows, columns = (np.minimum(np.arange(n), np.arange(n)[::-1]) for n in shape)
    return np.minimum(np.minimum.outer(rows, columns), len(USUAL) - 1)


def _high(distances: Sequence[CellMap], far: int) -> float:
    """Return the high quantile of all that lies so many cells from the frame; NaN if nothing."""
    there = np.concatenate([each[cells_to_frame(each.shape) == far] for each in distances])
    there = there[np.isfinite(there)]
    return float(np.quantile(there, QUANTILE)) if there.size else float("nan")


def _calm() -> Profile:
    return np.ones(len(USUAL), dtype=np.float32)
