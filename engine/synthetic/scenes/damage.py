"""Damage of any product: scratches, cracks, stains and foreign bodies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.synthetic.scenes.canvas import SUPERSAMPLING, Canvas
from engine.synthetic.scenes.primitives import (
    Material,
    Points,
    Position,
    bezier,
    blob,
    linear,
    place,
    ribbon,
)

LINT = Material("#3d4f8f", mottle=0.15)
CHIP = Material("#2f7d4f", gloss=0.5, mottle=0.1)


def stroke(rng: np.random.Generator, center_xy: Position, length: float, jag: float) -> Points:
    """A line through ``center_xy`` in a random direction that strays by ``jag`` pixels."""
    along = np.linspace(-length / 2, length / 2, 12)
    across = np.cumsum(rng.normal(0, jag, len(along)))
    points = np.stack([along, across - across.mean()], axis=1)
    return place(points, center_xy, rng.uniform(0, 180))


def scratch(
    canvas: Canvas, anomaly_type: str, center_xy: Position, length: float, parts: Sequence[int]
) -> None:
    """Score a surface: a bright groove with a dark edge, on the given parts only."""
    path = stroke(canvas.rng, center_xy, length, 0.8)
    groove = canvas.clip(canvas.cover(ribbon(path + 0.9, 2.2)), parts)
    canvas.glaze(groove, 0.3)
    ridge = canvas.clip(canvas.cover(ribbon(path, 1.6)), parts)
    canvas.paint(ridge, Material("#f4f4f0", mottle=0.2), opacity=0.9)
    canvas.mark(anomaly_type, canvas.cover(ribbon(path + 0.4, 4)), parts)


def crack(
    canvas: Canvas, anomaly_type: str, center_xy: Position, length: float, parts: Sequence[int]
) -> None:
    """Break a brittle surface: a jagged dark line with a side branch."""
    path = stroke(canvas.rng, center_xy, length, 2.6)
    branch = stroke(canvas.rng, (path[5, 0], path[5, 1]), 0.55 * length, 2.0)
    lines = [ribbon(path, 2.4), ribbon(branch[5:], 1.8)]
    for line in lines:
        fissure = canvas.clip(canvas.cover(line), parts)
        canvas.glaze(fissure, 0.1)
        canvas.glow(canvas.clip(canvas.cover(line - 1.3), parts), 0.18)
    canvas.mark(anomaly_type, canvas.cover(ribbon(path, 4), ribbon(branch[5:], 3)), parts)


def stain(
    canvas: Canvas,
    anomaly_type: str,
    center_xy: Position,
    radius: float,
    color: str = "#6b4423",
    parts: Sequence[int] | None = None,
) -> None:
    """Soil a surface with something brown that dried darker at the rim."""
    patch = canvas.cover(place(blob(canvas.rng, radius, 0.16), center_xy, 0))
    patch = patch if parts is None else canvas.clip(patch, parts)
    rim = np.exp(-patch.dome(radius) / (0.3 * radius * SUPERSAMPLING))
    canvas.glaze(patch, linear(color) ** (0.75 + 0.6 * rim))
    canvas.mark(anomaly_type, patch)


def foreign_chip(
    canvas: Canvas, anomaly_type: str, class_id: int, center_xy: Position, size: float
) -> None:
    """Drop a splinter of green plastic."""
    part = canvas.new_part(class_id)
    outline = blob(canvas.rng, size, 0.3, n_points=7) * (1.3, 0.8)
    patch = canvas.cover(place(outline, center_xy, canvas.rng.uniform(0, 360)))
    canvas.cast_shadow(patch, 3)
    canvas.paint(patch, CHIP, part=part, height=patch.dome(2.5))
    canvas.mark_parts(anomaly_type, [part])


def foreign_thread(
    canvas: Canvas, anomaly_type: str, class_id: int, center_xy: Position, length: float
) -> None:
    """Drop a curled blue thread."""
    part, reach = canvas.new_part(class_id), length / 2
    ends = canvas.rng.uniform(-reach, reach, (2, 2)) + np.asarray(center_xy)
    (x, y), ((x1, y1), (x2, y2)) = center_xy, ends
    path = bezier((x - reach, y), (x1, y1), (x2, y2), (x + reach, y))
    patch = canvas.cover(ribbon(path, 3.2))
    canvas.cast_shadow(patch, 2)
    canvas.paint(patch, LINT, part=part, height=patch.dome(1.6))
    canvas.mark_parts(anomaly_type, [part])
