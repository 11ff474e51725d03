"""Network view: what a network sees of one photograph, as it lies, in other light, and turned.

A network that has learnt photographs of the world knows what things look like; but it knows up from
down, and is not blind to light. So it is shown each reference turned in steps, too: how an image
lies need not be found out. And it is shown each image twice, as it is and brought to the usual
light, if that is another. Nothing is lost to a warp, and nothing depends on the pose.

At the frame things are cut, and what is not the product comes into the picture: there, normal
images differ more from each other than in their middle. How much more is learnt from the
references, by the number of cells to the frame, and distances there count as much less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Self

import cv2
import numpy as np
from jaxtyping import Float32, Int64

from alignment.transforms import Affine, about_center, compose, invert, rescale, warp_image
from features.config_fields import Range
from features.dense import Backbone, DenseMap
from features.images import AnyImage, Mask, light_of, with_light

CellMap = Float32[np.ndarray, "rows columns"]

# rows of a matrix of products that are held at once
CHUNK_ROWS = 512
# so far beyond its own cell a thing changes descriptors: the network sees wide surroundings
REACH_CELLS = 3
# units of CIELAB; light that differs less is the same
SAME_LIGHT = 2.0
# turned copies stay if they bring references nearer to each other than this share
TURNS_HELP = 0.9
# references that decide it, each looked up in all others of them
N_DECIDING = 4
# share of the cells that speak for an image there, as in the score
WORST_SHARE = 0.005
# how much farther from each other normal images are at the frame, one cell from it, and so on, than
# in the middle; what products show of which that is so. Of k references, k / (k + 1) is their own
USUAL_FRAME = (1.4, 1.3, 1.2, 1.1, 1.0)
# of distances: nearly the largest, as it is the largest that speak for an image
FRAME_QUANTILE = 0.98


@dataclass(frozen=True)
class NetworkViewConfig:
    """What the network is shown of references and images."""

    n_turns: Annotated[int, Range(1, 36)] = 8
    """Turns of each reference, evenly over the circle; 1 is only as it lies."""
    is_light_matched: bool = True
    """Whether images are shown a second time, brought to the light of the references."""


@dataclass(frozen=True)
class NetworkView:
    """Descriptors of length 1 of one photograph, and of its turned copies if it is a reference."""

    dense: DenseMap
    """Of the photograph as it lies."""
    to_registered: Affine
    """From (x, y) in working pixels of the photograph to those of the registered image."""
    in_usual_light: Float32[np.ndarray, "rows columns dim"] | None = None
    """Of the photograph brought to the light of the references; None where that is its own."""
    turned: Float32[np.ndarray, "_ dim"] | None = None
    """The valid cells of all turned copies."""
    weights: CellMap | None = None
    """What the distance of each cell counts, 0 … 1: less near the frame. None is 1 everywhere."""

    def state(self) -> dict[str, np.ndarray]:
        """Return the view as a model file holds it: descriptors in half precision."""
        kept = {
            "view_tokens": self.dense.tokens,
            "view_in_usual_light": self.in_usual_light,
            "view_turned": self.turned,
            "view_weights": self.weights,
        }
        state = {key: each.astype(np.float16) for key, each in kept.items() if each is not None}
        return {**state, "view_to_registered": self.to_registered}

    @classmethod
    def of_state(cls, state: Mapping[str, np.ndarray]) -> NetworkView | None:
        """Take a view as ``state`` gave it; None if there is none."""
        if "view_tokens" not in state:
            return None
        wide = {key: a.astype(np.float32) for key, a in state.items() if a.dtype == np.float16}
        tokens = wide["view_tokens"]
        return cls(
            DenseMap(tokens, np.ones(tokens.shape[:2], dtype=bool)),
            state["view_to_registered"],
            wide.get("view_in_usual_light"),
            wide.get("view_turned"),
            wide.get("view_weights"),
        )

    def nearest(self, reference: NetworkView) -> CellMap:
        """One minus the largest cosine of each cell with one of the reference; infinite if none.

        A cell is what it is in its own light or in the usual one, whichever is nearer. What comes
        out is weighted.
        """
        own = reference.dense
        keys = own.tokens[own.is_valid]
        if reference.turned is not None:
            keys = np.concatenate([keys, reference.turned])
        is_asked = self.dense.is_valid
        likeness = _largest(self.dense.tokens[is_asked], keys)
        if self.in_usual_light is not None:
            likeness = np.maximum(likeness, _largest(self.in_usual_light[is_asked], keys))
        distance = np.full(is_asked.shape, np.inf, dtype=np.float32)
        distance[is_asked] = np.maximum(1 - likeness, 0)
        return distance if self.weights is None else distance * self.weights

    def without(self, is_hidden: Mask) -> NetworkView:
        """Leave out the cells that hidden pixels of the registered image can have touched."""
        (rows, columns), (height, width) = self.dense.is_valid.shape, is_hidden.shape
        to_cells = rescale((height, width), (rows, columns))
        move = compose(to_cells, invert(self.to_registered))
        # one pixel is taken for each cell, so the mask is widened by a cell first
        cell_px = -(-height // rows)
        wide = cv2.dilate(is_hidden.astype(np.uint8), np.ones((cell_px, cell_px), np.uint8))
        hidden = cv2.warpAffine(wide, move, (columns, rows), flags=cv2.INTER_NEAREST)
        reach = np.ones((2 * REACH_CELLS + 1,) * 2, np.uint8)
        is_valid = self.dense.is_valid & (cv2.dilate(hidden, reach) == 0)
        return replace(self, dense=replace(self.dense, is_valid=is_valid))

    def registered(
        self,
        cells: Float32[np.ndarray, "own_rows own_columns"],
        grid: tuple[int, ...],
        working_size: tuple[int, ...],
    ) -> CellMap:
        """Lay a map of this view's cells on a grid over the registered image; 0 beyond it."""
        rows, columns = grid
        height, width = working_size
        to_pixels = rescale((cells.shape[0], cells.shape[1]), (height, width))
        to_grid = rescale((height, width), (rows, columns))
        move = compose(to_grid, compose(self.to_registered, to_pixels))
        moved: np.ndarray = cv2.warpAffine(cells, move, (columns, rows), flags=cv2.INTER_LINEAR)
        return moved


