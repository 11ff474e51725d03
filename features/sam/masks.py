"""Masks, packed: their measures, which of several are duplicates, and run lengths.

Measures follow ``SamAutomaticMaskGenerator``: stability is the IoU of the mask at a higher and at a
lower threshold; duplicates are found by the overlap of boxes, the better mask first.

Run lengths come in COCO's two forms. Runs count pixels column by column, outside and inside in
turn, outside first. The compressed form is that of pycocotools: differences to the run before the
last, five bits to a character.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float32, UInt8
from torchvision.ops import batched_nms

from features.images import Mask
from features.sam.point_grid import Crop

Box = tuple[int, int, int, int]

# as in the reference: a box this near to the edge of its crop is taken for cut off
EDGE_PX = 20


@dataclass(frozen=True)
class PackedMask:
    """One mask of an image; pixels are packed to bits, and only those in the box are kept.

    As in the reference, ``box_xyxy`` holds the first and the last pixel inside, and zeros where
    the mask is empty; ``stability`` is then NaN.
    """

    image_size: tuple[int, int]
    box_xyxy: Box
    bits: UInt8[np.ndarray, " bytes"]
    area_px: int
    predicted_iou: float
    stability: float
    point_xy: tuple[float, float]
    crop_xyxy: Box

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the box."""
        left, top, right, bottom = self.box_xyxy
        return slice(top, bottom + 1), slice(left, right + 1)

    def piece(self) -> Bool[np.ndarray, "rows columns"]:
        """Unpack the mask in its window."""
        left, top, right, bottom = self.box_xyxy
        rows, columns = bottom - top + 1, right - left + 1
        bits = np.unpackbits(self.bits, count=rows * columns)
        return bits.reshape(rows, columns).astype(bool)

    def pixels(self) -> Mask:
        """Lay the mask out over the image of ``image_size`` (height, width)."""
        mask = np.zeros(self.image_size, dtype=bool)
        mask[self.window] = self.piece()
        return mask


def measure(
    logits: Float32[np.ndarray, "height width"],
    *,
    offset: float,
    min_stability: float,
    predicted_iou: float,
    point_xy: tuple[float, float],
) -> PackedMask | None:
    """Threshold one mask; None if it is less stable than asked for."""
    stability = stability_of(logits, offset)
    # not "below": as in the reference, a mask without a pixel passes only where all do
    if min_stability > 0 and not stability >= np.float32(min_stability):
        return None
    is_inside = logits > 0
    height, width = is_inside.shape
    crop = (0, 0, width, height)
    return PackedMask(
        (height, width), *_packed(is_inside), predicted_iou, stability, point_xy, crop
    )


def stability_of(logits: Float32[np.ndarray, "height width"], offset: float) -> float:
    """IoU of the masks at the thresholds ``offset`` and ``-offset``; NaN if there is none."""
    inner, outer = (int(np.count_nonzero(logits > level)) for level in (offset, -offset))
    return float(np.float32(inner) / np.float32(outer)) if outer else float("nan")


def uncropped(mask: PackedMask, image_size: tuple[int, int], crop: Crop) -> PackedMask | None:
    """Move a mask from a crop to its place in the image; None if the crop cuts it off."""
    left, top = crop.box_xyxy[:2]
    x0, y0, x1, y1 = mask.box_xyxy
    box = (x0 + left, y0 + top, x1 + left, y1 + top)
    height, width = image_size
    for side, cut, edge in zip(box, crop.box_xyxy, (0, 0, width, height), strict=True):
        if abs(side - cut) <= EDGE_PX < abs(side - edge):
            return None
    x, y = mask.point_xy
    return replace(
        mask,
        image_size=image_size,
        box_xyxy=box,
        point_xy=(x + left, y + top),
        crop_xyxy=crop.box_xyxy,
    )


def without_duplicates(
    masks: Sequence[PackedMask], scores: Sequence[float], max_overlap: float
) -> list[PackedMask]:
    """Keep masks whose boxes overlap no better one's more (IoU); best first."""
    return [masks[index] for index in _best_of([m.box_xyxy for m in masks], scores, max_overlap)]


