"""Oranges and peaches, sound, rotten and peeled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.benchmark.scenes import texture
from engine.benchmark.scenes.canvas import SUPERSAMPLING, Canvas
from engine.benchmark.scenes.outline import Position, blob, place
from engine.benchmark.scenes.shading import Material, blend, linear

ORANGE_RADIUS, PEACH_RADIUS = 38.0, 41.0  # px

ORANGE_SKIN = Material("#e8811a", gloss=0.35, hardness=14, mottle=0.07, mottle_px=7)
PEACH_SKIN = Material("#e0a050", gloss=0.06, hardness=6, mottle=0.05, mottle_px=2)
CALYX = Material("#5c6b2a", mottle=0.2)


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
    pores = texture.cloud(rng, patch.alpha.shape, 4.5)
    dimple = 5 * np.exp(-(u**2 + v**2) / 40)
    height = patch.dome(radius) * 0.8 + 0.32 * pores - dimple
    albedo = blend("#ec8a1c", "#d96a10", 0.5 + 0.2 * texture.cloud(rng, patch.alpha.shape, 40))
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
    blush = 0.55 + 0.55 * u / radius + 0.22 * texture.fractal(rng, patch.alpha.shape, 30)
    streaks = 0.08 * texture.stretched(rng, patch.alpha.shape, 3, 12)
    seam = v - 0.36 * radius * (1 - (u / radius) ** 2)
    height = patch.dome(radius) * 0.8 - 4 * np.exp(-(seam**2) / 14)
    albedo = blend("#e8b552", "#a3242c", blush + streaks)
    canvas.paint(patch, PEACH_SKIN, part=part, height=height, albedo=albedo)


def rot(canvas: Canvas, kind: str, part: int, center: Position) -> None:
    """A brown, mouldy spot on a fruit."""
    rng = canvas.rng
    spot = center[0] + rng.uniform(-10, 10), center[1] + rng.uniform(-10, 10)
    patch = canvas.clip(canvas.cover(place(blob(rng, 21, 0.12), spot, 0)), [part])
    depth = patch.dome(21) / (21 * SUPERSAMPLING)
    canvas.glaze(patch, linear("#8a6a55") ** (0.35 + 0.8 * depth))
    mould = canvas.clip(canvas.cover(place(blob(rng, 11, 0.2), spot, 0)), [part])
    fluff = np.clip(0.45 + 0.35 * texture.fractal(rng, mould.alpha.shape, 6), 0, 0.85)
    fluff *= np.clip(mould.dome(9) / 8, 0, 1)
    canvas.paint(replace(mould, alpha=mould.alpha * fluff), Material("#b9c0a8"))
    canvas.mark(kind, patch)


def peel(canvas: Canvas, kind: str, part: int, center: Position) -> None:
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
    canvas.mark(kind, pith)
