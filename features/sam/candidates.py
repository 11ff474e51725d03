"""Mask candidates: what the network answers at points, and which of it is drawn.

``exact_masks`` gives the same as ``SamAutomaticMaskGenerator``, in another order of work: a mask is
drawn only if the network expects enough of it, one at a time, and what is kept of it is a few
kilobytes.

Drafts, at the network's own resolution, are drawn in the image's pixels only where it matters, the
best first: a mask whose box surely overlaps that of a better one too much is dropped as it is. What
remains is what would have remained of all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt8

from features.device import in_batches
from features.images import Image
from features.sam import SamConfig
from features.sam.mask_decoder import to_image
from features.sam.masks import PackedMask, measure, stability_of, uncropped, without_duplicates
from features.sam.network import Embedding, MaskNetwork, Prompts
from features.sam.point_grid import Crop, Points

logger = logging.getLogger(__name__)

# Prompts decoded at once on a processor: more take memory, some 3 MB each, but no less time. Only
# GPUs gain from large batches.
PROCESSOR_BATCH = 16

Kept = TypeVar("Kept")


def cropped(image: Image, crop: Crop) -> UInt8[np.ndarray, "rows columns 3"]:
    """Cut a crop out of an image."""
    left, top, right, bottom = crop.box_xyxy
    return np.ascontiguousarray(image[top:bottom, left:right])


@dataclass(frozen=True)
class View:
    """What the network is shown: a crop of an image, or all of it."""

    image: Image
    crop: Crop
    embedding: Embedding

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the whole image."""
        return self.image.shape[0], self.image.shape[1]

    @property
    def pixels(self) -> UInt8[np.ndarray, "rows columns 3"]:
        """The crop itself."""
        return cropped(self.image, self.crop)


@dataclass(frozen=True)
class Answer:
    """A mask at low resolution that the network expects enough of."""

    point_xy: tuple[float, float]
    predicted_iou: float
    logits: Float[torch.Tensor, "low low"]


def ask(
    network: MaskNetwork,
    view: View,
    points_xy: Points,
    config: SamConfig,
    keep: Callable[[Answer], Kept | None],
) -> list[list[Kept]]:
    """Ask at each point for masks; return a list for each, of what ``keep`` makes of them.

    Masks below ``pred_iou_thresh`` are never drawn. What is asked at one point does not depend on
    others; batches only save time.
    """

    def run(points: Sequence[np.ndarray]) -> list[list[Kept]]:
        return [
            [kept for answer in answers if (kept := keep(answer)) is not None]
            for answers in _answers(network, view.embedding, np.array(points), config)
        ]

    at_once = config.points_per_batch
    if view.embedding.features[0].device.type == "cpu":
        at_once = min(at_once, PROCESSOR_BATCH)
    return in_batches(run, list(points_xy), at_once, logger.warning)


def _answers(
    network: MaskNetwork, embedding: Embedding, points_xy: Points, config: SamConfig
) -> list[list[Answer]]:
    candidates = network.decode(embedding, Prompts(points_xy[:, None]))
    # as in the reference, a threshold of 0 admits what is expected to be worse than nothing
    is_chosen = candidates.iou > (config.pred_iou_thresh or -torch.inf)
    found: list[list[Answer]] = [[] for _ in points_xy]
    for row, iou, logits in zip(
        is_chosen.nonzero()[:, 0].tolist(),
        candidates.iou[is_chosen].tolist(),
        candidates.logits(is_chosen),
        strict=True,
    ):
        x, y = points_xy[row].tolist()
        found[row].append(Answer((x, y), iou, logits))
    return found


def exact_masks(
    network: MaskNetwork, view: View, points_xy: Points, config: SamConfig
) -> list[PackedMask]:
    """Ask at every point of the embedded image; good masks without duplicates, best first."""

    def keep(answer: Answer) -> PackedMask | None:
        return drawn(answer, view, config)

    found = [mask for masks in ask(network, view, points_xy, config, keep) for mask in masks]
    return without_duplicates(found, [m.predicted_iou for m in found], config.box_nms_thresh)


def drawn(answer: Answer, view: View, config: SamConfig) -> PackedMask | None:
    """Draw a mask in the image's own pixels; None if it is unstable, or cut off by its crop."""
    mask = measure(
        to_image(answer.logits[None], view.embedding)[0],
        offset=config.stability_score_offset,
        min_stability=config.stability_score_thresh,
        predicted_iou=answer.predicted_iou,
        point_xy=answer.point_xy,
    )
    return mask and uncropped(mask, view.image_size, view.crop)


# stability at low resolution is so near to that in the image's own pixels, but for tiny masks
STABILITY_MARGIN = 0.05
# IoU at low resolution from which on two masks are of the same thing
SAME = 0.9
# how far around a mask logits have an effect on it: interpolation reaches to the next one, twice
REACH = 2
# any value does beyond that
FAR_OUTSIDE = -1000.0
# by which a box gets one smaller on each side
INWARDS = np.array([1.0, 1.0, -1.0, -1.0])

Boxes = Float[np.ndarray, "boxes 4"]