def _best_of(
    boxes: Sequence[tuple[float, ...]], scores: Sequence[float], max_overlap: float
) -> list[int]:
    """Say which boxes overlap no better one more (IoU); best first."""
    if not boxes:
        return []
    # the function that the reference calls: which of two equal scores comes first is its choice
    kept: list[int] = batched_nms(
        torch.tensor(boxes, dtype=torch.float32),
        torch.tensor(scores, dtype=torch.float32),
        torch.zeros(len(boxes)),
        max_overlap,
    ).tolist()
    return kept


def without_small_regions(
    masks: Sequence[PackedMask], min_area_px: int, max_overlap: float
) -> list[PackedMask]:
    """Fill small holes, remove small islands; of duplicates, a mask that had neither stays."""
    cleaned, scores = [], []
    for mask in masks:
        pixels, had_holes = without_holes(mask.pixels(), min_area_px)
        pixels, had_islands = without_islands(pixels, min_area_px)
        was_clean = not had_holes and not had_islands
        box, bits, area_px = _packed(pixels)
        cleaned.append(replace(mask, box_xyxy=box, bits=bits, area_px=area_px))
        scores.append(float(was_clean))
    return without_duplicates(cleaned, scores, max_overlap)


def without_holes(mask: Mask, min_area_px: float) -> tuple[Mask, bool]:
    """Fill holes below an area; say whether there were any."""
    _, regions, statistics, _ = cv2.connectedComponentsWithStats((~mask).view(np.uint8))
    is_small = statistics[:, cv2.CC_STAT_AREA] < min_area_px
    is_small[0] = True  # the mask itself
    return is_small[regions], bool(is_small[1:].any())


def without_islands(mask: Mask, min_area_px: float) -> tuple[Mask, bool]:
    """Remove regions below an area, but for the largest of all; say whether there were any."""
    _, regions, statistics, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8))
    area_px = statistics[1:, cv2.CC_STAT_AREA]
    is_small = area_px < min_area_px
    has_small = bool(is_small.any())
    if has_small and is_small.all():
        is_small[area_px.argmax()] = False
    return np.append(False, ~is_small)[regions], has_small


def _packed(is_inside: Mask) -> tuple[Box, np.ndarray, int]:
    """Return box, bits and area of a mask."""
    left, top, width, height = cv2.boundingRect(is_inside.view(np.uint8))
    if not width:
        return (0, 0, 0, 0), np.zeros(1, dtype=np.uint8), 0
    piece = is_inside[top : top + height, left : left + width]
    box = (left, top, left + width - 1, top + height - 1)
    return box, np.packbits(piece), int(np.count_nonzero(piece))


OutputMode = Literal["binary_mask", "uncompressed_rle", "coco_rle"]


def as_output(mask: Mask, mode: OutputMode) -> Any:
    """Give a mask as an array, or as a dict of ``size`` (height, width) and ``counts``."""
    if mode == "binary_mask":
        return mask
    counts = run_lengths(mask)
    size = [int(side) for side in mask.shape]
    return {"size": size, "counts": counts if mode == "uncompressed_rle" else compressed(counts)}


def run_lengths(mask: Mask) -> list[int]:
    """Count the pixels of each run; the first is 0 where the first pixel is inside."""
    pixels = mask.ravel(order="F")
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    counts: list[int] = np.diff(changes, prepend=0, append=pixels.size).tolist()
    return [0, *counts] if pixels[0] else counts


def mask_of(counts: Sequence[int], size: tuple[int, int]) -> Mask:
    """Undo ``run_lengths``; ``size`` is (height, width)."""
    is_inside = np.arange(len(counts)) % 2 == 1
    height, width = size
    mask: np.ndarray = np.repeat(is_inside, counts).reshape(width, height).T
    return mask


def compressed(counts: Sequence[int]) -> str:
    """Write run lengths as COCO's JSON files hold them."""
    text = []
    for index, count in enumerate(counts):
        rest = count - counts[index - 2] if index > 2 else count
        is_more = True
        while is_more:
            bits = rest & 0x1F
            rest >>= 5
            # the fifth bit is the sign of what follows
            is_more = rest != (-1 if bits & 0x10 else 0)
            text.append(chr(48 + bits + (0x20 if is_more else 0)))
    return "".join(text)
