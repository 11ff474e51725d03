"""Cereal flakes, banana chips and almonds, heaped."""

from __future__ import annotations

import cv2
import numpy as np

from engine.benchmark.scenes.canvas import SUPERSAMPLING, Canvas, Patch
from engine.benchmark.scenes.outline import Position, blob, ellipse, place
from engine.benchmark.scenes.shading import Material, blend

FLAKES = Material("#c08a45", gloss=0.05, hardness=8, mottle=0.12, mottle_px=1.5)
BANANA = Material("#e3c886", gloss=0.1, hardness=10, mottle=0.06, mottle_px=2)
ALMOND_SKIN = Material("#8a5230", gloss=0.12, hardness=10, mottle=0.1, mottle_px=1.5)


def pile_flakes(canvas: Canvas, floor: Patch, part: int) -> None:
    """Heap flakes over a floor: curled plates, later ones on top, one relief for the heap."""
    rng, shape = canvas.rng, floor.alpha.shape
    tone, height = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    cuts = [
        blob(rng, rng.uniform(7, 12), 0.22, n_points=11) * (1.0, rng.uniform(0.6, 1.0))
        for _ in range(24)
    ]
    n_flakes = int(floor.alpha.sum() / SUPERSAMPLING**2 / 70)  # one per 70 px: about two layers
    centers = rng.uniform(0, 1, (n_flakes, 2)) * shape[::-1]
    levels = np.linspace(0, 9, n_flakes) + rng.uniform(0, 3, n_flakes)
    for center, level in zip(centers, levels, strict=True):
        cut = cuts[int(rng.integers(len(cuts)))]
        flake = place(cut, (0, 0), rng.uniform(0, 360)) * SUPERSAMPLING
        rim, bowl = ((flake * size + center).astype(np.int32) for size in (1.0, 0.6))
        cv2.fillPoly(tone, [rim + 3], 0.0)  # its shadow
        cv2.fillPoly(tone, [rim], float(rng.uniform(0.45, 1.0)))
        cv2.fillPoly(height, [rim], float(level))
        cv2.fillPoly(height, [bowl], float(level - rng.uniform(1, 3)))
    height = cv2.GaussianBlur(height, (0, 0), 1.6) * 1.6
    albedo = blend("#4a2d10", "#e0a850", cv2.blur(tone, (3, 3)))
    canvas.paint(floor, FLAKES, part=part, height=height, albedo=albedo)


def paint_banana_chip(canvas: Canvas, part: int, center: Position) -> None:
    """A dried slice of banana with a darker rim and three chambers in the middle."""
    rng = canvas.rng
    radius = rng.uniform(15, 18.5)
    patch = canvas.cover(place(blob(rng, radius, 0.06, 20), center, 0))
    canvas.cast_shadow(patch, 2.5, 0.5)
    along, across = patch.frame(center, rng.uniform(0, 360))
    r = np.hypot(along, across) / radius
    chambers = 0.12 * np.cos(3 * np.arctan2(across, along)) * (r < 0.5) + 0.35 * (r < 0.33)
    albedo = blend("#ecd9a0", "#b98f45", 0.9 * r**6 + chambers)
    canvas.paint(patch, BANANA, part=part, height=patch.dome(3.5), albedo=albedo)


def paint_almond(canvas: Canvas, part: int, center: Position) -> None:
    """A drop-shaped kernel with furrowed skin."""
    rng = canvas.rng
    angle, length = rng.uniform(0, 360), rng.uniform(14, 17)
    outline = ellipse(length, rng.uniform(8.5, 10), 24)
    outline[:, 1] *= 1 - 0.3 * outline[:, 0] / length
    patch = canvas.cover(place(outline, center, angle))
    canvas.cast_shadow(patch, 3, 0.5)
    along, across = patch.frame(center, angle)
    furrows = 0.5 + 0.35 * np.sin(across * 2.2 + 0.5 * np.sin(along * 0.4))
    albedo = blend("#6f3d1e", "#a8683a", furrows)
    canvas.paint(patch, ALMOND_SKIN, part=part, height=patch.dome(8), albedo=albedo)