@dataclass(frozen=True, eq=False)
class Shape:
    """A mask at low resolution, over the view alone."""

    is_inside: Bool[np.ndarray, "rows columns"]

    @cached_property
    def area(self) -> int:
        """Number of low-resolution pixels inside."""
        return int(np.count_nonzero(self.is_inside))

    def is_same(self, other: Shape) -> bool:
        """Say whether two shapes are nearly equal."""
        small, large = sorted((self.area, other.area))
        if small < SAME * large:
            return False
        both = int(np.count_nonzero(self.is_inside & other.is_inside))
        return both >= SAME * (small + large - both)


@dataclass(frozen=True, eq=False)
class Draft:
    """An answer and its shape; of its logits, only those that a threshold can reach are kept."""

    point_xy: tuple[float, float]
    predicted_iou: float
    shape: Shape
    side: int
    top: int
    left: int
    piece: Float32[np.ndarray, "rows columns"]

    def answer(self) -> Answer:
        """Return the answer as it was, but for logits far outside of the mask."""
        logits = np.full((self.side, self.side), FAR_OUTSIDE, dtype=np.float32)
        rows, columns = self.piece.shape
        logits[self.top : self.top + rows, self.left : self.left + columns] = self.piece
        return Answer(self.point_xy, self.predicted_iou, torch.from_numpy(logits))


def draft(answer: Answer, view: View, config: SamConfig) -> Draft | None:
    """Threshold an answer at low resolution; None if it is far from stable."""
    embedding, side = view.embedding, len(answer.logits)
    rows, columns = (-(-frame * side // embedding.side_px) for frame in embedding.frame_px)
    logits = answer.logits.cpu().numpy()
    offset = config.stability_score_offset
    # not "below": an empty mask has no stability
    stability = stability_of(logits[:rows, :columns], offset)
    if not stability >= config.stability_score_thresh - STABILITY_MARGIN:
        return None
    left, top, width, height = cv2.boundingRect((logits > -offset).view(np.uint8))
    bottom, right = top + height + REACH, left + width + REACH
    top, left = max(top - REACH, 0), max(left - REACH, 0)
    piece = logits[top:bottom, left:right].copy()
    shape = Shape(logits[:rows, :columns] > 0)
    return Draft(answer.point_xy, answer.predicted_iou, shape, side, top, left, piece)


def best_drawn(drafts: Iterable[Draft], view: View, config: SamConfig) -> list[PackedMask]:
    """Draw good masks without duplicates, best first: those that ``exact_masks`` would keep."""
    kept: list[PackedMask] = []
    boxes = np.zeros((0, 4))
    for one in sorted(drafts, key=lambda each: each.predicted_iou, reverse=True):
        inner, outer = _box_bounds(one, view)
        if (_overlap(boxes, inner, outer) > config.box_nms_thresh).any():
            continue
        mask = drawn(one.answer(), view, config)
        if mask is None:
            continue
        box = np.array(mask.box_xyxy, dtype=np.float64)
        if not (_overlap(boxes, box, box) > config.box_nms_thresh).any():
            kept.append(mask)
            boxes = np.concatenate([boxes, box[None]])
    return kept


def _box_bounds(one: Draft, view: View) -> tuple[Float[np.ndarray, "4"], Float[np.ndarray, "4"]]:
    """Return boxes in pixels of the image inside and around the one that a draft will have.

    What lies between the centres of 2 × 2 cells inside is interpolated from them alone. What lies
    farther than a cell and a quarter from any centre inside is interpolated from none of them, the
    quarter being a pixel of the network's square, to which logits are interpolated first.
    """
    inside = one.shape.is_inside
    blocks = inside[:-1, :-1] & inside[1:, :-1] & inside[:-1, 1:] & inside[1:, 1:]
    embedding = view.embedding
    cells_yx = np.array(embedding.frame_px) * one.side / embedding.side_px
    step = np.tile((np.array(embedding.image_size) / cells_yx)[::-1], 2)
    # pixels are counted by their centres, and may be one too few or many
    corner = np.tile(view.crop.box_xyxy[:2], 2) - 0.5
    inner = (_box(blocks) + 0.5) * step + INWARDS
    outer = (_box(inside) - 0.75 * INWARDS) * step - INWARDS
    return inner + corner, outer + corner


def _box(is_inside: Bool[np.ndarray, "rows columns"]) -> Float[np.ndarray, "4"]:
    """Return the bounding box, right and bottom exclusive."""
    left, top, width, height = cv2.boundingRect(is_inside.astype(np.uint8))
    return np.array([left, top, left + width, top + height], dtype=np.float64)


def _overlap(
    boxes: Boxes, inner: Float[np.ndarray, "4"], outer: Float[np.ndarray, "4"]
) -> Float[np.ndarray, " boxes"]:
    """IoU of boxes with one that lies between two others, at least."""
    sides = np.minimum(boxes[:, 2:], inner[2:]) - np.maximum(boxes[:, :2], inner[:2])
    both = sides.clip(min=0).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (outer[2:] - outer[:2]).prod()
    # boxes of one pixel's width have no area in the reference's measure
    overlap: np.ndarray = both / np.maximum(areas - both, 1e-9)
    return overlap
