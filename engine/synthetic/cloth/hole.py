"""Hole in the cloth, 12 … 50 px long.

Several yarns are broken or pushed aside, so that the ground shows. The truth is where that ground
shows through, and nothing else: neither the raised rim nor the frayed ends that reach in from it.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from jaxtyping import Float

from engine.synthetic.cloth.camera import visible_color
from engine.synthetic.cloth.placement import LooseItem, trace
from engine.synthetic.cloth.weave import Cloth
from engine.synthetic.scenes.canvas import SUPERSAMPLING, Canvas, Patch
from engine.synthetic.scenes.primitives import (
    Field,
    Material,
    Path,
    Points,
    Pose,
    blob,
    place,
    ribbon,
    shade,
)

SIZES_PX = (12, 50)  # of the longer side
_SHORTEST_PX = 8.0  # of the shorter side: some yarns are gone in either direction
# Behind the cloth: a dark gap, oiled wood, a rubber belt, a steel roller, a lit table.
_GROUNDS = ("#17181b", "#2e2620", "#384038", "#a2a6aa", "#ebeae4")
_REACH_PX = 6.0  # of the rim, beyond the opening
_RIM_PX, _LIFT_PX, _PUSH_PX = 2.4, 2.0, 2.0  # its width and height; how far yarns gave way
_PUSHED = 0.3  # share of yarn ends that lie in the rim
_LEFT_OVER = 0.28  # of the way across the hole, what stays of a broken yarn at most
_LONGEST_FIBRE_PX = 4.0


def hole(rng: np.random.Generator, cloth: Cloth) -> LooseItem:
    """Draw an opening of irregular outline; yarns that end in it run as those of the cloth do."""
    size = float(rng.uniform(*SIZES_PX))
    aspect = rng.uniform(max(0.4, _SHORTEST_PX / size), 1.0)
    outline = blob(rng, 1.0, 0.16)
    outline = (outline - (outline.max(axis=0) + outline.min(axis=0)) / 2) / np.ptp(outline, axis=0)
    outline = outline * (size, aspect * size)
    ground = Material(visible_color(rng, _GROUNDS, cloth), mottle=0.1, mottle_px=12)  # no detail

    def paint(canvas: Canvas, part: int, pose: Pose) -> None:
        opening = canvas.cover(place(outline, *pose), soft_px=0.3)
        _raise_rim(canvas, opening, canvas.cover(place(_grown(outline), *pose)))
        canvas.paint(opening, ground, part=part)
        canvas.sink(opening, 1.5, 0.35)
        for axis, color in enumerate((cloth.warp_color, cloth.weft_color)):
            yarn = Material(color, mottle=0.2, mottle_px=1.2)
            for path in _broken(canvas.rng, opening, axis, cloth.pitch_px[axis]):
                _fray(canvas, path, yarn, cloth.pitch_px[axis])

    return LooseItem(0.5 * outline, _grown(outline), paint)


def _grown(outline: Points) -> Points:
    """The outline with the rim around it."""
    return np.asarray(outline * (1 + _REACH_PX / np.linalg.norm(outline, axis=1, keepdims=True)))


def _raise_rim(canvas: Canvas, opening: Patch, around: Patch) -> None:
    """Crowd the cloth against the border of the opening, and light it as a ridge."""
    distance = _distance(opening, around)
    near = np.exp(-((distance / (_RIM_PX * SUPERSAMPLING)) ** 2))
    rows, columns = np.indices(near.shape, dtype=np.float32)
    push = near * np.float32(_PUSH_PX * SUPERSAMPLING)
    x = columns - push * cv2.Sobel(distance, cv2.CV_32F, 1, 0, scale=0.125)
    y = rows - push * cv2.Sobel(distance, cv2.CV_32F, 0, 1, scale=0.125)
    for plane in (*canvas.rgb, canvas.parts):
        how = cv2.INTER_NEAREST if plane is canvas.parts else cv2.INTER_LINEAR
        cut = plane[around.window]
        cut[:] = cv2.remap(cut.copy(), x, y, how, borderMode=cv2.BORDER_REPLICATE)
    ridge = near * np.float32(_LIFT_PX * SUPERSAMPLING)
    canvas.glaze(around, shade(ridge, Material("#ffffff"), canvas.light)[0])


def _distance(opening: Patch, around: Patch) -> Field:
    """How far each canvas pixel of a window lies outside the opening; 0 within."""
    outside = np.ones(around.alpha.shape, dtype=np.uint8)
    top, left = opening.top - around.top, opening.left - around.left
    height, width = opening.alpha.shape
    outside[top : top + height, left : left + width] = opening.alpha <= 0.5
    return np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, 5), dtype=np.float32)


def _broken(rng: np.random.Generator, opening: Patch, axis: int, pitch_px: float) -> Iterator[Path]:
    """Follow the ends of broken yarns inwards, from both sides; axis 0: warp, which runs down."""
    is_open = opening.alpha > 0.5 if axis == 0 else opening.alpha.T > 0.5
    corner = np.array([opening.left, opening.top])
    pitch = pitch_px * SUPERSAMPLING
    for station in np.arange(rng.uniform(0.2, 0.8) * pitch, is_open.shape[1], pitch):
        inside = np.flatnonzero(is_open[:, int(station)])
        if len(inside) < pitch:
            continue  # hidden under the rim
        for start, end in ((inside[0], inside[-1]), (inside[-1], inside[0])):
            if rng.random() < _PUSHED:
                continue
            along = np.linspace(0, rng.uniform(0.05, _LEFT_OVER), 6) * (end - start)
            bend = rng.normal(0, 0.25) * along**2 / (abs(along[-1]) + 1)
            points = np.stack([station + bend, start + along], axis=1)
            yield (points[:, :: 1 - 2 * axis] + corner + 0.5) / SUPERSAMPLING


def _fray(canvas: Canvas, path: Path, yarn: Material, pitch_px: float) -> None:
    """Draw a yarn that thins out towards its end, where fibres stand off."""
    end, length = path[-1], float(np.linalg.norm(path[-1] - path[0]))
    beyond = (end - path[0]) * min(0.8, _LONGEST_FIBRE_PX / length)
    for _ in range(canvas.rng.integers(1, 4)):
        tip = end + _deflected(beyond, canvas.rng.normal(0, 0.6)) * canvas.rng.uniform(0.3, 1)
        canvas.paint(trace(canvas, np.stack([path[-3], end, tip]), 0.8), yarn, part=0)
    stump = canvas.cover(ribbon(path, np.linspace(0.75, 0.3, len(path)) * pitch_px))
    canvas.paint(stump, yarn, part=0, height=0.8 * stump.dome(0.3 * pitch_px))


def _deflected(direction: Float[np.ndarray, "2"], angle: float) -> Float[np.ndarray, "2"]:
    cosine, sine = np.cos(angle), np.sin(angle)
    x, y = direction
    return np.array([x * cosine - y * sine, x * sine + y * cosine])
