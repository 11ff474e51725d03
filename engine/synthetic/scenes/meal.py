"""Meal box: fruit on the left; cereal, banana chips and almonds on the right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.synthetic.scenes import primitives
from engine.synthetic.scenes.canvas import Canvas, Patch
from engine.synthetic.scenes.category import Category, logical, structural
from engine.synthetic.scenes.damage import crack, foreign_chip
from engine.synthetic.scenes.food import (
    ORANGE_RADIUS,
    PEACH_RADIUS,
    paint_almond,
    paint_banana_chip,
    paint_orange,
    paint_peach,
    peel,
    pile_flakes,
    rot,
)
from engine.synthetic.scenes.primitives import (
    Material,
    Points,
    Position,
    move,
    place,
    polygon,
    rectangle,
    scatter,
)

BOX, ORANGE, PEACH, CEREAL, CHIP, ALMOND, FOREIGN = 1, 2, 3, 4, 5, 6, 7
SIDE_WIDTH, SIDE_HEIGHT = 198.0, 300.0  # px
FRUIT_PX = 4500  # visible area of one fruit
CEREAL_SHARE = 0.55  # of the dry side; banana chips and almonds fill the rest

NORMAL_FRUIT = (PEACH, ORANGE, ORANGE)
FRUIT = {
    "missing_orange": (PEACH, ORANGE),
    "missing_peach": (ORANGE, ORANGE),
    "extra_orange": (PEACH, ORANGE, ORANGE, ORANGE),
    "two_peaches": (PEACH, PEACH, ORANGE),
}
SHARE = {"missing_cereal": 0.0, "missing_mix": 1.0, "wrong_proportion": 0.16}

BODY = Material("#dcdcd6", gloss=0.15, hardness=14, mottle=0.02, mottle_px=8)
INSIDE = Material("#d0d0ca", mottle=0.02, mottle_px=8)


@dataclass(frozen=True)
class Box:
    """Where the box lies, and which sides fruit (left) and dry food (right) are on."""

    center_xy: Position
    angle_deg: float
    is_swapped: bool

    def at(self, local_xy: Position) -> Position:
        """Image position of a place given relative to the middle of the box."""
        x, y = place(np.array([local_xy]), self.center_xy, self.angle_deg)[0]
        return float(x), float(y)

    def side(self, *, dry: bool) -> Position:
        """Middle of the side that holds the dry food, or the fruit."""
        reach = SIDE_WIDTH / 2 + 5
        return self.at((reach if dry != self.is_swapped else -reach, 0.0))

    def floor(self, *, dry: bool, inset: float = 0.0) -> Points:
        """Outline of a side's floor."""
        outline = rectangle(SIDE_WIDTH - inset, SIDE_HEIGHT - inset, 18)
        return place(outline, self.side(dry=dry), self.angle_deg)


@dataclass(frozen=True)
class Content:
    """Parts in the box; each fruit with its class and middle."""

    body: int
    dry: list[int]
    fruit: list[tuple[int, int, Position]]

    def fruit_of(self, *classes: int) -> list[int]:
        """Parts of all fruit of these classes."""
        return [part for part, class_id, _ in self.fruit if class_id in classes]


def draw(canvas: Canvas, anomaly_type: str) -> None:
    """Paint table, box, dry food, fruit, then the anomaly."""
    rng = canvas.rng
    canvas.fill("#7d5a3c", 0.09 * primitives.wood(rng, (canvas.height, canvas.width)))
    center = 240 + rng.normal(0, 4), 190 + rng.normal(0, 4)
    box = Box(center, rng.normal(0, 1.0), is_swapped=anomaly_type == "swapped_sides")
    share = SHARE.get(anomaly_type, rng.normal(CEREAL_SHARE, 0.02))
    body = _paint_box(canvas, box)
    dry = _paint_dry(canvas, box, share)
    fruit = _paint_fruit(canvas, box, FRUIT.get(anomaly_type, NORMAL_FRUIT))
    _mark(canvas, anomaly_type, box, Content(body, dry, fruit))


def _mark(canvas: Canvas, anomaly_type: str, box: Box, content: Content) -> None:
    """Mark a logical anomaly that was painted already; add and mark a structural one."""
    rng = canvas.rng
    match anomaly_type:
        case "missing_orange" | "missing_peach":
            canvas.mark(anomaly_type, canvas.cover(box.floor(dry=False)), [content.body])
        case "extra_orange":
            canvas.mark_parts(anomaly_type, content.fruit_of(ORANGE))
        case "two_peaches":
            canvas.mark_parts(anomaly_type, content.fruit_of(PEACH))
        case "swapped_sides":
            canvas.mark_parts(anomaly_type, [*content.fruit_of(ORANGE, PEACH), *content.dry])
        case "missing_cereal" | "missing_mix" | "wrong_proportion":
            canvas.mark(
                anomaly_type, _wrongly_filled(canvas, box, SHARE[anomaly_type]), content.dry
            )
        case "rotten_peach" | "peeled_orange":
            harm, wanted = (rot, PEACH) if anomaly_type == "rotten_peach" else (peel, ORANGE)
            part, _, middle = next(each for each in content.fruit if each[1] == wanted)
            harm(canvas, anomaly_type, part, middle)
        case "contamination":
            x, y = box.side(dry=True)
            spot = x + rng.uniform(-60, 60), y + rng.uniform(-90, 90)
            foreign_chip(canvas, anomaly_type, FOREIGN, spot, rng.uniform(13, 17))
        case "cracked_box":
            spot = box.at((-SIDE_WIDTH / 2 + rng.uniform(-50, 50), SIDE_HEIGHT / 2 + 4))
            crack(canvas, anomaly_type, spot, rng.uniform(80, 100), [content.body])


