"""Pieces of a picture: their pixels, and the thing that each belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import Int16, Int64, UInt16

from engine.synthetic.scenes.canvas import Canvas
from engine.synthetic.scenes.record import Scene
from features.images import Image, Mask

NO_PARENT = -1
MAX_MEANINGS = 3  # of a point: as many masks as the network gives for one prompt

Labels = Int64[np.ndarray, "height width"]
Parents = Int16[np.ndarray, " pieces"]


@dataclass(frozen=True)
class Pieces:
    """A picture whose pixel (y, x) belongs to piece ``labels[y, x]``; piece 0 is the ground.

    ``parents`` names the piece that a piece is part of, or ``NO_PARENT``.
    """

    image: Image
    labels: UInt16[np.ndarray, "height width"]
    parents: Parents


@dataclass
class Sheet:
    """A canvas with the tree of what was painted on it.

    Things lie on ``grounds``; those on the ``tray`` are part of it, as a meal is part of a dish.
    """

    canvas: Canvas
    parents: list[int] = field(default_factory=lambda: [NO_PARENT])
    grounds: set[int] = field(default_factory=lambda: {0})
    tray: int = NO_PARENT

    def new_piece(self, parent: int, *, is_ground: bool = False) -> int:
        piece = self.canvas.new_part(0)
        self.parents.append(parent)
        if is_ground:
            self.grounds.add(piece)
        return piece

    def own(self, piece: int) -> list[int]:
        """The piece and its immediate parts."""
        return [piece, *(part for part, parent in enumerate(self.parents) if parent == piece)]

    def tray_under(self, piece: int) -> int:
        """The tray if the piece is part of it, else ``NO_PARENT``."""
        while piece not in (self.tray, NO_PARENT):
            piece = self.parents[piece]
        return piece


def pieces_of(scene: Scene) -> Pieces:
    """Read a rendered product as pieces; a part that fills a hole in another belongs to it."""
    labels = scene.part_map
    areas = np.bincount(labels.ravel())
    parents = np.full(len(areas), NO_PARENT, dtype=np.int16)
    for outer in np.argsort(-areas):  # the smallest surrounding part has the last word
        if outer == 0 or areas[outer] == 0:
            continue
        contours, _ = cv2.findContours(
            (labels == outer).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        filled = cv2.drawContours(np.zeros(labels.shape, np.uint8), contours, -1, 1, cv2.FILLED)
        inside = np.bincount(labels[filled > 0], minlength=len(areas))
        is_within = (inside > 0.95 * areas) & (areas > 0) & (areas < areas[outer])
        is_within[[0, outer]] = False
        parents[is_within] = outer
    return Pieces(scene.image, labels, parents)


def meanings(labels: Labels, parents: np.ndarray, leaf: int) -> list[Mask]:
    """What a point in ``leaf`` may mean, from small to large: it alone, with its parts, its whole.

    At most :data:`MAX_MEANINGS`; the outermost whole stays, meanings between are dropped.
    """
    masks = [labels == leaf]
    ancestor = leaf
    while ancestor != NO_PARENT:
        family = _family(parents, ancestor)
        whole = np.isin(labels, family) if len(family) > 1 else masks[0]
        if masks[-1].sum() < 0.95 * whole.sum():
            masks.append(whole)
        ancestor = int(parents[ancestor])
    return masks if len(masks) <= MAX_MEANINGS else [*masks[: MAX_MEANINGS - 1], masks[-1]]


def _family(parents: Parents, piece: int) -> list[int]:
    """A piece and all that belongs to it, directly or not."""
    family = [piece]
    for member in family:  # grows while it is read
        family.extend(int(child) for child in np.flatnonzero(parents == member))
    return family
