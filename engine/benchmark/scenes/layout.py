"""Where do loose things come to lie? Random places without overlap."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from engine.benchmark.scenes.outline import Points, Position, place

Pose = tuple[Position, float]
_TRIES, _RESTARTS = 40, 200


def scatter(
    rng: np.random.Generator, outlines: Sequence[Points], room: Points, gap_px: float = 2.0
) -> list[Pose]:
    """Give each outline a centre and a rotation (degrees) inside ``room``, apart by ``gap_px``.

    Outlines are placed in the given order, so begin with the largest. RuntimeError if they do not
    fit: the room is too small for them.
    """
    for _ in range(_RESTARTS):
        poses = _attempt(rng, outlines, room, gap_px)
        if poses is not None:
            return poses
    raise RuntimeError(f"{len(outlines)} outlines do not fit into the room; enlarge it")


def _attempt(
    rng: np.random.Generator, outlines: Sequence[Points], room: Points, gap_px: float
) -> list[Pose] | None:
    """Place all outlines one after the other on a raster, or give up."""
    low, high = room.min(axis=0), room.max(axis=0)
    width, height = np.ceil(high - low).astype(int) + 1
    taken = np.ones((height, width), dtype=np.uint8)
    cv2.fillPoly(taken, [_fixed(room - low)], 0)
    poses: list[Pose] = []
    for outline in outlines:
        grown = outline * (1 + gap_px / np.abs(outline).max())
        for _ in range(_TRIES):
            x, y = rng.uniform(low, high)
            pose = (float(x), float(y)), float(rng.uniform(0, 360))
            points = place(grown, *pose) - low
            if points.min() < 0 or (points > (width - 1, height - 1)).any():
                continue
            left, top = np.floor(points.min(axis=0)).astype(int)
            right, bottom = np.ceil(points.max(axis=0)).astype(int) + 1
            window = taken[top:bottom, left:right]
            shape = np.zeros_like(window)
            cv2.fillPoly(shape, [_fixed(points - (left, top))], 1)
            if not (shape & window).any():
                window |= shape
                poses.append(pose)
                break
        else:
            return None
    return poses


def _fixed(points: Points) -> np.ndarray:
    return np.round(points).astype(np.int32)
