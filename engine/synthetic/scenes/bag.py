"""Clear bag with two washers, two nuts, a long and a short screw, as they fell."""

from __future__ import annotations

from dataclasses import replace

from engine.synthetic.scenes import primitives
from engine.synthetic.scenes.canvas import SUPERSAMPLING, Canvas
from engine.synthetic.scenes.category import Category, logical, structural
from engine.synthetic.scenes.damage import foreign_thread, stroke
from engine.synthetic.scenes.hardware import (
    HEAD_WIDTH,
    NUT_RADIUS,
    WASHER_RADIUS,
    paint_nut,
    paint_screw,
    paint_washer,
)
from engine.synthetic.scenes.primitives import (
    Material,
    Points,
    Pose,
    Position,
    blob,
    move,
    place,
    polygon,
    rectangle,
    scatter,
    tapered,
)

BAG, WASHER, NUT, LONG_SCREW, SHORT_SCREW, FOREIGN = 1, 2, 3, 4, 5, 6
FOIL_WIDTH, FOIL_HEIGHT = 400.0, 300.0  # px
LENGTH = {LONG_SCREW: 144.0, SHORT_SCREW: 80.0}
AREA_PX = {WASHER: 1600, NUT: 1250, LONG_SCREW: 2500, SHORT_SCREW: 1450}  # of one, visible

# The longest come first: they are the hardest to find room for.
NORMAL = (LONG_SCREW, SHORT_SCREW, NUT, NUT, WASHER, WASHER)
CONTENTS = {
    "missing_washer": (LONG_SCREW, SHORT_SCREW, NUT, NUT, WASHER),
    "missing_nut": (LONG_SCREW, SHORT_SCREW, NUT, WASHER, WASHER),
    "missing_long_screw": (SHORT_SCREW, NUT, NUT, WASHER, WASHER),
    "missing_short_screw": (LONG_SCREW, NUT, NUT, WASHER, WASHER),
    "extra_nut": (LONG_SCREW, SHORT_SCREW, NUT, NUT, NUT, WASHER, WASHER),
    "extra_washer": (LONG_SCREW, SHORT_SCREW, NUT, NUT, WASHER, WASHER, WASHER),
    "two_long_screws": (LONG_SCREW, LONG_SCREW, NUT, NUT, WASHER, WASHER),
    "two_short_screws": (SHORT_SCREW, SHORT_SCREW, NUT, NUT, WASHER, WASHER),
}
FLAWED = {"bent_screw": LONG_SCREW, "broken_washer": WASHER, "rusty_nut": NUT}

FOIL = Material("#a9b4bd", mottle=0.05, mottle_px=40)
WELD = Material("#c3ccd2")
TABLE = Material("#22313f", mottle=0.12, mottle_px=1.2)


def draw(canvas: Canvas, anomaly_type: str) -> None:
    """Paint table, bag and contents, the anomaly, then the foil's reflections over everything."""
    rng = canvas.rng
    canvas.fill("#3f5468", 0.07 * primitives.weave(rng, (canvas.height, canvas.width), 2.6))
    center = 240 + rng.normal(0, 4), 182 + rng.normal(0, 3)
    angle = rng.normal(0, 1.5)
    foil = _paint_bag(canvas, center, angle)
    room = place(move(rectangle(FOIL_WIDTH - 34, FOIL_HEIGHT - 76, 20), 0, 24), center, angle)
    contents = CONTENTS.get(anomaly_type, NORMAL)
    hole = [rectangle(64, 40)] if anomaly_type == "torn_bag" else []
    poses = scatter(rng, [*hole, *(_footprint(each) for each in contents)], room)
    placed = _paint_contents(canvas, contents, poses[len(hole) :], anomaly_type)

    if anomaly_type.startswith("missing"):
        canvas.mark(anomaly_type, canvas.cover(room), [foil])
    elif anomaly_type.startswith(("extra", "two")):
        surplus = next(each for each in contents if contents.count(each) > NORMAL.count(each))
        canvas.mark_parts(anomaly_type, placed[surplus])
    elif anomaly_type in FLAWED:
        canvas.mark_parts(anomaly_type, placed[FLAWED[anomaly_type]][:1])
    elif anomaly_type == "contamination":
        spot = center[0] + rng.uniform(-90, 90), center[1] + rng.uniform(-40, 80)
        foreign_thread(canvas, anomaly_type, FOREIGN, spot, rng.uniform(80, 100))
    elif anomaly_type == "torn_bag":
        _tear(canvas, anomaly_type, poses[0])
    _paint_creases(canvas, center, angle)


