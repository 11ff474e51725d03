"""A clump of coloured fibre caught in the cloth, or a knot: 6 … 24 px across, bright or dark."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.benchmark.cloth.contrast import visible_color
from engine.benchmark.cloth.style import Cloth
from engine.benchmark.cloth.thing import Thing, trace
from engine.benchmark.scenes.canvas import Canvas
from engine.benchmark.scenes.layout import Pose
from engine.benchmark.scenes.outline import Path, blob, ellipse, place
from engine.benchmark.scenes.shading import Material

_COLORS = ("#f0ece2", "#e8e3d0", "#22242a", "#2c2018", "#a03030", "#2e5fa8", "#c8a032", "#33803f")


def fleck(rng: np.random.Generator, cloth: Cloth) -> Thing:
    """Draw a lumpy core with a few fibres that stick out of it."""
    size = float(rng.uniform(6, 24))
    color = visible_color(rng, _COLORS, cloth)
    core = blob(rng, 0.4 * size, 0.2) * (1.0, rng.uniform(0.6, 1.0))
    hairs = [_hair(rng, size) for _ in range(rng.integers(2, 7))]

    def paint(canvas: Canvas, part: int, pose: Pose) -> None:
        patch = canvas.cover(place(core, *pose), soft_px=0.3)
        canvas.cast_shadow(patch, 0.12 * size, 0.45)
        material = Material(color, mottle=0.18, mottle_px=1.5)
        for hair in hairs:
            wisp = trace(canvas, place(hair, *pose), 1.5)
            canvas.paint(replace(wisp, alpha=wisp.alpha * 0.85), material, part=part)
        canvas.paint(patch, material, part=part, height=0.6 * patch.dome(0.25 * size))

    return Thing(0.8 * core, ellipse(0.5 * size + 1.5, 0.5 * size + 1.5, 16), paint)


def _hair(rng: np.random.Generator, size: float) -> Path:
    """A fibre that starts in the core and bends."""
    reach = np.linspace(0.15, rng.uniform(0.4, 0.5), 8) * size
    angle = rng.uniform(0, 2 * np.pi) + np.linspace(0, rng.normal(0, 0.9), 8)
    return np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=1)
