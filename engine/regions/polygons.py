"""Does a polygon cross itself, and which pixels does it wind around?

A pixel counts by its centre (see ``engine.regions.outlines``). How often the border winds around it
is the sum of the border's crossings to its left, each counted with its direction (Sunday, 2001).
A border that only touches itself winds around every pixel in one direction, once or not at all.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def winding(
    corners_xy: Float[np.ndarray, "corners 2"], size: tuple[int, int]
) -> Int[np.ndarray, "height width"]:
    """Count how often the border turns around each pixel of an image of (height, width)."""
    height, width = size
    # one column more, for what crosses right of the last pixel's centre
    steps = np.zeros((height, width + 1), dtype=np.int32)
    for (x, y), (next_x, next_y) in zip(corners_xy, np.roll(corners_xy, -1, axis=0), strict=True):
        low, high = np.ceil(np.sort([y, next_y]) - 0.5).astype(int)
        rows = np.arange(low, high)
        at_x = x + (rows + 0.5 - y) * ((next_x - x) / (next_y - y)) if len(rows) else rows
        # at most the border itself: rounding must not leave the image
        columns = np.ceil(np.clip(at_x, 0, width) - 0.5).astype(int)
        steps[rows, columns] += 1 if next_y > y else -1
    turns: np.ndarray = np.cumsum(steps, axis=1)[:, :width]
    return turns


def crossing(
    corners_xy: Float[np.ndarray, "corners 2"], turns: Int[np.ndarray, "height width"]
) -> tuple[float, float] | None:
    """Give a point where the border crosses itself, if it does; ``turns`` is its winding."""
    crossings_xy, touches_xy = _meetings(corners_xy)
    if crossings_xy:
        return crossings_xy[0]
    # where no two edges cross, a corner may lie on an edge that is crossed there
    is_crossed = turns.min() < 0 < turns.max() or np.abs(turns).max() > 1
    return touches_xy[0] if is_crossed and touches_xy else None


def _meetings(
    corners_xy: Float[np.ndarray, "corners 2"],
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """List where edges that are no neighbours cross, and where they only touch."""
    crossings: list[tuple[float, float]] = []
    touches: list[tuple[float, float]] = []
    ends_xy = np.roll(corners_xy, -1, axis=0)
    n_edges = len(corners_xy)
    for index in range(n_edges - 2):
        # the last edge is a neighbour of the first
        others = slice(index + 2, n_edges - (index == 0))
        start, end = corners_xy[index], ends_xy[index]
        starts, ends = corners_xy[others], ends_xy[others]
        side_start, side_end = _side(start, end, starts), _side(start, end, ends)
        side_mine, side_my_end = _side(starts, ends, start), _side(starts, ends, end)
        is_parted = (side_start * side_end <= 0) & (side_mine * side_my_end <= 0)
        is_near = (np.minimum(starts, ends) <= np.maximum(start, end)).all(axis=1)
        is_near &= (np.maximum(starts, ends) >= np.minimum(start, end)).all(axis=1)
        is_crossing = (side_start * side_end < 0) & (side_mine * side_my_end < 0)
        for other in np.flatnonzero(is_parted & is_near):
            if is_crossing[other]:
                share = side_mine[other] / (side_mine[other] - side_my_end[other])
                x, y = start + share * (end - start)
                crossings.append((float(x), float(y)))
            else:
                touching = (starts if side_start[other] == 0 else ends)[other]
                on_mine = 0 in (side_start[other], side_end[other])
                x, y = touching if on_mine else (start if side_mine[other] == 0 else end)
                touches.append((float(x), float(y)))
    return crossings, touches


def _side(
    start: Float[np.ndarray, "... 2"],
    end: Float[np.ndarray, "... 2"],
    points: Float[np.ndarray, "... 2"],
) -> Float[np.ndarray, " edges"]:
    """Tell on which side of a line points lie, by the sign; 0 is on it."""
    along, towards = end - start, points - start
    side: np.ndarray = along[..., 0] * towards[..., 1] - along[..., 1] * towards[..., 0]
    return side