def _paint_bag(canvas: Canvas, center: Position, angle: float) -> int:
    """Clear foil with welded edges and a zip seal; return its part."""
    part = canvas.new_part(BAG)
    outline = rectangle(FOIL_WIDTH, FOIL_HEIGHT, 10)
    outline = place(outline + canvas.rng.normal(0, 0.5, outline.shape), center, angle)
    foil = canvas.cover(outline)
    canvas.cast_shadow(foil, 5, 0.5)
    canvas.paint(foil, FOIL, part=part, opacity=0.4)
    inner = rectangle(FOIL_WIDTH - 14, FOIL_HEIGHT - 14, 8)
    weld = canvas.cover(outline, place(inner, center, angle))
    canvas.paint(weld, WELD, height=weld.dome(3), opacity=0.35)
    for offset, color in ((-118, "#b03038"), (-110, "#d8dde0")):
        outline = move(rectangle(FOIL_WIDTH - 6, 4.5, 2), 0, offset)
        strip = canvas.cover(place(outline, center, angle))
        canvas.cast_shadow(strip, 1.5, 0.4)
        canvas.paint(strip, Material(color, gloss=0.4), height=strip.dome(2), opacity=0.9)
    return part


def _footprint(class_id: int) -> Points:
    """Outline that the layout keeps clear."""
    if class_id in LENGTH:
        return rectangle(LENGTH[class_id] + 4, HEAD_WIDTH + 3)
    return polygon(WASHER_RADIUS if class_id == WASHER else NUT_RADIUS, 16)


def _paint_contents(
    canvas: Canvas, contents: tuple[int, ...], poses: list[Pose], anomaly_type: str
) -> dict[int, list[int]]:
    """Paint the contents, return parts by class; the first of a flawed class gets the flaw."""
    placed: dict[int, list[int]] = {}
    for class_id, pose in zip(contents, poses, strict=True):
        part = canvas.new_part(class_id)
        is_flawed = FLAWED.get(anomaly_type) == class_id and class_id not in placed
        if class_id == NUT:
            paint_nut(canvas, part, pose, is_rusty=is_flawed)
        elif class_id == WASHER:
            paint_washer(canvas, part, pose, is_broken=is_flawed)
        else:
            paint_screw(canvas, part, pose, LENGTH[class_id], is_bent=is_flawed)
        placed.setdefault(class_id, []).append(part)
    return placed


def _tear(canvas: Canvas, anomaly_type: str, pose: Pose) -> None:
    """A hole in the foil with a white, stretched rim; the table shows through."""
    outline = blob(canvas.rng, 18, 0.3, 14) * (1.5, 0.8)
    hole = canvas.cover(place(outline, *pose))
    canvas.paint(hole, TABLE, opacity=0.95)
    canvas.sink(hole, 4)
    is_rim = hole.dome(6) < 3.2 * SUPERSAMPLING
    canvas.glow(replace(hole, alpha=hole.alpha * is_rim), 0.35)
    canvas.mark(anomaly_type, hole)


def _paint_creases(canvas: Canvas, center: Position, angle: float) -> None:
    """Sharp creases that catch the light, over broad soft sheen."""
    rng, everything = canvas.rng, range(1, len(canvas.class_of_part))
    for is_sharp in (False, True) * int(rng.integers(4, 7)):
        x, y = place(rng.uniform((-165, -90), (165, 125))[None], center, angle)[0]
        length, width = rng.uniform((120, 16), (220, 30))
        strength = rng.uniform(0.03, 0.08)
        if is_sharp:
            length, width, strength = rng.uniform((60, 2.5, 0.1), (120, 4.5, 0.26))
        spine = stroke(rng, (float(x), float(y)), length, 0.5)
        crease = canvas.cover(tapered(spine, width), soft_px=width / 6)
        canvas.glow(canvas.clip(crease, everything), strength)


CATEGORY = Category(
    name="bag",
    height=360,
    width=480,
    classes=("background", "bag", "washer", "nut", "long_screw", "short_screw", "foreign"),
    anomaly_types=(
        logical("missing_washer", AREA_PX[WASHER]),
        logical("missing_nut", AREA_PX[NUT]),
        logical("missing_long_screw", AREA_PX[LONG_SCREW]),
        logical("missing_short_screw", AREA_PX[SHORT_SCREW]),
        logical("extra_nut", AREA_PX[NUT]),
        logical("extra_washer", AREA_PX[WASHER]),
        logical("two_long_screws", AREA_PX[LONG_SCREW]),
        logical("two_short_screws", AREA_PX[SHORT_SCREW]),
        structural("bent_screw"),
        structural("broken_washer"),
        structural("rusty_nut"),
        structural("contamination"),
        structural("torn_bag"),
    ),
    draw=draw,
)
