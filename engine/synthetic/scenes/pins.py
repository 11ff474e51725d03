"""Tray with one push pin in each of fifteen compartments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.synthetic.scenes import primitives
from engine.synthetic.scenes.canvas import SUPERSAMPLING, Canvas, Patch
from engine.synthetic.scenes.category import Category, logical, structural
from engine.synthetic.scenes.damage import crack, foreign_thread, stain
from engine.synthetic.scenes.primitives import (
    Material,
    Points,
    Position,
    blend,
    move,
    place,
    rectangle,
    turned,
)

TRAY, PIN, FOREIGN = 1, 2, 3
ROWS, COLUMNS = 3, 5
CELL_WIDTH, CELL_HEIGHT, WALL = 80.0, 84.0, 6.0  # px; the pitch is cell plus wall
PIN_PX = 1250  # visible area of one pin

# Radius of the plastic head at stations along its axis: flat cap, waist, collar; in pixels.
ALONG = np.array([-34, -33, -28, -27, -22, -14, -7, -5, -4, 0, 1], dtype=float)
RADIUS = np.array([12, 14, 14, 12, 7.6, 6.8, 9, 13.5, 16.5, 16.5, 15], dtype=float)
TIP = 31.0
NEEDLE = np.array([[0, -1.7], [TIP - 5, -1.6], [TIP, 0], [TIP - 5, 1.6], [0, 1.7]])
BENT_NEEDLE = np.array([[0, -1.7], [12, -1.6], [20, 21], [17, 22], [10, 1.6], [0, 1.7]])

YELLOW = Material("#e6ae12", gloss=0.5, hardness=30, mottle=0.03)
RED = Material("#b31f24", gloss=0.5, hardness=30, mottle=0.03)
STEEL = Material("#c8ccd2", gloss=0.6, hardness=18, mirror=0.7, mottle=0.04)
PLASTIC = Material("#b9bdbb", gloss=0.12, hardness=12, mottle=0.025, mottle_px=9)
FLOOR = Material("#96999a", mottle=0.035, mottle_px=5)
FRACTURE = Material("#fff1b8", mottle=0.3)

Cell = tuple[int, int]


@dataclass(frozen=True)
class Tray:
    """Where the tray lies: its middle and its rotation."""

    center_xy: Position
    angle_deg: float

    def at(self, row: float, column: float) -> Position:
        """Image position of the middle of a compartment; halves lie on the walls."""
        x = (column - (COLUMNS - 1) / 2) * (CELL_WIDTH + WALL)
        y = (row - (ROWS - 1) / 2) * (CELL_HEIGHT + WALL)
        x, y = place(np.array([[x, y]]), self.center_xy, self.angle_deg)[0]
        return float(x), float(y)

    def outline(self, row: float, column: float, width: float, corner: float) -> Points:
        """Outline of a compartment, or of something as high as one."""
        box = rectangle(width, CELL_HEIGHT, corner)
        return place(box, self.at(row, column), self.angle_deg)


def draw(canvas: Canvas, anomaly_type: str) -> None:
    """Paint the tray, then a pin in each compartment, then the anomaly."""
    rng = canvas.rng
    canvas.fill("#5a6672", 0.05 * primitives.weave(rng, (canvas.height, canvas.width), 3.0))
    tray = Tray((240 + rng.normal(0, 3), 160 + rng.normal(0, 3)), rng.normal(0, 0.8))
    row, column = int(rng.integers(ROWS)), int(rng.integers(COLUMNS - 1))
    target, neighbour = (row, column), (row, column + 1)

    body, cells = _paint_tray(canvas, tray, target if anomaly_type == "missing_wall" else None)
    contents = dict.fromkeys(cells, 1)
    contents[target] += {"missing_pin": -1, "moved_pin": -1, "two_pins": 1}.get(anomaly_type, 0)
    contents[neighbour] += int(anomaly_type == "moved_pin")
    pins = {
        cell: _paint_pins(canvas, tray, cell, count, anomaly_type if cell == target else "good")
        for cell, count in contents.items()
    }

    x, y = tray.at(*target)
    match anomaly_type:
        case "missing_pin":
            canvas.mark(anomaly_type, cells[target])
        case "moved_pin":
            canvas.mark(anomaly_type, cells[target])
            canvas.mark_parts(anomaly_type, pins[neighbour])
        case "two_pins" | "wrong_colour":
            canvas.mark_parts(anomaly_type, pins[target])
        case "missing_wall":
            wall = tray.outline(row, column + 0.5, WALL + 4, 0)
            canvas.mark(anomaly_type, canvas.cover(wall), [body])
        case "contamination":
            foreign_thread(canvas, anomaly_type, FOREIGN, (x, y), rng.uniform(50, 70))
        case "cracked_tray":
            crack(canvas, anomaly_type, (x + CELL_WIDTH / 2, y + 30), rng.uniform(70, 90), [body])
        case "stained_tray":
            stain(
                canvas,
                anomaly_type,
                (x + rng.normal(0, 8), y + 22),
                rng.uniform(15, 19),
                parts=[body],
            )


def _paint_tray(canvas: Canvas, tray: Tray, open_at: Cell | None) -> tuple[int, dict[Cell, Patch]]:
    """Paint body and compartments; ``open_at`` and its right neighbour have no wall between."""
    part = canvas.new_part(TRAY)
    width, height = COLUMNS * (CELL_WIDTH + WALL) + 14, ROWS * (CELL_HEIGHT + WALL) + 14
    body = canvas.cover(place(rectangle(width, height, 16), tray.center_xy, tray.angle_deg))
    canvas.cast_shadow(body, 9, 0.6)
    canvas.paint(body, PLASTIC, part=part, height=body.dome(5))
    cells = {
        (row, column): canvas.cover(tray.outline(row, column, CELL_WIDTH, 7))
        for row in range(ROWS)
        for column in range(COLUMNS)
    }
    recesses = dict(cells)
    if open_at is not None:
        row, column = open_at
        del recesses[row, column + 1]
        joined = tray.outline(row, column + 0.5, 2 * CELL_WIDTH + WALL, 7)
        recesses[open_at] = canvas.cover(joined)
    for recess in recesses.values():
        canvas.paint(recess, FLOOR, height=recess.dome(-4))
        canvas.sink(recess, 8)
    return part, cells


def _paint_pins(canvas: Canvas, tray: Tray, cell: Cell, count: int, flaw: str) -> list[int]:
    """Lay pins into one compartment: one across the middle, two side by side."""
    rng, (x, y) = canvas.rng, tray.at(*cell)
    heading = tray.angle_deg + rng.normal(-35, 9)
    turn = np.deg2rad(heading)
    parts = []
    for index in range(count):
        aside = (index - (count - 1) / 2) * 37
        shift_x, shift_y = rng.normal(0, 2.5, 2)
        center = x + shift_x - aside * np.sin(turn), y + shift_y + aside * np.cos(turn)
        parts.append(canvas.new_part(PIN))
        _paint_pin(canvas, parts[-1], center, heading + rng.normal(0, 4), flaw)
    return parts


def _paint_pin(canvas: Canvas, part: int, center: Position, angle: float, flaw: str) -> None:
    """Paint needle and head of one pin; mark what is broken about it."""
    needle = BENT_NEEDLE if flaw == "bent_needle" else NEEDLE
    metal = canvas.cover(place(needle, center, angle))
    first = 4 if flaw == "broken_head" else 0  # from the waist on
    head = canvas.cover(place(turned(ALONG[first:], RADIUS[first:]), center, angle))
    canvas.cast_shadow(metal, 4, 0.5)
    canvas.cast_shadow(head, 5)
    canvas.paint(metal, STEEL, part=part, height=metal.dome(1.6))

    along, across = head.frame(center, angle)
    radius = np.interp(along, ALONG, RADIUS)
    height = np.sqrt(np.maximum(radius**2 - across**2, 0.05)) * 0.8 * SUPERSAMPLING
    material = RED if flaw == "wrong_colour" else YELLOW
    albedo = blend(material.color, "#fff0c8", 0.28 - radius / 60)  # paler where it is thin
    canvas.paint(head, material, part=part, height=height, albedo=albedo)

    if flaw == "bent_needle":
        canvas.mark(flaw, metal, [part])
    if flaw == "broken_head":
        stump = canvas.cover(place(move(rectangle(4, 15), -21, 0), center, angle))
        canvas.paint(canvas.clip(stump, [part]), FRACTURE)
        canvas.mark(flaw, canvas.cover(place(turned(ALONG[:5], RADIUS[:5]), center, angle)))


CATEGORY = Category(
    name="pins",
    height=320,
    width=480,
    classes=("background", "tray", "pin", "foreign"),
    anomaly_types=(
        logical("missing_pin", PIN_PX),
        logical("two_pins", PIN_PX),
        logical("moved_pin", PIN_PX),
        logical("wrong_colour"),
        logical("missing_wall"),
        structural("broken_head"),
        structural("bent_needle"),
        structural("contamination"),
        structural("cracked_tray"),
        structural("stained_tray"),
    ),
    draw=draw,
)
