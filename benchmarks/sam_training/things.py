"""Painting of one thing: its body, and what is on it or in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sam_training.appearance import Look, outline_of, random_color, random_material
from sam_training.pieces import Sheet

from engine.synthetic.scenes import primitives
from engine.synthetic.scenes.canvas import SUPERSAMPLING, Canvas, Patch
from engine.synthetic.scenes.primitives import (
    Field,
    Material,
    Points,
    Position,
    blend,
    blob,
    move,
    place,
    rectangle,
)

MIN_PIECE_PX = 40  # what is smaller belongs to the surface


@dataclass(frozen=True)
class Pose:
    """Where one thing lies, and how large it is."""

    center_xy: Position
    angle_deg: float
    radius: float

    def put(self, outline: Points) -> Points:
        """Move an outline from the origin to where the thing lies."""
        return place(outline, self.center_xy, self.angle_deg)


def cover(canvas: Canvas, look: Look, pose: Pose) -> Patch:
    """What a thing of this look covers when it lies so."""
    outline = outline_of(look.shape, pose.radius, look.aspect, look.seed)
    contours = [outline, outline * look.hole] if look.hole else [outline]
    return canvas.cover(*(pose.put(each) for each in contours))


def paint_thing(sheet: Sheet, look: Look, pose: Pose, patch: Patch, parent: int) -> None:
    """Paint shadow, body and details of a thing that covers ``patch``."""
    body = sheet.new_piece(parent)
    if look.lift:
        sheet.canvas.cast_shadow(patch, look.lift, sheet.canvas.rng.uniform(0.25, 0.7))
    _paint_body(sheet, look, pose, patch, body)
    for detail in look.details:
        if detail in ("pits", "writing"):
            _paint_marks(sheet, detail, pose, body)
        else:
            _paint_detail(sheet, look, detail, pose, body)


def _paint_body(sheet: Sheet, look: Look, pose: Pose, patch: Patch, body: int) -> None:
    """One material in one colour or two; two halves are two pieces."""
    canvas, rng = sheet.canvas, sheet.canvas.rng
    height = patch.dome(look.bevel * look.radius) if look.bevel else None
    frame = patch.frame(pose.center_xy, -pose.angle_deg)
    along, across = frame[0] / np.float32(look.radius), frame[1] / np.float32(look.radius)
    share = _pattern(rng, look, along, across)
    albedo = blend(look.material.color, look.other_color, share)
    canvas.paint(patch, look.material, part=body, height=height, albedo=albedo)
    if look.pattern == "halves" and look.radius > 12:
        for is_far in (False, True):
            region = (patch.alpha > 0.5) & ((along > 0) == is_far)
            canvas.parts[patch.window][region] = sheet.new_piece(body)


def _pattern(rng: np.random.Generator, look: Look, along: Field, across: Field) -> Field:
    """Share of the other colour; coordinates are in radii."""
    match look.pattern:
        case "stripes":
            share = 0.5 + 3 * np.sin(rng.uniform(6, 20) * along + rng.uniform(0, 6))
        case "rim":
            share = 8 * (np.hypot(along, across) - 0.7)
        case "clouds":
            share = 0.5 + 0.5 * primitives.cloud(rng, along.shape, 0.8 * look.radius + 2)
        case "halves":
            share = 0.5 + 0.5 * look.radius * along
        case _:
            share = np.zeros_like(along)
    return np.asarray(share, dtype=np.float32)


def _paint_detail(sheet: Sheet, look: Look, detail: str, pose: Pose, body: int) -> None:
    """A thing on or in another. Where it is large enough to see, it is a piece of it."""
    canvas, rng = sheet.canvas, sheet.canvas.rng
    size = pose.radius * rng.uniform(0.2, 0.5)
    outline = pose.put(_detail_outline(rng, look, detail, pose.radius, size))
    mark = canvas.clip(canvas.cover(outline), sheet.own(body))
    if (mark.alpha > 0.5).sum() < MIN_PIECE_PX * SUPERSAMPLING**2:
        canvas.glaze(mark, 0.6)
        return
    piece = sheet.new_piece(body)
    if detail == "hollow":
        canvas.paint(mark, Material(random_color(rng)), part=piece)
        canvas.sink(mark, rng.uniform(1, 5), 0.8)
        return
    height = mark.dome(rng.uniform(1, 0.5 * size + 1.5)) if rng.random() < 0.6 else None
    if detail == "button":
        canvas.cast_shadow(mark, 0.2 * size)
    canvas.paint(mark, random_material(rng), part=piece, height=height)


def _detail_outline(
    rng: np.random.Generator, look: Look, detail: str, radius: float, size: float
) -> Points:
    """Outline of a detail about the middle of its thing."""
    right, down = rng.normal(0, 0.25 * radius, 2)
    if detail == "inset":
        return outline_of(look.shape, radius * rng.uniform(0.5, 0.8), look.aspect, look.seed)
    if detail == "band":
        band = move(rectangle(2.4 * radius, 0.7 * size), 0, down)
        return band if rng.random() < 0.5 else band[:, ::-1]
    shape = str(rng.choice(["disc", "box", "polygon", "blob", "star"]))
    return move(outline_of(shape, size, rng.uniform(0.6, 1.0), look.seed), right, down)


def _paint_marks(sheet: Sheet, detail: str, pose: Pose, body: int) -> None:
    """Pits or writing: they belong to the surface, as print belongs to a page."""
    canvas, rng = sheet.canvas, sheet.canvas.rng
    tone = rng.uniform(0.2, 0.8) if rng.random() < 0.7 else rng.uniform(1.2, 1.8)
    for index in range(int(rng.integers(4, 16))):
        if detail == "pits":
            right, down = rng.normal(0, 0.4 * pose.radius, 2)
            outline = blob(rng, rng.uniform(0.03, 0.09) * pose.radius + 0.6, 0.2, 12)
        else:
            row, column = divmod(index, 6)
            right, down = (column - 2.5) * 0.22 * pose.radius, (row - 1) * 0.25 * pose.radius
            height = rng.uniform(0.04, 0.16) * pose.radius + 1
            outline = rectangle(0.15 * pose.radius, height)
        spot = canvas.cover(pose.put(move(outline, right, down)))
        canvas.glaze(canvas.clip(spot, sheet.own(body)), tone)
