"""Food of a meal box: oranges and peaches, cereal, banana chips, almonds.

The dry food is heaped; fruit is sound, rotten or peeled.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from engine.synthetic.scenes import primitives
from engine.synthetic.scenes.canvas import SUPERSAMPLING, Canvas, Patch
from engine.synthetic.scenes.primitives import (
    Material,
    Position,
    blend,
    blob,
    ellipse,
    linear,
    place,
)

FLAKES = Material("#c08a45", gloss=0.05, hardness=8, mottle=0.12, mottle_px=1.5)
BANANA = Material("#e3c886", gloss=0.1, hardness=10, mottle=0.06, mottle_px=2)
ALMOND_SKIN = Material("#8a5230", gloss=0.12, hardness=10, mottle=0.1, mottle_px=1.5)

ORANGE_RADIUS, PEACH_RADIUS = 38.0, 41.0  # px

ORANGE_SKIN = Material("#e8811a", gloss=0.35, hardness=14, mottle=0.07, mottle_px=7)
PEACH_SKIN = Material("#e0a050", gloss=0.06, hardness=6, mottle=0.05, mottle_px=2)
CALYX = Material("#5c6b2a", mottle=0.2)


# Dry food


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


# Fruit


def paint_orange(canvas: Canvas, part: int, center: Position, angle: float) -> None:
    """A sphere with pores and a green calyx somewhere on top."""
    rng = canvas.rng
    radius = ORANGE_RADIUS * rng.uniform(0.96, 1.0)
    patch = canvas.cover(place(blob(rng, radius, 0.012), center, angle))
    canvas.cast_shadow(patch, 11, 0.6)
    canvas.cast_shadow(patch, 3, 0.4)
    tilt = np.array([[rng.uniform(0, 0.55) * radius, 0.0]])
    x, y = place(tilt, center, angle)[0]
    stalk = float(x), float(y)
    u, v = patch.frame(stalk, 0)
    pores = primitives.cloud(rng, patch.alpha.shape, 4.5)
    dimple = 5 * np.exp(-(u**2 + v**2) / 40)
    height = patch.dome(radius) * 0.8 + 0.32 * pores - dimple
    albedo = blend("#ec8a1c", "#d96a10", 0.5 + 0.2 * primitives.cloud(rng, patch.alpha.shape, 40))
    canvas.paint(patch, ORANGE_SKIN, part=part, height=height, albedo=albedo)
    calyx = canvas.cover(place(blob(rng, 3.6, 0.25, 10), stalk, 0))
    canvas.paint(calyx, CALYX, height=calyx.dome(2))


def paint_peach(canvas: Canvas, part: int, center: Position, angle: float) -> None:
    """A sphere with velvet skin, a red cheek and a seam."""
    rng = canvas.rng
    radius = PEACH_RADIUS * rng.uniform(0.96, 1.0)
    patch = canvas.cover(place(blob(rng, radius, 0.02), center, angle))
    canvas.cast_shadow(patch, 11, 0.6)
    canvas.cast_shadow(patch, 3, 0.4)
    u, v = patch.frame(center, angle)
    blush = 0.55 + 0.55 * u / radius + 0.22 * primitives.fractal(rng, patch.alpha.shape, 30)
    streaks = 0.08 * primitives.stretched(rng, patch.alpha.shape, 3, 12)
    seam = v - 0.36 * radius * (1 - (u / radius) ** 2)
    height = patch.dome(radius) * 0.8 - 4 * np.exp(-(seam**2) / 14)
    albedo = blend("#e8b552", "#a3242c", blush + streaks)
    canvas.paint(patch, PEACH_SKIN, part=part, height=height, albedo=albedo)


def rot(canvas: Canvas, anomaly_type: str, part: int, center: Position) -> None:
    """A brown, mouldy spot on a fruit."""
    rng = canvas.rng
    spot = center[0] + rng.uniform(-10, 10), center[1] + rng.uniform(-10, 10)
    patch = canvas.clip(canvas.cover(place(blob(rng, 21, 0.12), spot, 0)), [part])
    depth = patch.dome(21) / (21 * SUPERSAMPLING)
    canvas.glaze(patch, linear("#8a6a55") ** (0.35 + 0.8 * depth))
    mould = canvas.clip(canvas.cover(place(blob(rng, 11, 0.2), spot, 0)), [part])
    fluff = np.clip(0.45 + 0.35 * primitives.fractal(rng, mould.alpha.shape, 6), 0, 0.85)
    fluff *= np.clip(mould.dome(9) / 8, 0, 1)
    canvas.paint(replace(mould, alpha=mould.alpha * fluff), Material("#b9c0a8"))
    canvas.mark(anomaly_type, patch)


def peel(canvas: Canvas, anomaly_type: str, part: int, center: Position) -> None:
    """A piece of peel torn off an orange: white pith around bare segments."""
    rng = canvas.rng
    spot = center[0] + rng.uniform(-8, 8), center[1] + rng.uniform(-8, 8)
    outline = blob(rng, 21, 0.16)
    pith = canvas.clip(canvas.cover(place(outline, spot, 0)), [part])
    canvas.sink(pith, 4)
    canvas.paint(pith, Material("#f0e3c4", mottle=0.06), height=pith.dome(-3))
    flesh = canvas.clip(canvas.cover(place(0.78 * outline, spot, 0)), [part])
    u, v = flesh.frame(spot, 0)
    fibres = 0.5 + 0.5 * np.cos(5 * np.arctan2(v - 30, u))
    albedo = blend("#e9902e", "#f6bd6a", fibres**4)
    canvas.paint(flesh, Material("#e9902e", gloss=0.4), height=flesh.dome(5), albedo=albedo)
    canvas.mark(anomaly_type, pith)
