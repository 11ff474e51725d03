"""Printed paper labels: a fruit with its name, and a line of text with a band."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.synthetic.scenes.canvas import SUPERSAMPLING, Canvas, Patch
from engine.synthetic.scenes.primitives import (
    Material,
    Points,
    Position,
    bezier,
    ellipse,
    move,
    place,
    rectangle,
    ribbon,
)

WIDTH, PICTURE_HEIGHT, TEXT_HEIGHT = 104.0, 104.0, 50.0  # px

PAPER = Material("#efeadd", mottle=0.025, mottle_px=2)
GREEN = Material("#4c8a34", mottle=0.1)


@dataclass(frozen=True)
class Label:
    """Where a label is glued and which part it is."""

    part: int
    center_xy: Position
    angle_deg: float

    def patch(self, canvas: Canvas, points: Points) -> Patch:
        """Cover of an outline given relative to the middle, as far as there is paper."""
        placed = place(points, self.center_xy, self.angle_deg)
        return canvas.clip(canvas.cover(placed), [self.part])


def paint_picture_label(canvas: Canvas, label: Label, fruit: str, torn: Points | None) -> None:
    """Print a fruit and its name; ``torn`` is the sheet that a tear left over."""
    sheet = rectangle(WIDTH, PICTURE_HEIGHT, 3) if torn is None else torn
    paper = canvas.cover(place(sheet, label.center_xy, label.angle_deg))
    canvas.paint(paper, PAPER, part=label.part)
    _print_fruit(canvas, label, fruit)
    _print_text(canvas, label, fruit.upper(), 38, 0.42, "#3a2a20")


def paint_text_label(canvas: Canvas, label: Label, color: str) -> None:
    """Print the line of text over a band of the juice's colour."""
    sheet = rectangle(WIDTH, TEXT_HEIGHT, 3)
    paper = canvas.cover(place(sheet, label.center_xy, label.angle_deg))
    canvas.paint(paper, PAPER, part=label.part)
    band = label.patch(canvas, move(rectangle(WIDTH, 12), 0, 15))
    canvas.paint(band, Material(color, mottle=0.03))
    _print_text(canvas, label, "100% Juice", -5, 0.48, "#23402c")


def tear(rng: np.random.Generator) -> tuple[Points, Points]:
    """Tear an upper corner off a picture label; return what is left and the corner."""
    half, side = WIDTH / 2, int(rng.choice([-1, 1]))
    edge = np.array(
        [[half, -20], [40, -12], [30, -24], [18, -22], [12, -36], [0, -40], [-6, -half]]
    )
    edge[1:-1] += rng.normal(0, 1.5, (len(edge) - 2, 2))
    corner = np.concatenate([edge, [[half, -half]]])
    rest = np.concatenate([edge, [[-half, -half], [-half, half], [half, half]]])
    return rest * (side, 1), corner * (side, 1)


def _print_fruit(canvas: Canvas, label: Label, fruit: str) -> None:
    """Print the picture of the fruit in the upper part of the label."""
    leaf = place(ellipse(13, 5), (14, -34), -30)
    stems: list[Points] = []
    if fruit == "banana":
        outer = bezier((-32, -22), (-20, 22), (16, 22), (33, -14))
        inner = bezier((36, -16), (20, 4), (-8, 4), (-28, -25))
        shapes, color, round_px = [np.concatenate([outer, inner])], "#f0c21c", 9.0
    elif fruit == "orange":
        shapes, color, round_px = [move(ellipse(27, 27), 0, -8)], "#ee8a12", 27.0
    else:
        shapes, color, round_px = (
            [move(ellipse(15, 15), -17, 4), move(ellipse(15, 15), 16, 8)],
            "#b3142c",
            15.0,
        )
        stems = [bezier((-16, -8), (-12, -24), (0, -34), (12, -38))]
        stems += [bezier((16, -4), (18, -20), (14, -32), (12, -38))]
    for stem in stems:
        canvas.paint(label.patch(canvas, ribbon(stem, 2)), GREEN)
    ink = Material(color, gloss=0.15, hardness=14)
    for shape in shapes:
        patch = label.patch(canvas, shape)
        canvas.paint(patch, ink, height=patch.dome(round_px) * 0.7)
    if fruit != "banana":
        patch = label.patch(canvas, leaf)
        canvas.paint(patch, GREEN, height=patch.dome(4))


def _print_text(
    canvas: Canvas, label: Label, text: str, down: float, scale: float, color: str
) -> None:
    """Print a line of text centred ``down`` pixels below the middle of the label."""
    font, thick, scale = cv2.FONT_HERSHEY_DUPLEX, SUPERSAMPLING, scale * SUPERSAMPLING
    (width, height), base = cv2.getTextSize(text, font, scale, thick)
    print_of = np.zeros((height + base + 4, width + 4), dtype=np.uint8)
    cv2.putText(print_of, text, (2, height + 1), font, scale, 255, thick, cv2.LINE_AA)
    # Letters are set upright, then turned with the label about their own middle.
    x, y = place(np.array([[0.0, down]]), label.center_xy, label.angle_deg)[0] * SUPERSAMPLING
    reach = int(np.hypot(*print_of.shape) / 2) + 2
    turn = cv2.getRotationMatrix2D((width / 2 + 2, height / 2 + 2), -label.angle_deg, 1)
    turn[:, 2] += reach - np.array([width / 2 + 2, height / 2 + 2])
    sheet = cv2.warpAffine(print_of, turn, (2 * reach, 2 * reach))
    patch = Patch(int(y) - reach, int(x) - reach, sheet.astype(np.float32) / 255)
    canvas.paint(canvas.clip(patch, [label.part]), Material(color, mottle=0.1), opacity=0.9)
