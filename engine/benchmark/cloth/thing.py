"""What lies loose on the cloth: its outline for finding it room, and how to paint it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Int32

from engine.benchmark.scenes.canvas import SUPERSAMPLING, Canvas, Patch
from engine.benchmark.scenes.layout import Pose
from engine.benchmark.scenes.outline import Path, Points, ribbon

_SHIFT = 4  # binary digits of a pixel's fraction
_GROWTH = 0.7  # canvas pixels by which OpenCV's smooth shapes exceed their outline

Painter = Callable[[Canvas, int, Pose], None]


@dataclass(frozen=True)
class Thing:
    """A shape about the origin in image pixels, and a painter that draws it as the given part.

    All of ``core`` will belong to the part, and all of the part will lie within ``reach``, which
    leaves out the shadow.
    """

    core: Points
    reach: Points
    paint: Painter


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


def _fixed(points: Points) -> Int32[np.ndarray, "_ 2"]:
    return np.asarray(np.round(points * 2**_SHIFT), dtype=np.int32)