class Viewer:
    """Shows photographs to a network."""

    def __init__(self, backbone: Backbone, config: NetworkViewConfig) -> None:
        self.backbone = backbone
        self.config = config
        self._light: Float32[np.ndarray, "3"] | None = None
        self._frame = np.array(USUAL_FRAME, dtype=np.float32)

    def fit(self, photos: list[AnyImage]) -> Self:
        """Learn the usual light, and what the backbone learns."""
        self.backbone.fit(photos)
        self._light = np.median([light_of(photo) for photo in photos], axis=0).astype(np.float32)
        return self

    def state(self) -> dict[str, np.ndarray]:
        """Return what was learnt."""
        assert self._light is not None
        return {**self.backbone.state(), "light": self._light, "frame": self._frame}

    def restore(self, state: dict[str, np.ndarray]) -> Self:
        """Take what was learnt from a stored state instead of fitting."""
        self.backbone.restore(state)
        self._light, self._frame = state["light"], state["frame"]
        return self

    def identity(self) -> dict[str, str]:
        """Name the network."""
        return self.backbone.identity()

    def __call__(self, photo: AnyImage, to_registered: Affine) -> NetworkView:
        """Show it a photograph as it lies, and again in the usual light."""
        seen = self._look(photo, to_registered)
        return replace(seen, weights=_frame_weights(seen, self._frame))

    def references(
        self, photos: Sequence[AnyImage], to_registered: Sequence[Affine]
    ) -> list[NetworkView]:
        """Show it the references, turned where that helps; learn how they differ at the frame."""
        views = [self._turned(*each) for each in zip(photos, to_registered, strict=True)]
        views, apart = without_needless_turns(views)
        self._frame = learn_frame(apart)
        return [replace(each, weights=_frame_weights(each, self._frame)) for each in views]

    def _look(self, photo: AnyImage, to_registered: Affine) -> NetworkView:
        assert self._light is not None
        dense = self.backbone(photo)
        own = light_of(photo)
        if not self.config.is_light_matched or np.abs(own - self._light).max() < SAME_LIGHT:
            return NetworkView(dense, to_registered)
        matched = self.backbone(with_light(photo, own, self._light))
        return NetworkView(dense, to_registered, matched.tokens)

    def _turned(self, photo: AnyImage, to_registered: Affine) -> NetworkView:
        size, n_turns = (photo.shape[0], photo.shape[1]), self.config.n_turns
        seen = self._look(photo, to_registered)
        cells = []
        for turn in range(1, n_turns):
            move = about_center(size, angle_rad=2 * np.pi * turn / n_turns)
            dense = self.backbone(*warp_image(photo, move))
            cells.append(dense.tokens[dense.is_valid])
        return replace(seen, turned=np.concatenate(cells) if cells else None)


