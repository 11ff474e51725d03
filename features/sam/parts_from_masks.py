"""Parts from overlapping masks, and which of them are background.

Masks come nested (the letter, the label, the bottle, the wall) and sometimes twice. They are laid
on each other from large to small, so that every pixel belongs to the smallest thing that holds it;
what no mask holds becomes a part of its own where it is large enough. A mask stays one part even
where a smaller one on top divides it, because the network took it for one thing.

The published rule takes every mask that touches two edges of the image for background. That loses a
thing which the frame crops, a bottle from edge to edge, say; hence the other rule. Any function of
this shape is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

from features.images import Image
from features.sam import SamConfig
from features.sam.masks import PackedMask

# Between the usual thresholds (0.88 · 0.95) and 1, quality to this power weighs up to a factor of
# two in area: a poor mask does not cut a piece out of a good one that is hardly larger.
QUALITY_POWER = 4.0

Labels = Int[np.ndarray, "height width"]


@dataclass(frozen=True)
class _Layer:
    """A mask, as a piece in a window (rows, columns) of the image."""

    window: tuple[slice, slice]
    piece: Bool[np.ndarray, "rows columns"]
    quality: float

    @cached_property
    def area_px(self) -> int:
        return int(np.count_nonzero(self.piece))

    @property
    def depth(self) -> float:
        """The larger, the further down it lies."""
        return float(self.area_px / self.quality**QUALITY_POWER)

    def shared(self, other: _Layer) -> float:
        """IoU of two layers."""
        common = [
            slice(max(one.start, two.start), min(one.stop, two.stop))
            for one, two in zip(self.window, other.window, strict=True)
        ]
        if any(each.start >= each.stop for each in common):
            return 0.0
        both = np.count_nonzero(self._within(common) & other._within(common))
        return both / (self.area_px + other.area_px - both)

    def _within(self, place: Sequence[slice]) -> Bool[np.ndarray, "some_rows some_columns"]:
        rows, columns = (
            slice(one.start - own.start, one.stop - own.start)
            for one, own in zip(place, self.window, strict=True)
        )
        return self.piece[rows, columns]


def layered(
    masks: Sequence[PackedMask], size: tuple[int, int], config: SamConfig
) -> tuple[Labels, int]:
    """Give every pixel of an image of (height, width) to one part; return map and number of parts.

    Parts are at least ``config.min_part`` large, unless the image is a single one.
    """
    min_area_px = max(1.0, config.min_part * size[0] * size[1])
    layers = [_tidy(mask, min_area_px) for mask in masks if mask.area_px >= min_area_px]
    layers = _distinct(layers, config.max_shared)
    layers = sorted(layers, key=lambda layer: layer.depth, reverse=True)
    layers = _without_hidden(layers, size, min_area_px, config.min_visible)
    labels = _laid(layers, size)
    for part, layer in enumerate(layers):
        seen = labels[layer.window]  # a view: what is changed is the map
        is_part = seen == part
        seen[is_part & ~_without_islands(is_part, min_area_px)] = -1
    labels, n_parts = _with_remainder(labels, len(layers), min_area_px)
    return nearest_label(labels), n_parts


def nearest_label(labels: Labels) -> Labels:
    """Give pixels of no part (-1) the part of the nearest pixel that has one."""
    is_missing = labels < 0
    if is_missing.all() or not is_missing.any():
        return labels
    _, nearest = cv2.distanceTransformWithLabels(
        is_missing.astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    label_of = np.zeros(int(nearest.max()) + 1, dtype=labels.dtype)
    label_of[nearest[~is_missing]] = labels[~is_missing]
    filled: np.ndarray = label_of[nearest]
    return filled


def _tidy(mask: PackedMask, min_area_px: float) -> _Layer:
    """Fill holes and remove islands that are too small to be parts."""
    piece = mask.piece()
    regions, area_px = _regions(~piece)
    is_hole = area_px < min_area_px
    # what reaches the box's border is around the mask, not in it
    for border in (regions[0], regions[-1], regions[:, 0], regions[:, -1]):
        is_hole[border] = False
    piece |= is_hole[regions]
    stability = 1.0 if math.isnan(mask.stability) else mask.stability
    quality = max(mask.predicted_iou * stability, 1e-3)
    return _Layer(mask.window, _without_islands(piece, min_area_px), quality)


def _without_islands(
    is_inside: Bool[np.ndarray, "rows columns"], min_area_px: float
) -> Bool[np.ndarray, "rows columns"]:
    """Remove regions that are too small to be parts, but for the largest."""
    regions, area_px = _regions(is_inside)
    is_large = area_px >= min_area_px
    is_large[area_px.argmax()] = True
    large: np.ndarray = is_large[regions] & is_inside
    return large


def _regions(
    is_inside: Bool[np.ndarray, "rows columns"],
) -> tuple[Int[np.ndarray, "rows columns"], Int[np.ndarray, " regions"]]:
    """Number connected regions from 1; return their areas, too, taking that of 0 for none."""
    _, regions = cv2.connectedComponents(is_inside.astype(np.uint8))
    area_px = np.bincount(regions.ravel())
    area_px[0] = 0
    return regions, area_px


def _distinct(layers: Sequence[_Layer], max_shared: float) -> list[_Layer]:
    """Of layers that are nearly the same, keep the best."""
    kept: list[_Layer] = []
    for layer in sorted(layers, key=lambda layer: layer.quality, reverse=True):
        # areas alone say of most pairs that they cannot be the same
        rivals = [
            other
            for other in kept
            if min(layer.area_px, other.area_px) > max_shared * max(layer.area_px, other.area_px)
        ]
        if all(layer.shared(other) <= max_shared for other in rivals):
            kept.append(layer)
    return kept


def _laid(layers: Sequence[_Layer], size: tuple[int, int]) -> Labels:
    """Lay layers on each other, the first at the bottom; -1 where there is none."""
    labels = np.full(size, -1, dtype=np.int32)
    for number, layer in enumerate(layers):
        labels[layer.window][layer.piece] = number
    return labels


def _without_hidden(
    layers: Sequence[_Layer], size: tuple[int, int], min_area_px: float, min_visible: float
) -> list[_Layer]:
    """Leave out layers of which others hide almost all: groups, or the same with a rim."""
    labels = _laid(layers, size)
    kept = []
    for number, layer in enumerate(layers):
        is_visible = labels[layer.window] == number
        share = np.count_nonzero(is_visible) / layer.area_px
        # more than half hidden, the rest has to be more than a seam
        rest = is_visible if share > 0.5 else _opened(is_visible, min_area_px)
        if share >= min_visible and np.count_nonzero(rest) >= min_area_px:
            kept.append(layer)
    return kept


def _with_remainder(labels: Labels, n_parts: int, min_area_px: float) -> tuple[Labels, int]:
    """Make parts of large connected regions that no layer covers; seams and specks stay -1."""
    is_open = _opened(labels < 0, min_area_px)
    _, regions = cv2.connectedComponents(is_open.astype(np.uint8), connectivity=4)
    area_px = np.bincount(regions.ravel())
    is_large = area_px >= min_area_px
    is_large[0] = False
    if not n_parts and not is_large.any():
        return np.zeros_like(labels), 1
    number = np.where(is_large, n_parts + np.cumsum(is_large) - 1, -1)
    found = np.where(is_open, number[regions], labels).astype(np.int32)
    return found, n_parts + int(np.count_nonzero(is_large))


def _opened(
    is_inside: Bool[np.ndarray, "rows columns"], min_area_px: float
) -> Bool[np.ndarray, "rows columns"]:
    """Remove what is thinner than the smallest part is wide."""
    side_px = math.isqrt(int(min_area_px)) | 1  # an even kernel would shift what it opens
    kernel = np.ones((side_px, side_px), dtype=np.uint8)
    # what lies beyond the border is not inside
    beyond = cv2.BORDER_CONSTANT
    eroded = cv2.erode(is_inside.astype(np.uint8), kernel, borderType=beyond, borderValue=0)
    opened: np.ndarray = cv2.dilate(eroded, kernel, borderType=beyond, borderValue=0) > 0
    return opened


BackgroundRule = Callable[
    [Image, Int[np.ndarray, "height width"], int],
    Bool[np.ndarray, " parts"],
]

# Of median colours, in CIELAB with half the lightness: shading over a plain ground stays below
SAME_COLOR = 8.0
N_SAMPLES = 50_000


def touching_two_edges(
    image: Image,
    labels: Int[np.ndarray, "height width"],
    n_parts: int,
) -> Bool[np.ndarray, " parts"]:
    """Take every part that touches two edges of the image or more."""
    is_touched = _edges_touched(labels, n_parts)
    found: np.ndarray = is_touched.sum(axis=1) >= 2
    return found


def surrounding(
    image: Image,
    labels: Int[np.ndarray, "height width"],
    n_parts: int,
) -> Bool[np.ndarray, " parts"]:
    """Take the largest part around a corner of the image, and what looks like it at any edge.

    A thing that the frame crops on opposite sides holds no corner, and looks different. Where no
    part touches two edges that meet, the largest that touches any two is taken instead.
    """
    is_touched = _edges_touched(labels, n_parts)
    has_corner = (is_touched & np.roll(is_touched, 1, axis=1)).any(axis=1)
    may_be: np.ndarray = has_corner if has_corner.any() else is_touched.sum(axis=1) >= 2
    if not may_be.any():
        return may_be
    area_px = np.bincount(labels[labels >= 0], minlength=n_parts)
    main = int(np.argmax(np.where(may_be, area_px, -1)))
    colors = _median_colors(image, labels, n_parts)
    is_alike = np.linalg.norm(colors - colors[main], axis=1) < SAME_COLOR
    found: np.ndarray = is_alike & is_touched.any(axis=1)
    return found


def _edges_touched(
    labels: Int[np.ndarray, "height width"], n_parts: int
) -> Bool[np.ndarray, "parts 4"]:
    """Say which of top, right, bottom and left each part touches; neighbours meet in a corner."""
    edges = (labels[0], labels[:, -1], labels[-1], labels[:, 0])
    is_touched = np.zeros((n_parts, len(edges)), dtype=bool)
    for column, edge in enumerate(edges):
        is_touched[np.unique(edge[edge >= 0]), column] = True
    return is_touched


def _median_colors(
    image: Image,
    labels: Int[np.ndarray, "height width"],
    n_parts: int,
) -> Float[np.ndarray, "parts 3"]:
    # every few pixels: a median does not get better by more
    step = max(1, math.isqrt(labels.size // N_SAMPLES))
    some, where = np.ascontiguousarray(image[::step, ::step]), labels[::step, ::step]
    lab = cv2.cvtColor(some.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) * (0.5, 1.0, 1.0)
    colors = np.full((n_parts, 3), np.inf)
    for part in np.unique(where[where >= 0]):
        colors[part] = np.median(lab[where == part], axis=0)
    return colors
