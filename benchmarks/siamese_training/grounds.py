"""Grounds that regions lie on: cloth, wood, metal, paper, photographs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from sam_training.appearance import random_color

from engine.synthetic.scenes import primitives
from engine.synthetic.scenes.canvas import Canvas

GRAINS = (
    "weave",
    "weave",
    "fractal",
    "cloud",
    "wood",
    "brushed",
    "stripes",
    "photograph",
    "photograph",
)


@dataclass(frozen=True)
class Ground:
    """How a ground is painted, again and again; ``angle_deg`` turns its grain."""

    grain: str
    color: str
    strength: float
    pitch_px: float
    angle_deg: float
    photograph: np.ndarray | None


def random_ground(rng: np.random.Generator, photographs: Sequence[np.ndarray]) -> Ground:
    """Draw a ground; without photographs one with a woven grain takes their place."""
    grain = str(rng.choice(GRAINS))
    if grain == "photograph" and not photographs:
        grain = "weave"
    return Ground(
        grain=grain,
        color=random_color(rng),
        strength=float(rng.choice([0.02, 0.05, 0.1, 0.2])),
        pitch_px=float(np.exp(rng.uniform(np.log(2.5), np.log(14)))),
        angle_deg=rng.uniform(0, 180),
        photograph=photographs[rng.integers(len(photographs))] if grain == "photograph" else None,
    )


def paint_ground(canvas: Canvas, ground: Ground) -> None:
    """Cover the whole canvas, with light that falls off across it."""
    rng, shape = canvas.rng, (canvas.height, canvas.width)
    y, x = np.indices(shape, dtype=np.float32) / max(shape) - 0.5
    slope_x, slope_y = rng.normal(0, 0.15, 2)
    light = slope_x * x + slope_y * y
    if ground.photograph is not None:
        _fill_with(canvas, ground.photograph, 1 + light)
        return
    side = int(1.5 * max(shape))
    grain = _grain(rng, ground, (side, side))
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), ground.angle_deg, 1.0)
    turn[:, 2] -= np.subtract(side, shape[::-1]) / 2
    turned = cv2.warpAffine(grain, turn, shape[::-1], borderMode=cv2.BORDER_REFLECT)
    canvas.fill(ground.color, ground.strength * turned + light)


def _grain(rng: np.random.Generator, ground: Ground, shape: tuple[int, int]) -> np.ndarray:
    match ground.grain:
        case "weave":
            return primitives.weave(rng, shape, ground.pitch_px)
        case "fractal":
            return primitives.fractal(rng, shape, 4 * ground.pitch_px)
        case "wood":
            return primitives.wood(rng, shape)
        case "brushed":
            return primitives.stretched(rng, shape, ground.pitch_px / 3, 10 * ground.pitch_px)
        case "stripes":
            phase = np.indices(shape, dtype=np.float32)[1] / ground.pitch_px
            return np.sign(np.sin(phase)) + 0.3 * primitives.cloud(rng, shape, 1.0)
        case _:
            return primitives.cloud(rng, shape, max(ground.pitch_px / 2, 1.0))


def _fill_with(canvas: Canvas, photograph: np.ndarray, light: np.ndarray) -> None:
    """Lay a cut of a photograph under everything, soft where it is enlarged, as lenses are."""
    rng, (height, width) = canvas.rng, photograph.shape[:2]
    side = int(rng.uniform(0.5, 1.0) * min(height, width))
    top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
    piece = photograph[top : top + side, left : left + side].astype(np.float32) / 255
    size = canvas.shape[::-1]
    piece = cv2.resize(piece**2, size, interpolation=cv2.INTER_CUBIC)
    bright = cv2.resize(light, size, interpolation=cv2.INTER_LINEAR)
    canvas.rgb[:] = np.clip(piece * bright[..., None], 0.002, 1).transpose(2, 0, 1)
