"""Screws, nuts and washers of galvanised steel, sound and flawed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.synthetic.scenes import primitives
from engine.synthetic.scenes.canvas import SUPERSAMPLING, Canvas
from engine.synthetic.scenes.primitives import (
    Material,
    Pose,
    Position,
    blend,
    ellipse,
    linear,
    move,
    place,
    polygon,
    rectangle,
)

NUT_RADIUS, WASHER_RADIUS, HEAD_WIDTH = 24.0, 26.0, 29.0  # px
ROD_WIDTH, THREAD_PITCH, BEND_DEG = 16.0, 4.2, 38.0

ZINC = Material("#b9bcc0", gloss=0.45, hardness=22, mirror=0.7, mottle=0.05, mottle_px=2)
THREAD = replace(ZINC, gloss=0.3, mirror=0.55)
RUST = replace(ZINC, gloss=0.05, mirror=0.2, mottle=0.2)


def paint_screw(canvas: Canvas, part: int, pose: Pose, length: float, *, is_bent: bool) -> None:
    """A hexagon-head screw lying on its side, head towards -x."""
    center, angle = pose
    start, stop = -length / 2 + 13, length / 2
    if is_bent:
        knee = 0.05 * length
        x, y = place(np.array([[knee, 0.0]]), center, angle)[0]
        _paint_rod(canvas, part, (float(x), float(y)), angle + BEND_DEG, -4, stop - knee)
        stop = knee + 4
    _paint_rod(canvas, part, center, angle, start, stop)
    outline = move(rectangle(16, HEAD_WIDTH, 3), 8 - length / 2, 0)
    head = canvas.cover(place(outline, center, angle))
    _, across = head.frame(center, angle)
    facets = SUPERSAMPLING * (13 - 1.3 * np.maximum(np.abs(across) - 6.5, 0))
    canvas.cast_shadow(head, 5)
    height = np.minimum(facets, head.dome(4) + 20)
    canvas.paint(head, ZINC, part=part, height=height)


def _paint_rod(
    canvas: Canvas, part: int, center: Position, angle: float, start: float, stop: float
) -> None:
    """A threaded rod along x between two stations."""
    outline = move(rectangle(stop - start, ROD_WIDTH, 2.5), (start + stop) / 2, 0)
    rod = canvas.cover(place(outline, center, angle))
    along, across = rod.frame(center, angle)
    turns = np.cos(2 * np.pi * (along + 0.16 * across) / THREAD_PITCH)
    cylinder = np.sqrt(np.maximum((ROD_WIDTH / 2 + 0.2) ** 2 - across**2, 0.4))
    height = SUPERSAMPLING * (0.8 * cylinder + 0.65 * turns)
    albedo = blend("#6f7276", "#c6c9cc", 0.6 + 0.5 * turns)
    canvas.cast_shadow(rod, 4.5)
    canvas.paint(rod, THREAD, part=part, height=height, albedo=albedo)


def paint_nut(canvas: Canvas, part: int, pose: Pose, *, is_rusty: bool) -> None:
    """A hexagon nut seen from above, chamfered, with a threaded hole."""
    center, angle = pose
    hexagon = place(polygon(NUT_RADIUS, 6), center, angle)
    nut = canvas.cover(hexagon, place(ellipse(11.5, 11.5), center, 0))
    canvas.cast_shadow(nut, 5)
    u, v = nut.frame(center, angle)
    chamfer = 0.8 * SUPERSAMPLING * np.minimum(NUT_RADIUS - 1.5 - np.hypot(u, v), 0)
    albedo = None
    if is_rusty:
        blotches = 0.75 + 0.5 * primitives.fractal(canvas.rng, nut.alpha.shape, 14)
        albedo = blend(ZINC.color, "#7a3412", blotches)
    height = nut.dome(3) + chamfer
    canvas.paint(nut, RUST if is_rusty else ZINC, part=part, height=height, albedo=albedo)
    bore = canvas.cover(place(ellipse(13, 13), center, 0), place(ellipse(9.5, 9.5), center, 0))
    thread = replace(THREAD, color="#5b3a24" if is_rusty else "#85888c")
    canvas.paint(bore, thread, part=part, height=bore.dome(-3))


def paint_washer(canvas: Canvas, part: int, pose: Pose, *, is_broken: bool) -> None:
    """A flat ring, turned on a lathe; a broken one lacks a sector."""
    center, angle = pose
    outer, inner = ellipse(WASHER_RADIUS, WASHER_RADIUS), ellipse(12.5, 12.5)
    contours = [outer, inner]
    if is_broken:
        contours = [np.concatenate([outer[6:], inner[6:][::-1]])]
    ring = canvas.cover(*(place(contour, center, angle) for contour in contours))
    canvas.cast_shadow(ring, 3)
    u, v = ring.frame(center, 0)
    grooves = 0.12 * np.cos(3.2 * np.hypot(u, v))
    sheen = 0.14 * np.cos(2 * np.arctan2(v, u) + 0.7)
    albedo = linear(ZINC.color) * (1 + grooves + sheen)
    canvas.paint(ring, ZINC, part=part, height=ring.dome(2.2), albedo=albedo)
