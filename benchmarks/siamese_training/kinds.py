"""Kinds of regions: designs that repeat, and processes with similar marks.

A design (a button, a label) has one outline and look. A process (a spill, a tear, a pulled thread)
has a manner: outline, size and strength of its marks vary as widely as they do on a product.
Nothing is meant: all is drawn at random, so that a network learns what makes things alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from sam_training.appearance import Look, random_color, random_look, random_material
from sam_training.pieces import NO_PARENT, Sheet
from sam_training.things import Pose, cover, paint_thing

from engine.synthetic.scenes import primitives
from engine.synthetic.scenes.canvas import Canvas, Patch
from engine.synthetic.scenes.damage import stroke
from engine.synthetic.scenes.primitives import (
    Material,
    Points,
    Position,
    bezier,
    blob,
    linear,
    place,
    rectangle,
    ribbon,
    tapered,
)

FORMS = (
    *("blob", "blob", "patch", "streak", "streak", "line"),
    *("thread", "bundle", "specks", "ring"),
)
FINISHES = ("painted", "soaked", "soaked", "lit", "sunken", "raised", "pulled")
MIN_RADIUS_PX, MAX_RADIUS_PX = 3.5, 90.0


@dataclass(frozen=True)
class Kind:
    """One kind of region. ``look`` makes it a design, else ``form`` and ``finish`` a process.

    A mark reaches ``radius`` times up to ``size_spread``; ``strength`` times up to
    ``strength_spread``, either way.
    """

    look: Look | None
    form: str
    finish: str
    radius: float
    size_spread: float
    thickness: float  # of lines, px
    wobble: float
    color: str
    strength: float
    strength_spread: float
    softness: float  # share of the radius or thickness
    material: Material


def random_kind(rng: np.random.Generator) -> Kind:
    """Draw a kind; small ones are as frequent as large ones."""
    radius = float(np.exp(rng.uniform(np.log(MIN_RADIUS_PX), np.log(MAX_RADIUS_PX))))
    look = replace(random_look(rng, 200), radius=min(radius, 45)) if rng.random() < 0.4 else None
    return Kind(
        look=look,
        form=str(rng.choice(FORMS)),
        finish=str(rng.choice(FINISHES)),
        radius=radius,
        size_spread=1.15 if look else float(rng.choice([1.25, 1.7, 2.6])),
        thickness=float(np.exp(rng.uniform(np.log(1.3), np.log(7)))),
        wobble=rng.uniform(0.03, 0.3),
        color=random_color(rng),
        strength=rng.uniform(0.2, 1.0),
        strength_spread=float(rng.choice([1.1, 1.5])),
        softness=float(rng.choice([0.0, 0.1, 0.35])),
        material=random_material(rng),
    )


def similar_kind(rng: np.random.Generator, kind: Kind) -> Kind:
    """Draw a kind that differs from another in one or two respects: the hardest to tell apart."""
    other = random_kind(rng)
    names = ["form", "finish", "color", "radius", "thickness", "material", "softness"]
    if kind.look is not None:
        look, strange = kind.look, random_look(rng, 200)
        if rng.random() < 0.5:
            look = replace(look, other_color=strange.other_color, material=strange.material)
        else:
            look = replace(look, shape=strange.shape, seed=strange.seed, hole=strange.hole)
        return replace(kind, look=look)
    chosen = rng.choice(names, int(rng.integers(1, 3)), replace=False)
    return replace(kind, **{str(name): getattr(other, name) for name in chosen})


def paint(sheet: Sheet, kind: Kind, center_xy: Position, radius: float) -> None:
    """Lay one region of this kind; its pixels become parts of the canvas."""
    angle = sheet.canvas.rng.uniform(0, 360)
    if kind.look is not None:
        pose, look = Pose(center_xy, angle, radius), replace(kind.look, radius=radius)
        rng, sheet.canvas.rng = sheet.canvas.rng, np.random.default_rng(look.seed)
        paint_thing(sheet, look, pose, cover(sheet.canvas, look, pose), NO_PARENT)
        sheet.canvas.rng = rng
        return
    outlines = _outlines(sheet.canvas.rng, kind, radius)
    _paint_mark(sheet, kind, [place(each, center_xy, angle) for each in outlines])


def _outlines(rng: np.random.Generator, kind: Kind, radius: float) -> list[Points]:
    """Outlines of one mark about the origin."""
    width = kind.thickness * rng.uniform(0.8, 1.25)
    match kind.form:
        case "blob":
            return [blob(rng, radius, kind.wobble) * (1, rng.uniform(0.6, 1))]
        case "patch":
            return [rectangle(2 * radius, radius * rng.uniform(0.8, 2), 0.2 * radius)]
        case "streak":
            path = stroke(rng, (0.0, 0.0), 2 * radius, kind.wobble * radius / 6)
            return [tapered(path, 1.5 * width) if kind.softness else ribbon(path, width)]
        case "line":
            return [rectangle(5 * radius, width)]
        case "thread":
            x, y, x1, y1 = rng.uniform(-radius, radius, 4)
            return [ribbon(bezier((-radius, 0), (x, y), (x1, y1), (radius, 0)), width)]
        case "bundle":
            n_strands = int(rng.integers(3, 7))
            return [_strand(rng, radius, 0.7 * width) for _ in range(n_strands)]
        case "specks":
            places = rng.normal(0, radius / 2, (int(rng.integers(4, 12)), 2))
            return [blob(rng, max(0.6 * width, 1.2), 0.2, 12) + each for each in places]
        case _:
            outer = blob(rng, radius, kind.wobble)
            return [outer, outer * max(1 - width / radius, 0.2)]


def _strand(rng: np.random.Generator, radius: float, width: float) -> Points:
    """A thin line along x, somewhere among its like."""
    along = np.linspace(-1, 1, 12) * radius * rng.uniform(0.4, 1)
    across = np.cumsum(rng.normal(0, 0.3, len(along)))
    shift = rng.normal(0, radius / 4), rng.normal(0, 2 * width)
    return tapered(np.stack([along, across - across.mean()], axis=1) + shift, width)


def _paint_mark(sheet: Sheet, kind: Kind, outlines: list[Points]) -> None:
    canvas, rng = sheet.canvas, sheet.canvas.rng
    strength = kind.strength * kind.strength_spread ** rng.uniform(-1, 1)
    is_line = kind.form in ("streak", "thread", "bundle", "specks")
    soft_px = kind.softness * (0.5 * kind.thickness if is_line else kind.radius / 2)
    piece = sheet.new_piece(NO_PARENT)
    groups = [outlines] if kind.form == "ring" else [[each] for each in outlines]
    for group in groups:
        patch = canvas.cover(*group, soft_px=soft_px)
        _finish(canvas, kind, patch, strength)
        canvas.parts[patch.window][patch.alpha > 0.4] = piece


def _finish(canvas: Canvas, kind: Kind, patch: Patch, strength: float) -> None:
    match kind.finish:
        case "painted":
            canvas.paint(patch, kind.material, opacity=min(0.4 + strength, 1.0))
        case "soaked":
            canvas.glaze(patch, linear(kind.color) ** min(0.1 + 0.5 * strength, 0.8))
        case "lit":
            canvas.glow(patch, 0.08 + 0.4 * strength)
        case "pulled":
            _pull(canvas, patch, 2 + 6 * strength)
        case "sunken":
            canvas.paint(patch, kind.material, opacity=0.5 * strength)
            canvas.sink(patch, 1 + 3 * strength, 0.8)
        case _:
            canvas.cast_shadow(patch, 1 + 3 * strength)
            height = patch.dome(max(0.3 * kind.thickness, 1.0) + strength)
            canvas.paint(patch, kind.material, height=height)


def _pull(canvas: Canvas, patch: Patch, reach_px: float) -> None:
    """Shift what lies under the patch to and fro, as yarns shift in cloth."""
    window = (slice(None), *patch.window)
    under = np.ascontiguousarray(canvas.rgb[window].transpose(1, 2, 0))
    y, x = np.indices(patch.alpha.shape, dtype=np.float32)
    cell_px = 4 * reach_px
    right, down = (
        np.float32(reach_px)
        * patch.alpha
        * primitives.cloud(canvas.rng, patch.alpha.shape, cell_px)
        for _ in range(2)
    )
    moved = cv2.remap(under, x + right, y + down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    canvas.rgb[window] = moved.transpose(2, 0, 1)
