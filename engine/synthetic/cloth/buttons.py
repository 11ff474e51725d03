"""Buttons of four designs: harmless, but new.

Holes open to the cloth belong to the cloth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from engine.synthetic.cloth.placement import LooseItem
from engine.synthetic.scenes.canvas import Canvas
from engine.synthetic.scenes.primitives import (
    Material,
    Points,
    Pose,
    ellipse,
    move,
    place,
    rectangle,
)

_SPREAD = 0.08  # of the scale, either way
_LIFT_PX = 4.0  # of the upper side above the cloth


@dataclass(frozen=True)
class Design:
    """A model of button, at scale 1 and in image pixels.

    Layers lie on each other: outline, material, bevel (px; negative: hollow).
    """

    outline: Points
    holes: tuple[Points, ...]
    layers: tuple[tuple[Points, Material, float], ...]


def _two_holes() -> Design:
    body = ellipse(36, 36, 72)
    pearl = Material("#ded6c6", gloss=0.55, hardness=30, mottle=0.06, mottle_px=12)
    holes = tuple(move(ellipse(5.2, 5.2, 24), x, 0) for x in (-9, 9))
    return Design(body, holes, ((body, pearl, 7), (ellipse(21, 21, 48), pearl, -4)))


def _four_holes() -> Design:
    body = ellipse(42, 42, 72)
    horn = Material("#4a2d1c", gloss=0.4, hardness=45, mottle=0.22, mottle_px=9)
    holes = tuple(move(ellipse(4.6, 4.6, 24), x, y) for x in (-8, 8) for y in (-8, 8))
    return Design(body, holes, ((body, horn, 5), (ellipse(30, 30, 60), horn, -5)))


def _shank() -> Design:
    body = ellipse(31, 31, 72)
    brass = Material("#b58a3e", gloss=0.5, hardness=40, mirror=0.75, mottle=0.05)
    layers = (
        (body, brass, 6.0),
        (ellipse(25, 25, 60), brass, -2.0),
        (ellipse(21, 21, 60), brass, 14.0),
    )
    return Design(body, (), layers)


def _toggle() -> Design:
    angle = np.linspace(0, np.pi, 30)
    top = np.stack([-52 * np.cos(angle), -17 * np.sin(angle) ** 0.55], axis=1)
    body = np.concatenate([top, -top])
    wood = Material("#9a6a3a", gloss=0.2, hardness=20, mottle=0.16, mottle_px=5)
    groove = rectangle(40, 9, 4)
    holes = tuple(move(ellipse(3.8, 3.8, 24), x, 0) for x in (-13, 13))
    return Design(body, holes, ((body, wood, 15), (groove, wood, -3)))


_DESIGNS: dict[str, Callable[[], Design]] = {
    "four_holes": _four_holes,
    "shank": _shank,
    "toggle": _toggle,
    "two_holes": _two_holes,
}
BUTTONS = tuple(f"button-{name}" for name in _DESIGNS)


def button(rng: np.random.Generator, name: str) -> LooseItem:
    """Take a button of one design: size ±8 %, colour a little off, turned by the placement."""
    design = _DESIGNS[name.removeprefix("button-")]()
    scale = float(rng.uniform(1 - _SPREAD, 1 + _SPREAD))
    dye = rng.normal(1, 0.03) * rng.normal(1, 0.015, 3)

    def paint(canvas: Canvas, part: int, pose: Pose) -> None:
        holes = [place(hole * scale, *pose) for hole in design.holes]
        body = canvas.cover(place(design.outline * scale, *pose), *holes)
        canvas.cast_shadow(body, _LIFT_PX, 0.6)
        for outline, material, bevel in design.layers:
            patch = canvas.cover(place(outline * scale, *pose), *holes)
            dyed = replace(material, color=_dyed(material.color, dye))
            solid = canvas.cover(place(outline * scale, *pose)).dome(bevel * scale)
            canvas.paint(patch, dyed, part=part, height=solid)
        for hole in holes:
            canvas.sink(canvas.cover(hole), _LIFT_PX, 0.75)

    return LooseItem(design.outline * scale, design.outline * (scale * 1.02), paint)


def _dyed(color: str, gain: np.ndarray) -> str:
    channels = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    scaled = np.clip(np.round(np.array(channels) * gain), 0, 255).astype(int)
    return "#" + "".join(f"{value:02x}" for value in scaled)
