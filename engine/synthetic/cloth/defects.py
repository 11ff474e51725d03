"""Loose defects on cloth: contamination, flecks and loose threads.

- *Contamination*: dirt, oil or dye that soaked into the cloth, dark or tinted, with a soft,
  irregular border. The weave shows through. The truth is where at least ``TRUE_SHARE`` of the full
  change is reached.
- *Fleck*: a clump of coloured fibre caught in the cloth, or a knot: 6 … 24 px across, bright or
  dark.
- *Loose thread*: lies on the cloth in curves, 3 … 5 px wide, 80 … 340 px long, with a shadow.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Float32

from engine.synthetic.cloth.camera import visible_color
from engine.synthetic.cloth.placement import LooseItem, trace
from engine.synthetic.cloth.weave import Cloth
from engine.synthetic.scenes import primitives
from engine.synthetic.scenes.canvas import SUPERSAMPLING, Canvas
from engine.synthetic.scenes.primitives import (
    Field,
    Material,
    Path,
    Points,
    Pose,
    blob,
    ellipse,
    linear,
    place,
    ribbon,
)

TRUE_SHARE = 0.35
MIN_DARKENING = 0.1  # in full, of 0 … 1 on the display, in the channel that changes most
# Machine oil, rust, mud, coffee, grease, dye; in full they leave this share of the display level.
_TINTS = ("#c9bd8f", "#c88f63", "#9c8e7c", "#a98563", "#a9a9a4", "#9aa3c4", "#c79aa4")

_FLECK_COLORS = (
    "#f0ece2",
    "#e8e3d0",
    "#22242a",
    "#2c2018",
    "#a03030",
    "#2e5fa8",
    "#c8a032",
    "#33803f",
)

_STEP_PX = 4.0  # along the path; also from one turn of the plies to the next
_THREAD_COLORS = (
    "#ece7da",
    "#d8cdb4",
    "#23262e",
    "#4a2f25",
    "#8f2f35",
    "#274a86",
    "#7f8a92",
    "#3c6b45",
)


def contamination(rng: np.random.Generator, cloth: Cloth) -> LooseItem:
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

    return LooseItem(outline * 0.7, outline * 1.3, paint)


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
    along_warp = primitives.stretched(rng, shape, 0.8 * cell, 0.12 * cell)
    along_weft = primitives.stretched(rng, shape, 0.12 * cell, 0.8 * cell)
    return np.asarray(primitives.cloud(rng, shape, 0.9 * cell) + 0.5 * (along_warp + along_weft))


def fleck(rng: np.random.Generator, cloth: Cloth) -> LooseItem:
    """Draw a lumpy core with a few fibres that stick out of it."""
    size = float(rng.uniform(6, 24))
    color = visible_color(rng, _FLECK_COLORS, cloth)
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

    return LooseItem(0.8 * core, ellipse(0.5 * size + 1.5, 0.5 * size + 1.5, 16), paint)


def _hair(rng: np.random.Generator, size: float) -> Path:
    """A fibre that starts in the core and bends."""
    reach = np.linspace(0.15, rng.uniform(0.4, 0.5), 8) * size
    angle = rng.uniform(0, 2 * np.pi) + np.linspace(0, rng.normal(0, 0.9), 8)
    return np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=1)


def loose_thread(rng: np.random.Generator, cloth: Cloth) -> LooseItem:
    """Draw a thread of a colour that shows; it may cross itself."""
    path = _wander(rng, float(rng.uniform(80, 340)))
    width = float(rng.choice([3.0, 3.5, 4.0, 4.5, 5.0]))
    color = visible_color(rng, _THREAD_COLORS, cloth)

    def paint(canvas: Canvas, part: int, pose: Pose) -> None:
        placed = place(path, *pose)
        patch = trace(canvas, placed, width)
        canvas.cast_shadow(patch, 1.8, 0.5)
        material = Material(color, gloss=0.08, mottle=0.1, mottle_px=1.2)
        canvas.paint(patch, material, part=part, height=patch.dome(width / 2))
        canvas.glaze(canvas.cover(*_turns(placed, width)), 0.72)

    ends = path[0] - _tip(path[1] - path[0], width), path[-1] + _tip(path[-1] - path[-2], width)
    longer = np.concatenate([ends[:1], path, ends[1:]])
    return LooseItem(ribbon(path, width), ribbon(longer, width + 3), paint)


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
