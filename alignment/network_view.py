"""Network view: what a network sees of one photograph, as it lies, in other light, and turned.

A network that has learnt photographs of the world knows what things look like; but it knows up from
down, and is not blind to light. So it is shown each reference turned in steps, too: how an image
lies need not be found out. And it is shown each image twice, as it is and brought to the usual
light, if that is another. Nothing is lost to a warp, and nothing depends on the pose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Self

import cv2
import numpy as np
from jaxtyping import Float32

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

    def state(self) -> dict[str, np.ndarray]:
        """Return the view as a model file holds it: descriptors in half precision."""
        kept = {
            "view_tokens": self.dense.tokens,
            "view_in_usual_light": self.in_usual_light,
            "view_turned": self.turned,
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
        )

    def nearest(self, reference: NetworkView) -> CellMap:
        """One minus the largest cosine of each cell with one of the reference; infinite if none.

        A cell is what it is in its own light or in the usual one, whichever is nearer.
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
        return distance

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

    def fit(self, photos: list[AnyImage]) -> Self:
        """Learn the usual light, and what the backbone learns."""
        self.backbone.fit(photos)
        self._light = np.median([light_of(photo) for photo in photos], axis=0).astype(np.float32)
        return self

    def state(self) -> dict[str, np.ndarray]:
        """Return what was learnt."""
        assert self._light is not None
        return {**self.backbone.state(), "light": self._light}

    def restore(self, state: dict[str, np.ndarray]) -> Self:
        """Take what was learnt from a stored state instead of fitting."""
        self.backbone.restore(state)
        self._light = state["light"]
        return self

    def identity(self) -> dict[str, str]:
        """Name the network."""
        return self.backbone.identity()

    def __call__(self, photo: AnyImage, to_registered: Affine) -> NetworkView:
        """Show it a photograph as it lies, and again in the usual light."""
        assert self._light is not None
        dense = self.backbone(photo)
        own = light_of(photo)
        if not self.config.is_light_matched or np.abs(own - self._light).max() < SAME_LIGHT:
            return NetworkView(dense, to_registered)
        matched = self.backbone(with_light(photo, own, self._light))
        return NetworkView(dense, to_registered, matched.tokens)

    def references(
        self, photos: Sequence[AnyImage], to_registered: Sequence[Affine]
    ) -> list[NetworkView]:
        """Show it the references, and turned ones, too, if that helps."""
        views = [self._turned(*each) for each in zip(photos, to_registered, strict=True)]
        return without_needless_turns(views)

    def _turned(self, photo: AnyImage, to_registered: Affine) -> NetworkView:
        size, n_turns = (photo.shape[0], photo.shape[1]), self.config.n_turns
        seen = self(photo, to_registered)
        cells = []
        for turn in range(1, n_turns):
            move = about_center(size, angle_rad=2 * np.pi * turn / n_turns)
            dense = self.backbone(*warp_image(photo, move))
            cells.append(dense.tokens[dense.is_valid])
        return replace(seen, turned=np.concatenate(cells) if cells else None)


def without_needless_turns(views: Sequence[NetworkView]) -> list[NetworkView]:
    """Leave the turned copies out where references explain each other as well without them.

    Then the product lies as it lies, a turned one is not normal, and looking up is quicker. A
    single reference cannot tell.
    """
    if len(views) < 2:
        return list(views)
    upright = [replace(each, turned=None) for each in views]
    with_turns, without = _unlikeness(views[:N_DECIDING]), _unlikeness(upright[:N_DECIDING])
    return list(views) if with_turns < TURNS_HELP * without else upright


def _unlikeness(views: Sequence[NetworkView]) -> float:
    """Mean over the views of the distance of their worst cells to all others."""
    worst = []
    for view in views:
        others = [view.nearest(other) for other in views if other is not view]
        cells = np.minimum.reduce(others)[view.dense.is_valid]
        n_worst = max(1, round(WORST_SHARE * cells.size))
        worst.append(float(np.sort(cells)[-n_worst:].mean()))
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
