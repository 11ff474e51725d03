"""Does a polygon cross itself, and which pixels does it wind around?

A pixel counts by its centre (see ``engine.regions.outlines``). How often the border winds around it
is the sum of the border's crossings to its left, each counted with its direction (Sunday, 2001).
A border that only touches itself winds around every pixel in one direction, once or not at all.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from features.region import Box


def winding(
    corners_xy: Float[np.ndarray, "corners 2"], box_xyxy: Box
) -> Int[np.ndarray, "rows columns"]:
    """Count how often the border turns around each pixel of a box that encloses it."""
    left, top, right, bottom = box_xyxy
    # one column more, for what crosses right of the last pixel's centre
    steps = np.zeros((bottom - top, right - left + 1), dtype=np.int32)
    for corner, following in zip(corners_xy, np.roll(corners_xy, -1, axis=0), strict=True):
        is_down = following[1] > corner[1]
        # from above, whichever way: what shares the edge must round alike
        (x, y), (end_x, end_y) = (corner, following) if is_down else (following, corner)
        rows = np.arange(np.ceil(y - 0.5), np.ceil(end_y - 0.5)).astype(int)
        if not len(rows):
            continue
        at_x = x + (rows + 0.5 - y) * ((end_x - x) / (end_y - y))
        # rounding must not leave the box
        columns = np.ceil(np.clip(at_x, left, right) - 0.5).astype(int)
        steps[rows - top, columns - left] += 1 if is_down else -1
    turns: np.ndarray = np.cumsum(steps, axis=1)[:, :-1]
    return turns


def crossing(
    corners_xy: Float[np.ndarray, "corners 2"], turns: Int[np.ndarray, "rows columns"]
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
