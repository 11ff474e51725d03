"""Terminal blocks joined by a cable whose colour says how many clamps they have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.synthetic.scenes import primitives
from engine.synthetic.scenes.canvas import Canvas
from engine.synthetic.scenes.category import Category, logical, structural
from engine.synthetic.scenes.damage import crack, foreign_chip, scratch
from engine.synthetic.scenes.primitives import (
    Material,
    Points,
    Position,
    bezier,
    blob,
    ellipse,
    move,
    place,
    rectangle,
    ribbon,
)

BLOCK, LEVER, CABLE, FOREIGN = 1, 2, 3, 4
# two variants: four references then usually show both, so that a score can know what is normal
CLAMPS = {"#1f5fae": 3, "#b8232a": 5}  # blue, red
PITCH, BLOCK_WIDTH, CABLE_WIDTH = 41.0, 96.0, 12.0  # px
BLOCK_REACH = 158.0  # px from the middle of the picture to that of a block
CABLE_PX = 2400  # visible area of the cable

HOUSING = Material("#b4b8ba", gloss=0.25, hardness=16, mottle=0.03, mottle_px=6)
ORANGE = Material("#dd6a14", gloss=0.4, hardness=20, mottle=0.03)
GROOVE = Material("#8f9496")
DARK = Material("#2b2d2f", mottle=0.1)
SPRING = Material("#c3c8cc", gloss=0.5, mirror=0.6)
SOOT = Material("#1d1713", gloss=0.1, mottle=0.4, mottle_px=2)
COPPER = Material("#c87a45", gloss=0.5, mirror=0.4, mottle=0.15, mottle_px=1.5)


@dataclass(frozen=True)
class Block:
    """A terminal block; ``side`` is -1 left and 1 right, its clamps count from the top."""

    center_xy: Position
    angle_deg: float
    side: int
    n_clamps: int

    def put(self, points: Points) -> Points:
        """Place points given relative to the middle, with x towards the other block."""
        return place(points * (-self.side, 1), self.center_xy, self.angle_deg)

    def row(self, clamp: int) -> float:
        """Height of a clamp relative to the middle of the block."""
        return (clamp - (self.n_clamps - 1) / 2) * PITCH

    def entry(self, clamp: int) -> Position:
        """Image position of the hole where a wire goes in."""
        x, y = self.put(np.array([[BLOCK_WIDTH / 2 - 9, self.row(clamp)]]))[0]
        return float(x), float(y)


def draw(canvas: Canvas, anomaly_type: str) -> None:
    """Paint plate, blocks with levers, cable, then the anomaly."""
    rng = canvas.rng
    canvas.fill("#85898c", _perforated(rng, (canvas.height, canvas.width)))
    color = list(CLAMPS)[int(rng.integers(len(CLAMPS)))]
    count = CLAMPS[color]
    wrong = int(rng.choice([each for each in CLAMPS.values() if each != count]))
    left_count = wrong if anomaly_type == "wrong_clamp_count" else count
    right_count = wrong if anomaly_type == "unequal_blocks" else left_count
    blocks = _stand(rng, -1, left_count), _stand(rng, 1, right_count)
    left, right = (_paint_block(canvas, block) for block in blocks)

    usable = min(left_count, right_count)
    start = int(rng.integers(usable))
    aside = (start + usable // 2) % usable
    end = aside if anomaly_type == "crossed_positions" else start
    wanted = {"missing_cable": (), "extra_cable": ((start, end), (aside, aside))}
    ends = wanted.get(anomaly_type, ((start, end),))
    cables = [_paint_cable(canvas, blocks, first, last, color) for first, last in ends]

    match anomaly_type:
        case "wrong_clamp_count":
            canvas.mark_parts(anomaly_type, [*left, *right])
        case "unequal_blocks":
            canvas.mark_parts(anomaly_type, right)
        case "crossed_positions" | "extra_cable":
            canvas.mark_parts(anomaly_type, [part for part, _ in cables])
        case "missing_cable":
            gap = move(rectangle(2 * BLOCK_REACH - BLOCK_WIDTH, PITCH * count), 240, 150)
            canvas.mark(anomaly_type, canvas.cover(gap), [0])
        case "bare_cable" | "burnt_cable":
            harm = _strip if anomaly_type == "bare_cable" else _char
            harm(canvas, anomaly_type, *cables[0])
        case "broken_lever":
            _break_lever(canvas, anomaly_type, blocks[0], start, left[1 + start])
        case "cracked_block":
            local = np.array([[14 - BLOCK_WIDTH / 2, blocks[0].row(count - 1) + 10]])
            x, y = blocks[0].put(local)[0]
            crack(canvas, anomaly_type, (float(x), float(y)), 56, left)
        case "scratched_block":
            row = blocks[1].row(int(rng.integers(right_count)))
            x, y = blocks[1].put(np.array([[-8.0, row + 8]]))[0]
            scratch(canvas, anomaly_type, (float(x), float(y)), rng.uniform(50, 60), right)
        case "contamination":
            spot = 240 + rng.uniform(-60, 60), 150 + rng.uniform(-70, 70)
            foreign_chip(canvas, anomaly_type, FOREIGN, spot, rng.uniform(12, 15))


def _perforated(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Brushed sheet steel with staggered round holes."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    pitch, (shift_x, shift_y) = 17.0, rng.uniform(0, 17, 2)
    a = 2 * np.pi / pitch
    lattice = np.cos(a * (x + shift_x)) * np.cos(a * (y + shift_y))
    holes = 1 / (1 + np.exp(-(np.abs(lattice) - 0.78) * 28))
    lit = 1 / (1 + np.exp(-(np.abs(np.roll(lattice, (2, 2), (0, 1))) - 0.78) * 28))
    brushed = 0.06 * primitives.stretched(rng, shape, 1.3, 90)
    return np.asarray(brushed - 0.72 * holes + 0.25 * lit * (1 - holes), dtype=np.float32)


def _stand(rng: np.random.Generator, side: int, n_clamps: int) -> Block:
    """Set a block down where it belongs, not quite straight."""
    center = 240 + side * BLOCK_REACH + rng.normal(0, 2.5), 150 + rng.normal(0, 4)
    return Block(center, rng.normal(0, 1.2), side, n_clamps)


def _paint_block(canvas: Canvas, block: Block) -> list[int]:
    """Paint housing, wire holes and levers; return the housing's part, then the levers'."""
    parts = [canvas.new_part(BLOCK)]
    housing = canvas.cover(block.put(rectangle(BLOCK_WIDTH, block.n_clamps * PITCH + 10, 8)))
    canvas.cast_shadow(housing, 12, 0.65)
    canvas.cast_shadow(housing, 3, 0.4)
    canvas.paint(housing, HOUSING, part=parts[0], height=housing.dome(6))
    for clamp in range(block.n_clamps):
        y = block.row(clamp)
        groove = canvas.cover(block.put(move(rectangle(68, PITCH - 7, 4), -8, y)))
        canvas.paint(groove, GROOVE, height=groove.dome(-3))
        canvas.sink(groove, 4)
        hole = canvas.cover(block.put(move(ellipse(9, 9), BLOCK_WIDTH / 2 - 10, y)))
        canvas.paint(hole, DARK, height=hole.dome(-4))
        parts.append(canvas.new_part(LEVER))
        lever = canvas.cover(block.put(move(rectangle(56, PITCH - 14, 5), -10, y)))
        canvas.cast_shadow(lever, 4, 0.6)
        canvas.paint(lever, ORANGE, part=parts[-1], height=lever.dome(5))
        grip = canvas.cover(block.put(move(rectangle(14, PITCH - 20, 3), -28, y)))
        canvas.paint(grip, ORANGE, part=parts[-1], height=grip.dome(-4))
    return parts


def _paint_cable(
    canvas: Canvas, blocks: tuple[Block, Block], start: int, end: int, color: str
) -> tuple[int, Points]:
    """Lead a cable from one clamp to another, slightly slack; return its part and path."""
    part = canvas.new_part(CABLE)
    (x0, y0), (x1, y1) = blocks[0].entry(start), blocks[1].entry(end)
    sag = canvas.rng.uniform(-14, 14, 2)
    path = bezier((x0, y0), (x0 + 75, y0 + sag[0]), (x1 - 75, y1 + sag[1]), (x1, y1))
    skin = canvas.cover(ribbon(path, CABLE_WIDTH))
    canvas.cast_shadow(skin, 9, 0.55)
    canvas.cast_shadow(skin, 3, 0.35)
    material = Material(color, gloss=0.45, hardness=16, mottle=0.03)
    canvas.paint(skin, material, part=part, height=skin.dome(CABLE_WIDTH / 2))
    return part, path


def _strip(canvas: Canvas, anomaly_type: str, part: int, path: Points) -> None:
    """Cut the insulation off a stretch, down to bare copper strands."""
    middle = int(canvas.rng.integers(11, 19))
    stretch = path[middle - 3 : middle + 4]
    bare = canvas.clip(canvas.cover(ribbon(stretch, CABLE_WIDTH + 2)), [part])
    canvas.paint(bare, DARK)
    strands = canvas.clip(canvas.cover(ribbon(stretch, 8)), [part])
    canvas.paint(strands, COPPER, height=strands.dome(3))
    canvas.mark(anomaly_type, bare)


def _char(canvas: Canvas, anomaly_type: str, part: int, path: Points) -> None:
    """Burn a stretch of the insulation black."""
    x, y = path[int(canvas.rng.integers(11, 19))]
    outline = blob(canvas.rng, 22, 0.2) * (1.3, 0.8)
    burn = canvas.clip(canvas.cover(place(outline, (float(x), float(y)), 0)), [part])
    canvas.paint(burn, SOOT, height=burn.dome(4))
    canvas.mark(anomaly_type, burn)


def _break_lever(canvas: Canvas, anomaly_type: str, block: Block, clamp: int, lever: int) -> None:
    """Snap the outer half of a lever off, so that the steel spring shows."""
    y = block.row(clamp)
    gap = canvas.cover(block.put(move(rectangle(34, PITCH - 13, 2), -22, y)))
    gap = canvas.clip(gap, [lever])
    canvas.paint(gap, DARK, height=gap.dome(-3))
    spring = canvas.cover(block.put(move(rectangle(22, 9, 2), -22, y)))
    canvas.paint(spring, SPRING, height=spring.dome(3))
    canvas.mark(anomaly_type, gap)


CATEGORY = Category(
    name="cable",
    height=300,
    width=480,
    classes=("background", "block", "lever", "cable", "foreign"),
    anomaly_types=(
        logical("wrong_clamp_count"),
        logical("unequal_blocks"),
        logical("crossed_positions"),
        logical("extra_cable", CABLE_PX),
        logical("missing_cable", CABLE_PX),
        structural("bare_cable"),
        structural("burnt_cable"),
        structural("broken_lever"),
        structural("cracked_block"),
        structural("scratched_block"),
        structural("contamination"),
    ),
    draw=draw,
)
