"""Placement of loose items on the cloth: apart from each other, or touching.

An item comes with an outline for finding it room, and a painter.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Int32, UInt8

from engine.synthetic.cloth.record import NoRoomError
from engine.synthetic.scenes.canvas import SUPERSAMPLING, Canvas, Patch
from engine.synthetic.scenes.primitives import Path, Points, Pose, place, ribbon
from features.images import Mask

_SHIFT = 4  # binary digits of a pixel's fraction
_GROWTH = 0.7  # canvas pixels by which OpenCV's smooth shapes exceed their outline

Painter = Callable[[Canvas, int, Pose], None]

_TRIES, _RESTARTS = 60, 40
_TOUCHING_TRIES = 500  # most places on the cloth touch nothing
_GAP_PX = 5
_MAX_HIDDEN = 0.35  # share of a thing that lies on others, or under them


@dataclass(frozen=True)
class LooseItem:
    """A shape about the origin in image pixels, and a painter that draws it as the given part.

    All of ``core`` will belong to the part, and all of the part will lie within ``reach``, which
    leaves out the shadow.
    """

    core: Points
    reach: Points
    paint: Painter


def arrange(
    rng: np.random.Generator,
    things: Sequence[LooseItem],
    size_px: int,
    lying: Sequence[Mask] = (),
    *,
    is_touching: bool = False,
) -> list[Pose]:
    """Give each thing a centre and a rotation so that it lies inside the photograph.

    Nothing comes within a few pixels of another thing or of what is ``lying`` there before. With
    ``is_touching``, the core of each overlaps a minor share of something before it instead.

    Raises:
        NoRoomError: No such arrangement was found.
    """
    for _ in range(_RESTARTS):
        poses = _attempt(rng, things, size_px, [mask.copy() for mask in lying], is_touching)
        if poses is not None:
            return poses
    raise NoRoomError(
        f"{len(things)} loose items must fit into {size_px}×{size_px} px, they do not; "
        "name fewer or smaller ones, or enlarge size_px"
    )


def trace(canvas: Canvas, path: Path, width_px: float) -> Patch:
    """Cover what a round pen of this width draws along a path, which may cross itself."""
    margin = width_px + 2
    frame = np.array([path.min(axis=0) - margin, path.max(axis=0) + margin])
    corners = frame[[0, 1, 1, 0], 0], frame[[0, 0, 1, 1], 1]
    patch = canvas.cover(np.stack(corners, axis=1))
    coverage = np.zeros(patch.alpha.shape, dtype=np.uint8)
    points = path * SUPERSAMPLING - 0.5 - (patch.left, patch.top)
    radius = max(width_px * SUPERSAMPLING / 2 - _GROWTH, 0.25)
    for ends in itertools.pairwise(points):
        stroke = ribbon(np.stack(ends), 2 * radius)
        cv2.fillConvexPoly(coverage, _fixed(stroke), 255, cv2.LINE_AA, shift=_SHIFT)
    for x, y in _fixed(points).tolist():
        cv2.circle(coverage, (x, y), round(radius * 2**_SHIFT), 255, -1, cv2.LINE_AA, _SHIFT)
    return replace(patch, alpha=coverage.astype(np.float32) / 255)


def _attempt(
    rng: np.random.Generator,
    things: Sequence[LooseItem],
    size_px: int,
    lying: list[Mask],
    is_touching: bool,
) -> list[Pose] | None:
    """Place the things one after the other, or give up."""
    poses: list[Pose] = []
    areas = [int(np.count_nonzero(mask)) for mask in lying]
    for thing in things:
        for _ in range(_TOUCHING_TRIES if is_touching else _TRIES):
            pose = _draw(rng, thing.reach, size_px)
            if pose is None:
                continue
            shape = _filled(place(thing.core if is_touching else thing.reach, *pose), size_px)
            if _touches(shape, lying, areas) if is_touching else _is_apart(shape, lying):
                for mask in lying:
                    mask &= ~shape
                break
        else:
            return None
        poses.append(pose)
        lying.append(shape)
        areas.append(int(np.count_nonzero(shape)))
    return poses


def _draw(rng: np.random.Generator, reach: Points, size_px: int) -> Pose | None:
    """Draw a pose; None if the thing would reach beyond the photograph."""
    angle = float(rng.uniform(0, 360))
    turned = place(reach, (0.0, 0.0), angle)
    low, high = 2 - turned.min(axis=0), size_px - 2 - turned.max(axis=0)
    if (low >= high).any():
        return None
    x, y = rng.uniform(low, high)
    return (float(x), float(y)), angle


def _is_apart(shape: Mask, lying: Sequence[Mask]) -> bool:
    side = 2 * _GAP_PX + 1
    grown = cv2.dilate(shape.view(np.uint8), np.ones((side, side), np.uint8)).view(bool)
    return not any((grown & mask).any() for mask in lying)


def _touches(shape: Mask, lying: Sequence[Mask], areas: Sequence[int]) -> bool:
    """Tell whether a thing rests against another, and both stay to be seen; the first may lie."""
    if not lying:
        return True
    overlaps = [int(np.count_nonzero(shape & mask)) for mask in lying]
    left = [
        int(np.count_nonzero(mask)) - overlap >= (1 - _MAX_HIDDEN) * area
        for mask, overlap, area in zip(lying, overlaps, areas, strict=True)
    ]
    return 0 < sum(overlaps) <= _MAX_HIDDEN * int(np.count_nonzero(shape)) and all(left)


def _filled(points: Points, size_px: int) -> Mask:
    raster: UInt8[np.ndarray, "height width"] = np.zeros((size_px, size_px), dtype=np.uint8)
    cv2.fillPoly(raster, [np.round(points).astype(np.int32)], 1)
    return raster.view(bool)


def _fixed(points: Points) -> Int32[np.ndarray, "_ 2"]:
    return np.asarray(np.round(points * 2**_SHIFT), dtype=np.int32)
