"""Juice bottle whose labels, juice (one of three) and level must go together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.synthetic.scenes import primitives
from engine.synthetic.scenes.canvas import SUPERSAMPLING, Canvas
from engine.synthetic.scenes.category import Category, logical, structural
from engine.synthetic.scenes.damage import crack, foreign_chip, stain
from engine.synthetic.scenes.primitives import (
    Material,
    Points,
    Position,
    ellipse,
    linear,
    move,
    place,
    rectangle,
    ribbon,
    turned,
)
from engine.synthetic.scenes.printed_label import (
    PICTURE_HEIGHT,
    TEXT_HEIGHT,
    WIDTH,
    Label,
    paint_picture_label,
    paint_text_label,
    tear,
)

BOTTLE, JUICE, LABEL, TEXT_LABEL, CAP, FOREIGN = 1, 2, 3, 4, 5, 6
# two variants: four references then usually show both, so that a score can know what is normal
JUICES = {"orange": "#e58a14", "cherry": "#74101f"}

# Silhouette of the glass: radius at heights below the mouth, in pixels.
DOWN = np.array([0, 6, 8, 90, 110, 135, 160, 185, 380, 390, 396], dtype=float)
RADIUS = np.array([19, 19, 17, 18, 22, 38, 56, 62, 62, 59, 50], dtype=float)
WALL = 4.0
LEVEL, LEVELS = 78.0, {"underfilled": 168.0, "overfilled": 14.0}
PLACES = {LABEL: 245.0, TEXT_LABEL: 342.0}
SWAPPED = {LABEL: 328.0, TEXT_LABEL: 223.0}

GLASS = Material("#9fb0ac", mottle=0.02, mottle_px=12)
TIN = Material("#c9a24a", gloss=0.5, hardness=20, mirror=0.5, mottle=0.04)


@dataclass(frozen=True)
class Stand:
    """Where the bottle stands: the middle of its mouth and its lean."""

    mouth_xy: Position
    lean_deg: float

    def put(self, points: Points, down: float = 0.0) -> Points:
        """Place points given relative to the axis, ``down`` pixels below the mouth."""
        return place(move(points, 0, down), self.mouth_xy, self.lean_deg)

    def at(self, across: float, down: float) -> Position:
        """Image position of one point."""
        x, y = self.put(np.array([[across, down]]))[0]
        return float(x), float(y)

    def inside(self, top: float, bottom: float) -> Points:
        """Outline of the room within the glass between two heights."""
        down = np.linspace(top, bottom, 60)
        return self.put(turned(down, np.interp(down, DOWN, RADIUS) - WALL)[:, ::-1])


def draw(canvas: Canvas, anomaly_type: str) -> None:
    """Paint backdrop, bottle with juice, labels and cap, then the anomaly."""
    rng = canvas.rng
    _paint_backdrop(canvas)
    stand = Stand((130 + rng.normal(0, 4), 42 + rng.normal(0, 3)), rng.normal(0, 0.7))
    juice, other = (str(each) for each in rng.permutation(list(JUICES))[:2])
    level = LEVELS.get(anomaly_type, LEVEL + rng.normal(0, 2))
    glass = _paint_glass(canvas, stand)
    contents = _fill(canvas, stand, JUICES[juice], level)
    labels = _paint_labels(canvas, anomaly_type, stand, juice, other)
    _paint_reflections(canvas, stand)
    if anomaly_type != "missing_cap":
        _paint_cap(canvas, stand)
    _mark(canvas, anomaly_type, stand, [glass, contents], labels)


def _mark(
    canvas: Canvas, anomaly_type: str, stand: Stand, body: list[int], labels: dict[int, int]
) -> None:
    """Mark a logical anomaly that was painted already; add and mark a structural one."""
    rng = canvas.rng
    match anomaly_type:
        case "underfilled" | "overfilled":
            top, bottom = sorted((LEVELS[anomaly_type], LEVEL))
            canvas.mark(anomaly_type, canvas.cover(stand.inside(top, bottom)), body)
        case "mismatched_label" | "misplaced_label":
            canvas.mark_parts(anomaly_type, [labels[LABEL]])
        case "swapped_labels":
            canvas.mark_parts(anomaly_type, list(labels.values()))
        case "missing_label":
            place_of = rectangle(WIDTH, PICTURE_HEIGHT)
            canvas.mark(anomaly_type, canvas.cover(stand.put(place_of, PLACES[LABEL])))
        case "missing_text_label":
            place_of = rectangle(WIDTH, TEXT_HEIGHT)
            canvas.mark(anomaly_type, canvas.cover(stand.put(place_of, PLACES[TEXT_LABEL])))
        case "missing_cap":
            canvas.mark(anomaly_type, canvas.cover(stand.put(rectangle(46, 24), 3)))
        case "cracked_glass":
            spot = stand.at(rng.uniform(-15, 15), rng.uniform(160, 172))
            crack(canvas, anomaly_type, spot, rng.uniform(60, 75), body)
        case "stained_label":
            spot = stand.at(rng.uniform(-25, 25), PLACES[LABEL] + rng.uniform(-25, 25))
            stain(canvas, anomaly_type, spot, rng.uniform(15, 19), "#7a5a2a", [labels[LABEL]])
        case "contamination":
            spot = stand.at(rng.uniform(-20, 20), rng.uniform(150, 172))
            foreign_chip(canvas, anomaly_type, FOREIGN, spot, rng.uniform(10, 12))


def _paint_backdrop(canvas: Canvas) -> None:
    """A grey wall that brightens behind the bottle, above a steel table."""
    rng, shape = canvas.rng, (canvas.height, canvas.width)
    y, x = np.indices(shape, dtype=np.float32)
    spot = 0.35 * np.exp(-(((x - 130) / 170) ** 2) - ((y - 200) / 240) ** 2)
    wall = spot - 0.2 + 0.012 * primitives.fractal(rng, shape, 12)
    edge = 412 + rng.normal(0, 3)
    table = (y - edge) / 260 - 0.42 + 0.05 * primitives.stretched(rng, shape, 1.5, 60)
    share = np.clip((y - edge) / 4 + 0.5, 0, 1)
    canvas.fill("#8f959b", wall * (1 - share) + table * share)


def _paint_glass(canvas: Canvas, stand: Stand) -> int:
    """Paint the shadow on the table and the empty bottle; return its part."""
    part = canvas.new_part(BOTTLE)
    canvas.cast_shadow(canvas.cover(stand.put(ellipse(66, 9), 393)), 9, 0.65)
    canvas.cast_shadow(canvas.cover(stand.put(ellipse(56, 4), 396)), 2, 0.7)
    body = canvas.cover(stand.put(turned(DOWN, RADIUS)[:, ::-1]))
    canvas.paint(body, GLASS, part=part, opacity=0.35)
    # Glass is seen edgewise at its border, hence dark there.
    canvas.glaze(body, 1 - 0.85 * np.exp(-body.dome(30) / (4.2 * SUPERSAMPLING)))
    return part


def _fill(canvas: Canvas, stand: Stand, color: str, level: float) -> int:
    """Pour juice up to a level; return its part. It looks darker where one looks through more."""
    part = canvas.new_part(JUICE)
    body = canvas.cover(stand.inside(level, 386))
    across, _ = body.frame(stand.mouth_xy, stand.lean_deg)
    depth = np.clip(np.abs(across) / 60, 0, 1) ** 2.5
    albedo = linear(color) * np.float32(1.12 - 0.7 * depth)
    pulp = Material(color, mottle=0.03, mottle_px=8)
    canvas.paint(body, pulp, part=part, albedo=albedo, opacity=0.96)
    radius = float(np.interp(level, DOWN, RADIUS)) - WALL
    surface = canvas.cover(stand.put(ellipse(radius, 2.2), level))
    canvas.paint(surface, pulp, part=part, opacity=0.5)
    canvas.glow(surface, 0.12)
    return part


def _paint_labels(
    canvas: Canvas, anomaly_type: str, stand: Stand, juice: str, other: str
) -> dict[int, int]:
    """Glue the labels on, bent round the bottle; return part by class."""
    rng, parts = canvas.rng, {}
    places = SWAPPED if anomaly_type == "swapped_labels" else PLACES
    missing = {"missing_label": LABEL, "missing_text_label": TEXT_LABEL}.get(anomaly_type)
    for class_id, down in places.items():
        center = stand.at(rng.normal(0, 1.2), down + rng.normal(0, 1.5))
        angle = stand.lean_deg + rng.normal(0, 0.5)
        if class_id == missing:
            continue
        if class_id == LABEL and anomaly_type == "misplaced_label":
            center, angle = (
                stand.at(rng.choice([-9.0, 9.0]), down - 14),
                angle + rng.choice([-17.0, 17.0]),
            )
        label = Label(canvas.new_part(class_id), center, angle)
        parts[class_id] = label.part
        if class_id == TEXT_LABEL:
            paint_text_label(canvas, label, JUICES[juice])
        else:
            _paint_picture(
                canvas, anomaly_type, label, other if anomaly_type == "mismatched_label" else juice
            )
        patch = label.patch(canvas, rectangle(WIDTH + 2, PICTURE_HEIGHT + 2))
        across, _ = patch.frame(stand.mouth_xy, stand.lean_deg)
        bend = np.sqrt(np.maximum(1 - (across / 64) ** 2, 0.05))
        canvas.glaze(patch, (0.35 + 0.65 * bend) * (1 - across / 500))
    return parts


def _paint_picture(canvas: Canvas, anomaly_type: str, label: Label, fruit: str) -> None:
    """Paint the picture label, with a corner torn off if that is the anomaly."""
    if anomaly_type != "torn_label":
        paint_picture_label(canvas, label, fruit, None)
        return
    rest, corner = tear(canvas.rng)
    paint_picture_label(canvas, label, fruit, rest)
    canvas.mark(anomaly_type, canvas.cover(place(corner, label.center_xy, label.angle_deg)))


def _paint_reflections(canvas: Canvas, stand: Stand) -> None:
    """Streaks of windows on the glass: a broad one left, thin ones beside it and right."""
    down = np.linspace(100, 372, 60)
    radius = np.interp(down, DOWN, RADIUS)
    for share, width, strength in ((-0.72, 8.0, 0.34), (0.8, 3.5, 0.2), (-0.5, 2.0, 0.1)):
        path = stand.put(np.stack([share * radius, down], axis=1))
        canvas.glow(canvas.cover(ribbon(path, width), soft_px=1.5), strength)
    neck = np.stack([np.full(20, -10.0), np.linspace(20, 92, 20)], axis=1)
    canvas.glow(canvas.cover(ribbon(stand.put(neck), 3.5)), 0.25)


def _paint_cap(canvas: Canvas, stand: Stand) -> None:
    """A crown cap with a corrugated skirt."""
    skirt = np.array([[-20.0, -8.0], [20.0, -8.0], [24.0, 14.0], [-24.0, 14.0]])
    patch = canvas.cover(stand.put(skirt))
    across, down = patch.frame(stand.mouth_xy, stand.lean_deg)
    flutes = np.cos(14 * np.arcsin(np.clip(across / 26, -1, 1))) * np.clip(down / 8 + 0.4, 0, 1)
    height = 1.4 * np.sqrt(np.maximum(26**2 - across**2, 1)) + 2.2 * flutes
    canvas.paint(patch, TIN, part=canvas.new_part(CAP), height=height)


CATEGORY = Category(
    name="bottle",
    height=480,
    width=260,
    classes=("background", "bottle", "juice", "label", "text_label", "cap", "foreign"),
    anomaly_types=(
        logical("underfilled"),
        logical("overfilled"),
        logical("mismatched_label"),
        logical("missing_label"),
        logical("missing_text_label"),
        logical("misplaced_label"),
        logical("swapped_labels"),
        logical("missing_cap"),
        structural("cracked_glass"),
        structural("torn_label"),
        structural("stained_label"),
        structural("contamination"),
    ),
    draw=draw,
)