def _wrongly_filled(canvas: Canvas, box: Box, share: float) -> Patch:
    """The stretch between where the cereal ends and where it should."""
    top, bottom = sorted((share, CEREAL_SHARE))
    middle = ((top + bottom) / 2 - 0.5) * SIDE_HEIGHT
    outline = move(rectangle(SIDE_WIDTH, (bottom - top) * SIDE_HEIGHT, 5), 0, middle)
    return canvas.cover(place(outline, box.side(dry=True), box.angle_deg))


def _paint_box(canvas: Canvas, box: Box) -> int:
    """White plastic with two rounded sides; return its part."""
    part = canvas.new_part(BOX)
    outline = rectangle(2 * SIDE_WIDTH + 32, SIDE_HEIGHT + 22, 26)
    body = canvas.cover(place(outline, box.center_xy, box.angle_deg))
    canvas.cast_shadow(body, 12, 0.6)
    canvas.paint(body, BODY, part=part, height=body.dome(6))
    for dry in (False, True):
        recess = canvas.cover(box.floor(dry=dry))
        canvas.paint(recess, INSIDE, height=recess.dome(-12))
        canvas.sink(recess, 22, 0.5)
    return part


def _paint_dry(canvas: Canvas, box: Box, share: float) -> list[int]:
    """Fill the dry side with cereal, and heap the mix over it below ``share`` of its height."""
    parts = []
    if share > 0:
        parts.append(canvas.new_part(CEREAL))
        pile_flakes(canvas, canvas.cover(box.floor(dry=True)), parts[0])
    n_pairs = int((1 - share) * SIDE_WIDTH * SIDE_HEIGHT / 680)  # 680 px: heaped a little
    rows = np.linspace((share - 0.5) * SIDE_HEIGHT + 9, SIDE_HEIGHT / 2 - 13, 2 * n_pairs)
    columns = _spread(canvas.rng, 2 * n_pairs) * (SIDE_WIDTH / 2 - 18)
    for number, index in enumerate(canvas.rng.permutation(2 * n_pairs)):
        local = np.array([[columns[index], rows[index]]])
        x, y = place(local, box.side(dry=True), box.angle_deg)[0]
        is_chip = number % 2 == 0
        parts.append(canvas.new_part(CHIP if is_chip else ALMOND))
        paint = paint_banana_chip if is_chip else paint_almond
        paint(canvas, parts[-1], (float(x), float(y)))
    return parts


def _spread(rng: np.random.Generator, n: int) -> np.ndarray:
    """Even but irregular positions from -1 to 1: golden-ratio steps with jitter."""
    return ((np.arange(n) * 0.618 + rng.uniform()) % 1 * 2 - 1) + rng.normal(0, 0.02, n)


def _paint_fruit(
    canvas: Canvas, box: Box, wanted: tuple[int, ...]
) -> list[tuple[int, int, Position]]:
    """Lay fruit loosely into its side; return part, class and middle of each."""
    radii = [PEACH_RADIUS if each == PEACH else ORANGE_RADIUS for each in wanted]
    room = box.floor(dry=False, inset=4)
    poses = scatter(canvas.rng, [polygon(1.02 * radius, 24) for radius in radii], room)
    placed = []
    for class_id, (center, angle) in zip(wanted, poses, strict=True):
        part = canvas.new_part(class_id)
        paint = paint_peach if class_id == PEACH else paint_orange
        paint(canvas, part, center, angle)
        placed.append((part, class_id, center))
    return placed


CATEGORY = Category(
    name="meal",
    height=380,
    width=480,
    classes=(
        "background",
        "box",
        "orange",
        "peach",
        "cereal",
        "banana_chip",
        "almond",
        "foreign",
    ),
    anomaly_types=(
        logical("missing_orange", FRUIT_PX),
        logical("missing_peach", FRUIT_PX),
        logical("extra_orange", FRUIT_PX),
        logical("two_peaches", FRUIT_PX),
        logical("swapped_sides"),
        logical("missing_cereal"),
        logical("missing_mix"),
        logical("wrong_proportion"),
        structural("rotten_peach"),
        structural("peeled_orange"),
        structural("contamination"),
        structural("cracked_box"),
    ),
    draw=draw,
)
