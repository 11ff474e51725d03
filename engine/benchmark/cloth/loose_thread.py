"""A thread that lies on the cloth in curves: 3 … 5 px wide, 80 … 340 px long, with a shadow."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from engine.benchmark.cloth.contrast import visible_color
from engine.benchmark.cloth.style import Cloth
from engine.benchmark.cloth.thing import Thing, trace
from engine.benchmark.scenes.canvas import Canvas
from engine.benchmark.scenes.layout import Pose
from engine.benchmark.scenes.outline import Path, Points, place, ribbon
from engine.benchmark.scenes.shading import Material

_STEP_PX = 4.0  # along the path; also from one turn of the plies to the next
_COLORS = ("#ece7da", "#d8cdb4", "#23262e", "#4a2f25", "#8f2f35", "#274a86", "#7f8a92", "#3c6b45")


def loose_thread(rng: np.random.Generator, cloth: Cloth) -> Thing:
    """Draw a thread of a colour that shows; it may cross itself."""
    path = _wander(rng, float(rng.uniform(80, 340)))
    width = float(rng.choice([3.0, 3.5, 4.0, 4.5, 5.0]))
    color = visible_color(rng, _COLORS, cloth)

    def paint(canvas: Canvas, part: int, pose: Pose) -> None:
        placed = place(path, *pose)
        patch = trace(canvas, placed, width)
        canvas.cast_shadow(patch, 1.8, 0.5)
        material = Material(color, gloss=0.08, mottle=0.1, mottle_px=1.2)
        canvas.paint(patch, material, part=part, height=patch.dome(width / 2))
        canvas.glaze(canvas.cover(*_turns(placed, width)), 0.72)

    ends = path[0] - _tip(path[1] - path[0], width), path[-1] + _tip(path[-1] - path[-2], width)
    longer = np.concatenate([ends[:1], path, ends[1:]])
    return Thing(ribbon(path, width), ribbon(longer, width + 3), paint)


def _tip(step: Float[np.ndarray, "2"], width: float) -> Float[np.ndarray, "2"]:
    """How far the round end stands out."""
    return np.asarray(step / _STEP_PX * (width / 2 + 1))


def _wander(rng: np.random.Generator, length: float) -> Path:
    """A path about the origin whose direction drifts smoothly."""
    n = int(length / _STEP_PX) + 1
    drift = np.convolve(rng.normal(0, 1, n + 12), np.hanning(13) / 6, mode="valid")[:n]
    heading = np.cumsum(drift) * rng.uniform(0.1, 0.34) + rng.normal(0, 0.01) * np.arange(n)
    steps = _STEP_PX * np.stack([np.cos(heading), np.sin(heading)], axis=1)
    path = np.cumsum(steps, axis=0)
    return np.asarray(path - (path.min(axis=0) + path.max(axis=0)) / 2)


def _turns(path: Path, width: float) -> list[Points]:
    """Slanting grooves between the plies, all along the thread."""
    tangent = np.gradient(path, axis=0) / _STEP_PX
    aside = tangent[:, ::-1] * (-1, 1)
    slant = 0.32 * width * (aside + 0.7 * tangent)
    stations = np.arange(1, len(path) - 1)
    lines = [np.stack([path[i] - slant[i], path[i] + slant[i]]) for i in stations]
    return [ribbon(line, 0.9) for line in lines]