def without_needless_turns(
    views: Sequence[NetworkView],
) -> tuple[list[NetworkView], list[CellMap]]:
    """Leave the turned copies out where references explain each other as well without them.

    Then the product lies as it lies, a turned one is not normal, and looking up is quicker. A
    single reference cannot tell. Returned are also the distances of some references to the others.
    """
    if len(views) < 2:
        return list(views), []
    upright = [replace(each, turned=None) for each in views]
    with_turns, without = _apart(views[:N_DECIDING]), _apart(upright[:N_DECIDING])
    if _unlikeness(with_turns) < TURNS_HELP * _unlikeness(without):
        return list(views), with_turns
    return upright, without


def learn_frame(apart: Sequence[CellMap]) -> Float32[np.ndarray, " cells"]:
    """Learn how much larger distances between normal images are at the frame than in the middle.

    It is 1 or more, and what it usually is where there are none.
    """
    frame = np.array(USUAL_FRAME, dtype=np.float32)
    if not apart:
        return frame
    near = [_to_frame(cells.shape) for cells in apart]
    high = np.ones(len(USUAL_FRAME))
    for far in range(len(USUAL_FRAME)):
        there = [cells[at == far] for cells, at in zip(apart, near, strict=True)]
        found = np.concatenate(there)
        if found.size:  # small images have no middle
            high[far] = np.quantile(found, FRAME_QUANTILE)
    own = np.maximum(high / max(high[-1], 1e-6), 1)
    share = len(apart) / (len(apart) + 1)
    learnt: np.ndarray = (own**share * frame ** (1 - share)).astype(np.float32)
    return learnt


def _to_frame(grid: tuple[int, ...]) -> Int64[np.ndarray, "rows columns"]:
    """Cells between each cell and the frame, at most as many as are told apart."""
    rows, columns = (np.minimum(np.arange(n), np.arange(n)[::-1]) for n in grid)
    return np.minimum(np.minimum.outer(rows, columns), len(USUAL_FRAME) - 1)


def _frame_weights(view: NetworkView, frame: Float32[np.ndarray, " cells"]) -> CellMap:
    # as a model keeps them
    weights = (1 / frame).astype(np.float16).astype(np.float32)
    of_cells: CellMap = weights[_to_frame(view.dense.is_valid.shape)]
    return of_cells


def _apart(views: Sequence[NetworkView]) -> list[CellMap]:
    """Distance of each cell of each view to all others."""
    return [
        np.minimum.reduce([view.nearest(other) for other in views if other is not view])
        for view in views
    ]


def _unlikeness(apart: Sequence[CellMap]) -> float:
    """Mean over the views of what is asked of their worst cells."""
    worst = []
    for cells in apart:
        n_worst = max(1, round(WORST_SHARE * cells.size))
        worst.append(float(np.sort(cells, axis=None)[-n_worst:].mean()))
    return float(np.mean(worst))


def _largest(
    queries: Float32[np.ndarray, "queries dim"], keys: Float32[np.ndarray, "keys dim"]
) -> Float32[np.ndarray, " queries"]:
    """Largest inner product of each query; minus infinite without keys."""
    largest = np.full(len(queries), -np.inf, dtype=np.float32)
    for first in range(0, len(queries) if len(keys) else 0, CHUNK_ROWS):
        chunk = slice(first, first + CHUNK_ROWS)
        largest[chunk] = (queries[chunk] @ keys.T).max(axis=1)
    return largest
