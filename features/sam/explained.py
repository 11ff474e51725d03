"""Do the masks found so far explain a point, so that it need not be asked?

Equal masks are one thing. A point is explained by the smallest thing that holds it if the points
asked nearest to it inside were all answered with that thing and none smaller, and if the image
looks there as it mostly does inside: a little thing between the points asked so far looks
different.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import islice

import cv2
import numpy as np
from jaxtyping import Float32

from features.sam.asking import View
from features.sam.drafts import Draft, Shape
from features.sam.points import Points

# points asked nearest by, inside the same thing, that have to agree
N_WITNESSES = 4
# how far from a thing's median colour a place may look: in its spreads (medians of the absolute
# deviation), and what counts as spread at least, in units of CIELAB
MAX_ODDNESS = 4.0
MIN_SPREAD = 1.5

NOTHING = -1


class Explained:
    """What was asked in one view so far, and which things were the answers."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._things: list[Shape] = []
        self._looks: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        # of the points asked: where they are, and the smallest thing each was answered with
        self._asked_xy = np.zeros((0, 2))
        self._smallest: list[int] = []

    def learn(self, points_xy: Points, answers: Sequence[Sequence[Draft]]) -> None:
        """Note what was asked and found, a list of drafts for each point."""
        for drafts in answers:
            numbers = [self._number(draft.shape) for draft in drafts]
            smallest = min(numbers, key=lambda n: self._things[n].area, default=NOTHING)
            self._smallest.append(smallest)
        self._asked_xy = np.concatenate([self._asked_xy, points_xy])

    def has(self, x: float, y: float) -> bool:
        """Say whether there is no need to ask at a point of the view, in pixels."""
        holding = [n for n, thing in enumerate(self._things) if self._holds(thing, x, y)]
        if not holding:
            return False
        smallest = min(holding, key=lambda n: self._things[n].area)
        witnesses = self._witnesses(x, y, self._things[smallest])
        return (
            len(witnesses) == N_WITNESSES
            and all(self._smallest[index] == smallest for index in witnesses)
            and self._looks_usual(x, y, smallest)
        )

    def _witnesses(self, x: float, y: float, thing: Shape) -> list[int]:
        """Find the nearest points inside a thing that were asked."""
        distance = np.hypot(*(self._asked_xy - (x, y)).T)
        inside = (
            index
            for index in np.argsort(distance, kind="stable").tolist()
            if self._holds(thing, *self._asked_xy[index].tolist())
        )
        return list(islice(inside, N_WITNESSES))

    def _looks_usual(self, x: float, y: float, number: int) -> bool:
        if number not in self._looks:
            inside = self._lab[self._things[number].is_inside]
            median = np.median(inside, axis=0)
            spread = np.maximum(np.median(np.abs(inside - median), axis=0), MIN_SPREAD)
            self._looks[number] = median, spread
        median, spread = self._looks[number]
        oddness = np.abs(self._lab[self._cell(x, y)] - median) / spread
        return bool(oddness.max() <= MAX_ODDNESS)

    def _number(self, shape: Shape) -> int:
        """Find the thing that has a shape, or make it a new one."""
        for number, thing in enumerate(self._things):
            if shape.is_same(thing):
                return number
        self._things.append(shape)
        return len(self._things) - 1

    def _holds(self, thing: Shape, x: float, y: float) -> bool:
        return bool(thing.is_inside[self._cell(x, y)])

    @cached_property
    def _lab(self) -> Float32[np.ndarray, "rows columns 3"]:
        """The view at low resolution, in CIELAB."""
        rows, columns = self._things[0].is_inside.shape
        small = cv2.resize(self._view.pixels, (columns, rows), interpolation=cv2.INTER_AREA)
        lab: np.ndarray = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        return lab

    def _cell(self, x: float, y: float) -> tuple[int, int]:
        """Row and column at low resolution."""
        rows, columns = self._things[0].is_inside.shape
        height, width = self._view.embedding.image_size
        return min(int(y * rows / height), rows - 1), min(int(x * columns / width), columns - 1)
