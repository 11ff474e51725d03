"""Do the masks found so far explain a point, so that it need not be asked?

Nearly equal masks are one thing, and a thing is established once several points were answered with
it. A point is explained if it lies in a thing, if all points asked around it were answered with
established things and nothing else, and if the image looks there as it mostly does in the smallest
thing that holds it: a little thing between the points asked so far looks different. So wherever
something new turns up, the points around it are asked, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Float32

from features.sam.asking import View
from features.sam.drafts import Draft, Shape
from features.sam.points import Points

# answers that establish a thing
N_ANSWERS = 3
# points asked nearest by that must have brought nothing else: those around a point of a lattice
N_AROUND = 4
# how far from a thing's median colour a place may look: in its spreads (medians of the absolute
# deviation), and what counts as spread at least, in units of CIELAB
MAX_ODDNESS = 4.0
MIN_SPREAD = 1.5


class Explained:
    """What was asked in one view so far, and which things were the answers."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._things: list[Shape] = []
        self._n_answers: list[int] = []
        self._looks: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        # of the points asked: where they are, and with which things each was answered
        self._asked_xy = np.zeros((0, 2))
        self._answers: list[set[int]] = []

    def learn(self, points_xy: Points, answers: Sequence[Sequence[Draft]]) -> None:
        """Note what was asked and found, a list of drafts for each point."""
        for drafts in answers:
            numbers = {self._number(draft.shape) for draft in drafts}
            for number in numbers:
                self._n_answers[number] += 1
            self._answers.append(numbers)
        self._asked_xy = np.concatenate([self._asked_xy, points_xy])

    def has(self, x: float, y: float) -> bool:
        """Say whether there is no need to ask at a point of the view, in pixels."""
        if not self._things:
            return False
        cell = self._cell(x, y)
        holding = [n for n, thing in enumerate(self._things) if thing.is_inside[cell]]
        if not holding or not self._is_settled(x, y):
            return False
        smallest = min(holding, key=lambda n: self._things[n].area)
        median, spread = self._look(smallest)
        return bool((np.abs(self._lab[cell] - median) <= MAX_ODDNESS * spread).all())

    def _is_settled(self, x: float, y: float) -> bool:
        """Say whether the points around were answered with established things alone."""
        distance = np.hypot(*(self._asked_xy - (x, y)).T)
        around = [self._answers[n] for n in np.argsort(distance, kind="stable")[:N_AROUND]]
        return all(
            numbers and all(self._n_answers[number] >= N_ANSWERS for number in numbers)
            for numbers in around
        )

    def _look(self, number: int) -> tuple[Float32[np.ndarray, "3"], Float32[np.ndarray, "3"]]:
        """Return the median colour of a thing, and its spread."""
        if number not in self._looks:
            inside = self._lab[self._things[number].is_inside]
            median = np.median(inside, axis=0)
            spread = np.median(np.abs(inside - median), axis=0)
            self._looks[number] = median, np.maximum(spread, np.float32(MIN_SPREAD))
        return self._looks[number]

    def _number(self, shape: Shape) -> int:
        """Find the thing that has a shape, or make it a new one."""
        for number, thing in enumerate(self._things):
            if shape.is_same(thing):
                return number
        self._things.append(shape)
        self._n_answers.append(0)
        return len(self._things) - 1

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
