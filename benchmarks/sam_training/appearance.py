"""Random appearance of a kind of thing: outline, colours and details."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from engine.synthetic.scenes.damage import stroke
from engine.synthetic.scenes.primitives import (
    Material,
    Points,
    blob,
    ellipse,
    polygon,
    rectangle,
    ribbon,
    tapered,
    turned,
)

SHAPES = ("disc", "box", "polygon", "blob", "drop", "turned", "capsule", "bar", "star", "snake")
PATTERNS = ("plain", "plain", "plain", "stripes", "halves", "rim", "clouds")
FULL = ("disc", "box", "polygon", "blob", "drop", "turned", "capsule")  # may have a hole
DETAILS = ("badge", "inset", "band", "pits", "hollow", "writing", "button")


@dataclass(frozen=True)
class Look:
    """How one kind of object is painted, again and again with small differences."""

    shape: str
    radius: float  # px
    aspect: float
    seed: int  # of the outline
    material: Material
    other_color: str
    pattern: str
    bevel: float  # share of the radius; 0: flat
    lift: float  # px above the ground
    hole: float  # share of the radius; 0: none
    details: tuple[str, ...]


def random_color(rng: np.random.Generator) -> str:
    """Any colour; greys, whites and browns are as frequent as they are in workshops."""
    hue, saturation, value = rng.random(), rng.beta(1.2, 1.2), rng.beta(1.6, 1.2)
    if rng.random() < 0.4:
        saturation *= 0.15
    channels = colorsys.hsv_to_rgb(hue, saturation, 0.06 + 0.94 * value)
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)


def random_material(rng: np.random.Generator) -> Material:
    """Anything from felt to steel."""
    is_shiny = rng.random() < 0.4
    return Material(
        random_color(rng),
        gloss=rng.uniform(0.1, 0.6) if is_shiny else 0.0,
        hardness=rng.uniform(8, 40),
        mirror=rng.uniform(0.2, 0.7) if rng.random() < 0.2 else 0.0,
        mottle=rng.choice([0.02, 0.06, 0.15, 0.3], p=[0.4, 0.3, 0.2, 0.1]),
        mottle_px=float(rng.choice([1, 2, 4, 8, 20])),
    )


def random_look(rng: np.random.Generator, side: int) -> Look:
    """Draw a kind of thing for a picture whose smaller side is ``side`` pixels."""
    shape = str(rng.choice(SHAPES))
    radius = float(np.exp(rng.uniform(np.log(7), np.log(0.32 * side))))
    n_details = int(rng.integers(0, 4)) if radius > 16 else 0
    has_hole = shape in FULL and radius > 10 and rng.random() < 0.25
    return Look(
        shape=shape,
        radius=radius,
        aspect=rng.uniform(0.45, 1.0),
        seed=int(rng.integers(1 << 30)),
        material=random_material(rng),
        other_color=random_color(rng),
        pattern=str(rng.choice(PATTERNS)),
        bevel=rng.uniform(0.1, 0.9) if rng.random() < 0.75 else 0.0,
        lift=rng.uniform(0, 0.2) * radius if rng.random() < 0.8 else 0.0,
        hole=rng.uniform(0.25, 0.65) if has_hole else 0.0,
        details=tuple(str(each) for each in rng.choice(DETAILS, n_details)),
    )


def outline_of(shape: str, radius: float, aspect: float, seed: int) -> Points:
    """An outline about the origin that reaches about ``radius``; ``seed`` fixes what is random."""
    rng = np.random.default_rng(seed)
    match shape:
        case "disc":
            return ellipse(radius, radius * max(aspect, 0.75))
        case "box":
            corner = rng.uniform(0, 0.5) * radius * aspect
            return rectangle(1.6 * radius, 1.6 * radius * aspect, corner)
        case "polygon":
            return polygon(radius, int(rng.integers(3, 9))) * (1, max(aspect, 0.7))
        case "blob":
            return blob(rng, radius, rng.uniform(0.03, 0.3)) * (1, aspect)
        case "drop":
            points = ellipse(radius, radius * aspect)
            points[:, 1] *= 1 - rng.uniform(0.2, 0.7) * points[:, 0] / radius
            return points
        case "turned":
            along = np.linspace(-radius, radius, 7)
            return turned(along, radius * aspect * rng.uniform(0.3, 0.8, 7))
        case "capsule":
            return rectangle(2 * radius, 0.9 * radius * aspect, 0.4 * radius * aspect)
        case "bar":
            return rectangle(2 * radius, max(0.3 * radius * aspect, 4))
        case "star":
            spikes = int(rng.integers(4, 9))
            points = ellipse(radius, radius, 2 * spikes)
            points[::2] *= rng.uniform(0.4, 0.75)
            return points
        case _:
            return _snake(rng, radius, aspect)


def _snake(rng: np.random.Generator, radius: float, aspect: float) -> Points:
    """A crooked band, sometimes pointed."""
    path = stroke(rng, (0.0, 0.0), 2 * radius, 0.25 * radius)
    width = max(0.35 * radius * aspect, 5)
    return ribbon(path, width) if rng.random() < 0.6 else tapered(path, 1.6 * width)
