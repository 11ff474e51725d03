"""Network view: what a network sees of one photograph, as it lies, in other light, and turned.

A network that has learnt photographs of the world knows what things look like; but it knows up from
down, and is not blind to light. So it is shown each reference turned in steps, too: how an image
lies need not be found out. And it is shown each image twice, as it is and brought to the usual
light, if that is another. Nothing is lost to a warp, and nothing depends on the pose.

Of large photographs it is shown the registered image, too, in twice the size: there it sees what is
small. A cell is compared with those of the same place, or of all places if the product has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal, Self

import cv2
import numpy as np
from jaxtyping import Float32

from alignment.pose import RegisteredImage
from alignment.transforms import Affine, about_center, compose, invert, rescale, warp_image
from features.cnn import MAX_INPUT_PX, MIN_INPUT_PX
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
# of the second look: so far from its place a thing is the same, as registration is only so good
DETAIL_WINDOW_CELLS = 3


@dataclass(frozen=True)
class NetworkViewConfig:
    """What the network is shown of references and images."""

    n_turns: Annotated[int, Range(1, 36)] = 8
    """Turns of each reference, evenly over the circle; 1 is only as it lies."""
    is_light_matched: bool = True
    """Whether images are shown a second time, brought to the light of the references."""
    detail: Literal["auto", "off"] | Annotated[int, Range(MIN_INPUT_PX, MAX_INPUT_PX)] = "auto"
    """Side of the square whose area a second look has, at what is small. ``auto`` is twice that of
    the first where photographs have half as many pixels again as that, and else nothing."""


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
    detail: DenseMap | None = None
    """Of the registered photograph, seen larger; None where there is no second look."""
    is_placed: bool = True
    """Whether a place of the registered image is the same on all."""

    def state(self) -> dict[str, np.ndarray]:
        """Return the view as a model file holds it: descriptors in half precision."""
        kept = {
            "view_tokens": self.dense.tokens,
            "view_in_usual_light": self.in_usual_light,
            "view_turned": self.turned,
        }
        state = {key: each.astype(np.float16) for key, each in kept.items() if each is not None}
        state["view_to_registered"] = self.to_registered
        if self.detail is not None:
            state["view_detail"] = self.detail.tokens.astype(np.float16)
            state["view_detail_valid"] = self.detail.is_valid
            state["view_is_placed"] = np.array([self.is_placed])
        return state

    @classmethod
    def of_state(cls, state: Mapping[str, np.ndarray]) -> NetworkView | None:
        """Take a view as ``state`` gave it; None if there is none."""
        if "view_tokens" not in state:
            return None
        wide = {key: a.astype(np.float32) for key, a in state.items() if a.dtype == np.float16}
        tokens, detail = wide["view_tokens"], wide.get("view_detail")
        return cls(
            DenseMap(tokens, np.ones(tokens.shape[:2], dtype=bool)),
            state["view_to_registered"],
            wide.get("view_in_usual_light"),
            wide.get("view_turned"),
            None if detail is None else DenseMap(detail, state["view_detail_valid"]),
            detail is None or bool(state["view_is_placed"][0]),
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

    def nearest_in_detail(self, reference: NetworkView) -> CellMap | None:
        """Distance of each cell of the second look to that of the reference; None without one.

        Infinite where nothing can be compared, and 1 minus the largest cosine elsewhere.
        """
        if self.detail is None or reference.detail is None:
            return None
        ours, theirs = self.detail, reference.detail
        if self.is_placed:
            likeness = _largest_nearby(ours.tokens, theirs, DETAIL_WINDOW_CELLS)
        else:
            rows = ours.tokens.reshape(-1, ours.tokens.shape[-1])
            keys = theirs.tokens[theirs.is_valid]
            likeness = _largest(rows, keys).reshape(ours.is_valid.shape)
        distance: CellMap = np.where(ours.is_valid, np.maximum(1 - likeness, 0), np.float32(np.inf))
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
        seen = replace(self, dense=replace(self.dense, is_valid=is_valid))
        if self.detail is None:
            return seen
        size = self.detail.is_valid.shape
        touched = cv2.resize(is_hidden.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)
        near = cv2.dilate((touched > 0).astype(np.uint8), reach) > 0
        return replace(seen, detail=replace(self.detail, is_valid=self.detail.is_valid & ~near))

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
    """Shows photographs to a network: ``backbone`` as a whole, ``closer`` larger, if at all."""

    def __init__(
        self, backbone: Backbone, config: NetworkViewConfig, closer: Backbone | None = None
    ) -> None:
        self.backbone = backbone
        self.config = config
        self.closer = closer
        self._light: Float32[np.ndarray, "3"] | None = None
        self._is_closer = self._is_placed = False

    def fit(
        self,
        photos: Sequence[AnyImage],
        registered: Sequence[RegisteredImage],
        *,
        is_placed: bool = True,
        is_closer: bool = False,
    ) -> Self:
        """Learn the usual light, and what the backbone learns; look closer or not."""
        self.backbone.fit(photos)
        self._light = np.median([light_of(photo) for photo in photos], axis=0).astype(np.float32)
        self._is_placed, self._is_closer = is_placed, is_closer and self.closer is not None
        if self._is_closer and self.closer is not None:
            self.closer.fit([each.warp(photo)[0] for photo, each in _pairs(photos, registered)])
        return self

    def state(self) -> dict[str, np.ndarray]:
        """Return what was learnt."""
        assert self._light is not None
        state = {
            **self.backbone.state(),
            "light": self._light,
            "is_placed": np.array([self._is_placed]),
        }
        if self._is_closer and self.closer is not None:
            state |= {f"closer_{key}": value for key, value in self.closer.state().items()}
        return state

    def restore(self, state: dict[str, np.ndarray]) -> Self:
        """Take what was learnt from a stored state instead of fitting."""
        self.backbone.restore(state)
        self._light, self._is_placed = state["light"], bool(state["is_placed"][0])
        closer = {key[len("closer_") :]: a for key, a in state.items() if key.startswith("closer_")}
        self._is_closer = bool(closer) and self.closer is not None
        if self._is_closer and self.closer is not None:
            self.closer.restore(closer)
        return self

    def identity(self) -> dict[str, str]:
        """Name the network."""
        return self.backbone.identity()

    def __call__(self, photo: AnyImage, registered: RegisteredImage) -> NetworkView:
        """Show it a photograph as it lies, in the usual light, and closer."""
        assert self._light is not None
        own, matched, detail = light_of(photo), None, None
        if self.config.is_light_matched and np.abs(own - self._light).max() >= SAME_LIGHT:
            matched = with_light(photo, own, self._light)
        if self._is_closer and self.closer is not None:
            # in the usual light only: what is small is not found by its shade
            picture, is_valid = registered.warp(photo if matched is None else matched)
            detail = self.closer(picture, is_valid)
        return NetworkView(
            self.backbone(photo),
            invert(registered.to_original),
            None if matched is None else self.backbone(matched).tokens,
            detail=detail,
            is_placed=self._is_placed,
        )

    def references(
        self, photos: Sequence[AnyImage], registered: Sequence[RegisteredImage]
    ) -> list[NetworkView]:
        """Show it the references, and turned ones, too, if that helps."""
        views = [self._turned(*each) for each in _pairs(photos, registered)]
        return without_needless_turns(views)

    def _turned(self, photo: AnyImage, registered: RegisteredImage) -> NetworkView:
        size, n_turns = (photo.shape[0], photo.shape[1]), self.config.n_turns
        seen = self(photo, registered)
        cells = []
        for turn in range(1, n_turns):
            move = about_center(size, angle_rad=2 * np.pi * turn / n_turns)
            dense = self.backbone(*warp_image(photo, move))
            cells.append(dense.tokens[dense.is_valid])
        return replace(seen, turned=np.concatenate(cells) if cells else None)


def _pairs(
    photos: Sequence[AnyImage], registered: Sequence[RegisteredImage]
) -> Iterator[tuple[AnyImage, RegisteredImage]]:
    return zip(photos, registered, strict=True)


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


def _largest_nearby(
    queries: Float32[np.ndarray, "rows columns dim"], keys: DenseMap, reach: int
) -> CellMap:
    """Largest inner product of each cell with those at most ``reach`` cells away on a grid."""
    rows, columns = keys.is_valid.shape
    # what is not valid is like nothing
    padded = np.zeros((rows + 2 * reach, columns + 2 * reach, queries.shape[-1]), np.float32)
    padded[reach : reach + rows, reach : reach + columns] = keys.tokens
    is_known = np.pad(keys.is_valid, reach)
    largest = np.full((rows, columns), -np.inf, dtype=np.float32)
    for down in range(2 * reach + 1):
        for right in range(2 * reach + 1):
            window = np.s_[down : down + rows, right : right + columns]
            product = np.einsum("ijk,ijk->ij", queries, padded[window])
            largest = np.maximum(largest, np.where(is_known[window], product, -np.inf))
    return largest
