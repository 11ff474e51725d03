"""Refinement of a label map: the network sharpens borders of propagated parts.

Parts that were propagated from cell to cell have borders as coarse as the cells. The network is
prompted with the box of each connected region and the point deepest inside it; its answer replaces
the region if both agree on what is meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Bool

from features.images import Image, Mask
from features.parts import Parts
from features.sam.mask_decoder import to_image
from features.sam.network import Embedding, MaskNetwork, Prompts
from features.sam.parts_from_masks import Labels, nearest_label

# IoU of answer and region from which on they are the same thing: a region that is off by half a
# cell all around reaches it from eight cells of width on
MIN_AGREEMENT = 0.75
# as a share of the image; what is smaller is too uncertain to prompt for
MIN_REGION = 5e-4
REGIONS_AT_ONCE = 16


@dataclass(frozen=True)
class _Region:
    """A connected region of a part; ``is_inside`` covers its box only."""

    part: int
    left: int
    top: int
    is_inside: Bool[np.ndarray, "rows columns"]

    @property
    def box_xyxy(self) -> tuple[int, int, int, int]:
        """First and last pixel inside."""
        rows, columns = self.is_inside.shape
        return self.left, self.top, self.left + columns - 1, self.top + rows - 1

    @property
    def deepest_xy(self) -> tuple[int, int]:
        """The pixel farthest from the border."""
        depth = cv2.distanceTransform(
            np.pad(self.is_inside.astype(np.uint8), 1), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
        )
        row, column = np.unravel_index(depth.argmax(), depth.shape)
        return self.left + int(column) - 1, self.top + int(row) - 1

    def over(self, size: tuple[int, int]) -> Mask:
        """Lay the region out over the image."""
        rows, columns = self.is_inside.shape
        mask = np.zeros(size, dtype=bool)
        mask[self.top : self.top + rows, self.left : self.left + columns] = self.is_inside
        return mask


def refine_parts(
    network: MaskNetwork,
    image: Image,
    parts: Parts,
    *,
    min_agreement: float = MIN_AGREEMENT,
) -> Parts:
    """Sharpen the borders of all parts but the background; their numbers stay.

    A region keeps its shape where the best answer overlaps it less than ``min_agreement`` (IoU).
    Pixels that a part gives up go to the nearest part; pixels of no part stay so.
    """
    height, width = parts.labels.shape
    regions = list(_regions(parts))
    shapes = [region.over((height, width)) for region in regions]
    asked = [i for i, shape in enumerate(shapes) if shape.sum() >= MIN_REGION * shape.size]
    if not asked:
        return parts
    embedding = network.embed(image)
    for start in range(0, len(asked), REGIONS_AT_ONCE):
        some = asked[start : start + REGIONS_AT_ONCE]
        answers = _ask(network, embedding, [regions[i] for i in some])
        for index, answer in zip(some, answers, strict=True):
            agreement = [_iou(mask, shapes[index]) for mask in answer]
            if max(agreement) >= min_agreement:
                shapes[index] = answer[int(np.argmax(agreement))]
    labels = _assembled(parts, [region.part for region in regions], shapes)
    return Parts(labels, parts.is_background)


def _regions(parts: Parts) -> Iterator[_Region]:
    for part in np.flatnonzero(~parts.is_background & (parts.area_px > 0)).tolist():
        n_regions, regions, statistics, _ = cv2.connectedComponentsWithStats(
            (parts.labels == part).astype(np.uint8), connectivity=4
        )
        for number in range(1, n_regions):
            left, top, width, height, _ = statistics[number].tolist()
            window = regions[top : top + height, left : left + width]
            yield _Region(part, left, top, window == number)


def _ask(
    network: MaskNetwork, embedding: Embedding, regions: Sequence[_Region]
) -> list[Bool[np.ndarray, "masks height width"]]:
    """Return all masks that the network offers for each region."""
    points_xy = np.array([[region.deepest_xy] for region in regions], dtype=np.float64)
    box_xyxy = np.array([region.box_xyxy for region in regions], dtype=np.float64)
    candidates = network.decode(embedding, Prompts(points_xy=points_xy, box_xyxy=box_xyxy))
    n_masks = candidates.iou.shape[1]
    logits = candidates.logits(torch.ones_like(candidates.iou, dtype=torch.bool))
    return [
        to_image(logits[start : start + n_masks], embedding) > 0
        for start in range(0, len(logits), n_masks)
    ]


def _iou(one: Mask, other: Mask) -> float:
    return float(np.count_nonzero(one & other) / np.count_nonzero(one | other))


def _assembled(parts: Parts, part_of: Sequence[int], shapes: Sequence[Mask]) -> Labels:
    """Lay shapes over the background from large to small."""
    is_ground = np.append(parts.is_background, False)[parts.labels]
    labels = np.where(is_ground, parts.labels, -1).astype(np.int32)
    for index in np.argsort([-int(np.count_nonzero(shape)) for shape in shapes], kind="stable"):
        labels[shapes[index]] = part_of[index]
    # no part may vanish below others
    is_left = np.isin(np.arange(len(parts)), labels[parts.labels >= 0])
    for part in np.flatnonzero(~is_left & (parts.area_px > 0)):
        labels[parts.labels == part] = part
    labels = nearest_label(labels)
    labels[parts.labels < 0] = -1
    return labels
