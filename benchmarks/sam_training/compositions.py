"""Random pictures of things with parts, for training a segmenter.

Nothing in them is meant: outlines, colours, materials and grounds are drawn at random, so that a
network learns what an object is, not which objects there are. Every picture knows its pieces and
which piece belongs to which (a label to its bottle, a bottle to its tray).
"""

from __future__ import annotations

import numpy as np
from sam_training.appearance import Look, outline_of, random_color, random_look, random_material
from sam_training.pieces import NO_PARENT, Pieces, Sheet
from sam_training.things import Pose, cover, paint_thing

from engine.synthetic.scenes import primitives
from engine.synthetic.scenes.canvas import SUPERSAMPLING, Canvas, expose
from engine.synthetic.scenes.damage import stroke
from engine.synthetic.scenes.primitives import blob, move, place, rectangle, tapered

SIDE_PX = 448
TRIES = 8


def compose(rng: np.random.Generator) -> Pieces:
    """Paint one random picture; the same state of ``rng`` gives the same bytes."""
    sheet = Sheet(Canvas(SIDE_PX, SIDE_PX, rng))
    _paint_ground(sheet)
    if rng.random() < 0.4:
        _paint_container(sheet)
    for _ in range(int(rng.integers(1, 5))):
        look = random_look(rng, SIDE_PX)
        crowd = 1 + int(rng.geometric(0.25)) if look.radius < 60 else int(rng.integers(1, 4))
        for _ in range(min(crowd, 14)):
            _lay(sheet, look)
    for _ in range(int(rng.integers(0, 4))):
        _paint_disturbance(sheet)
    middle = slice(SUPERSAMPLING // 2, None, SUPERSAMPLING)
    labels = sheet.canvas.parts[middle, middle].copy()
    return Pieces(expose(sheet.canvas), labels, np.array(sheet.parents, dtype=np.int16))


def _lay(sheet: Sheet, look: Look) -> None:
    """Put down one thing on free ground where some is found quickly, or on top of others."""
    canvas, rng = sheet.canvas, sheet.canvas.rng
    is_careless = rng.random() < 0.3
    for _ in range(TRIES):
        center = float(rng.uniform(0, canvas.width)), float(rng.uniform(0, canvas.height))
        pose = Pose(center, rng.uniform(0, 360), look.radius * rng.uniform(0.9, 1.1))
        patch = cover(canvas, look, pose)
        under = canvas.parts[patch.window][patch.alpha > 0.5]
        if not under.size:
            continue
        support = int(np.bincount(under).argmax())
        is_free = support in sheet.grounds and (under == support).mean() > 0.98
        if is_careless or is_free:
            paint_thing(sheet, look, pose, patch, sheet.tray_under(support))
            return


def _paint_ground(sheet: Sheet) -> None:
    """A textured surface, sometimes with a second one beside it."""
    canvas, rng = sheet.canvas, sheet.canvas.rng
    canvas.fill(random_color(rng), _unevenness(rng, (canvas.height, canvas.width)))
    if rng.random() < 0.25:
        edge = rng.uniform(-0.3, 0.3) * SIDE_PX
        beside = move(rectangle(2 * SIDE_PX, 3 * SIDE_PX), SIDE_PX + edge, 0)
        patch = canvas.cover(place(beside, (SIDE_PX / 2, SIDE_PX / 2), rng.uniform(0, 360)))
        piece = sheet.new_piece(NO_PARENT, is_ground=True)
        canvas.paint(patch, random_material(rng), part=piece)


def _unevenness(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Grain of a surface, and light that falls off across it."""
    y, x = np.indices(shape, dtype=np.float32) / max(shape) - 0.5
    slope_x, slope_y = rng.normal(0, 0.3, 2)
    match int(rng.integers(6)):
        case 0:
            grain = primitives.fractal(rng, shape, rng.uniform(2, 60))
        case 1:
            grain = primitives.weave(rng, shape, rng.uniform(3, 16))
        case 2:
            grain = primitives.wood(rng, shape)
        case 3:
            grain = primitives.stretched(rng, shape, rng.uniform(1, 4), rng.uniform(20, 120))
        case 4:
            angle, pitch = rng.uniform(0, np.pi), rng.uniform(0.01, 0.08)
            grain = np.sign(np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / pitch))
        case _:
            grain = primitives.cloud(rng, shape, 1.0)
    return np.asarray(rng.choice([0.01, 0.05, 0.12, 0.25]) * grain + slope_x * x + slope_y * y)


def _paint_container(sheet: Sheet) -> None:
    """A tray, plate, board or bag that most of the things come to lie in."""
    canvas, rng = sheet.canvas, sheet.canvas.rng
    shape = str(rng.choice(["box", "box", "disc", "blob", "polygon"]))
    radius, aspect = rng.uniform(0.35, 0.58) * SIDE_PX, rng.uniform(0.7, 1.0)
    outline = outline_of(shape, radius, aspect, int(rng.integers(99)))
    x, y = SIDE_PX / 2 + rng.normal(0, 0.06 * SIDE_PX, 2)
    angle = rng.normal(0, 8) if rng.random() < 0.7 else rng.uniform(0, 360)
    pose = Pose((float(x), float(y)), angle, radius)
    patch = canvas.cover(pose.put(outline))
    canvas.cast_shadow(patch, rng.uniform(1, 8))
    height = patch.dome(rng.uniform(2, 14) * rng.choice([-1, 1]))
    opacity = rng.uniform(0.35, 0.8) if rng.random() < 0.2 else 1.0
    sheet.tray = sheet.new_piece(NO_PARENT, is_ground=True)
    canvas.paint(patch, random_material(rng), part=sheet.tray, height=height, opacity=opacity)
    if rng.random() < 0.5:
        floor = canvas.cover(pose.put(outline * rng.uniform(0.8, 0.94)))
        part = sheet.new_piece(sheet.tray, is_ground=True)
        canvas.paint(floor, random_material(rng), part=part, opacity=opacity)
        canvas.sink(floor, rng.uniform(2, 8))


def _paint_disturbance(sheet: Sheet) -> None:
    """What is no object: a shadow from outside, a reflection, a scratch."""
    canvas, rng = sheet.canvas, sheet.canvas.rng
    center = float(rng.uniform(0, canvas.width)), float(rng.uniform(0, canvas.height))
    size = rng.uniform(30, 160)
    soft = canvas.cover(place(blob(rng, size, 0.3), center, 0), soft_px=size / 4)
    match int(rng.integers(3)):
        case 0:
            canvas.glaze(soft, rng.uniform(0.5, 0.85))
        case 1:
            canvas.glow(soft, rng.uniform(0.02, 0.12))
        case _:
            line = tapered(stroke(rng, center, size, 2.0), rng.uniform(1, 2.5))
            canvas.glaze(canvas.cover(line), rng.uniform(0.5, 1.6))
