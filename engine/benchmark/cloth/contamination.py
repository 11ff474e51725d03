"""Dirt, oil or dye that soaked into the cloth: dark or tinted, with a soft, irregular border.

The weave shows through. The truth is where at least ``TRUE_SHARE`` of the full change is reached.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from engine.benchmark.cloth.style import Cloth
from engine.benchmark.cloth.thing import Thing
from engine.benchmark.scenes import texture
from engine.benchmark.scenes.canvas import SUPERSAMPLING, Canvas
from engine.benchmark.scenes.layout import Pose
from engine.benchmark.scenes.outline import blob, place
from engine.benchmark.scenes.shading import Field, linear

TRUE_SHARE = 0.35
MIN_DARKENING = 0.1  # in full, of 0 … 1 on the display, in the channel that changes most
# Machine oil, rust, mud, coffee, grease, dye; in full they leave this share of the display level.
_TINTS = ("#c9bd8f", "#c88f63", "#9c8e7c", "#a98563", "#a9a9a4", "#9aa3c4", "#c79aa4")


def contamination(rng: np.random.Generator, cloth: Cloth) -> Thing:
    """Draw a stain of 14 … 70 px radius."""
    radius = float(np.exp(rng.uniform(np.log(14), np.log(70))))
    stretch = rng.uniform(0.65, 1.0)
    outline = blob(rng, radius, 0.22) * (1.0, stretch)
    tint = _visible_tint(rng, cloth)
    rim, softness = float(rng.uniform(0, 0.3)), float(rng.uniform(0.07, 0.18))

    def paint(canvas: Canvas, part: int, pose: Pose) -> None:
        patch = canvas.cover(place(outline * 0.88, *pose), soft_px=softness * radius)
        edge = 4 * patch.alpha * (1 - patch.alpha)  # 1 at the border, 0 within
        soaked = patch.alpha + 0.16 * edge * _wicking(canvas.rng, patch.alpha.shape, radius)
        soaked = np.clip(soaked, 0, 1)
        soaked *= 1 - rim * (1 - edge)  # what dried is darkest at the rim
        stain = replace(patch, alpha=soaked.astype(np.float32))
        canvas.glaze(stain, tint)
        canvas.parts[stain.window][soaked > TRUE_SHARE] = part

    return Thing(outline * 0.7, outline * 1.3, paint)


def _visible_tint(rng: np.random.Generator, cloth: Cloth) -> Float32[np.ndarray, "3 1 1"]:
    """Draw what a stain leaves of the light; on dark cloth only a strong one is seen."""
    ground = np.sqrt((linear(cloth.warp_color) + linear(cloth.weft_color)) / 2)
    tint = linear(_TINTS[rng.integers(len(_TINTS))])
    strength = np.float32(rng.uniform(0.65, 1.15))
    while (ground * (1 - np.sqrt(tint**strength))).max() < MIN_DARKENING:
        strength *= np.float32(1.2)
    return np.asarray(tint**strength)


def _wicking(rng: np.random.Generator, shape: tuple[int, int], radius: float) -> Field:
    """How far the yarns, of either direction, drew the liquid beyond the border or did not."""
    cell = radius * SUPERSAMPLING
    along_warp = texture.stretched(rng, shape, 0.8 * cell, 0.12 * cell)
    along_weft = texture.stretched(rng, shape, 0.12 * cell, 0.8 * cell)
    return np.asarray(texture.cloud(rng, shape, 0.9 * cell) + 0.5 * (along_warp + along_weft))
