"""Sheets that show several kinds of regions side by side, and canonical cuts.

All kinds of a group lie on each of its sheets: what lies on one ground under one light must be
told apart, and what is the same must be known again on another ground or under another light.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from sam_training.pieces import Sheet
from siamese_training.grounds import Ground, paint_ground, random_ground
from siamese_training.kinds import (
    MAX_RADIUS_PX,
    MIN_RADIUS_PX,
    Kind,
    paint,
    random_kind,
    similar_kind,
)

from engine.regions.canonical import cut_wide
from engine.synthetic.scenes.canvas import SUPERSAMPLING, Canvas, expose
from features.region import Region

SIDE_PX = 352
N_KINDS, N_SHEETS = 6, 6
N_READINGS = 2  # of each region: differently outlined
MIN_VISIBLE_PX = 9
GREY_SHARE = 0.3  # of the groups: many cameras on lines see no colour


@dataclass(frozen=True)
class Samples:
    """Cuts of regions; ``kind`` numbers the kinds, ``group`` those that share sheets."""

    planes: np.ndarray  # (samples, wide, wide, channels) int8, in 127ths
    measures: np.ndarray  # (samples, measures) float32
    kind: np.ndarray
    group: np.ndarray
    sheet: np.ndarray


def draw_group(rng: np.random.Generator, number: int, photographs: Sequence[np.ndarray]) -> Samples:
    """Render the sheets of one group of kinds, some of which hardly differ."""
    kinds = [random_kind(rng) for _ in range(N_KINDS // 2)]
    kinds += [similar_kind(rng, kind) for kind in kinds]
    own, is_grey = random_ground(rng, photographs), rng.random() < GREY_SHARE
    rows = []
    for sheet in range(N_SHEETS):
        ground = own if rng.random() < 0.6 else random_ground(rng, photographs)
        image, regions = draw_sheet(rng, kinds, ground)
        if is_grey:
            image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        for kind, region in regions:
            for _ in range(N_READINGS):
                planes, measures = cut_wide(image, read(rng, image, region))
                scaled = np.round(planes * 127).astype(np.int8)
                rows.append((scaled, measures, number * N_KINDS + kind, number, sheet))
    columns = [np.stack([row[i] for row in rows]) for i in range(5)]
    return Samples(*columns)


def draw_sheet(
    rng: np.random.Generator, kinds: Sequence[Kind], ground: Ground
) -> tuple[np.ndarray, list[tuple[int, Region]]]:
    """Paint one region of each kind, where there is room; return the photograph and regions."""
    canvas = Canvas(SIDE_PX, SIDE_PX, rng)
    sheet = Sheet(canvas)
    paint_ground(canvas, ground)
    first_piece: dict[int, tuple[int, int]] = {}
    taken: list[tuple[float, float, float]] = []
    for number in rng.permutation(len(kinds)):
        kind = kinds[number]
        radius = kind.radius * kind.size_spread ** rng.uniform(-1, 1)
        radius = float(np.clip(radius, MIN_RADIUS_PX, MAX_RADIUS_PX))
        for _ in range(20):
            x, y = rng.uniform(0.05 * SIDE_PX, 0.95 * SIDE_PX, 2)
            if all(np.hypot(x - a, y - b) > 1.1 * (radius + r) for a, b, r in taken):
                taken.append((x, y, radius))
                begin = len(canvas.class_of_part)
                paint(sheet, kind, (float(x), float(y)), radius)
                first_piece[int(number)] = begin, len(canvas.class_of_part)
                break
    labels = canvas.parts[SUPERSAMPLING // 2 :: SUPERSAMPLING, SUPERSAMPLING // 2 :: SUPERSAMPLING]
    regions = []
    for number, (begin, end) in first_piece.items():
        mask = (labels >= begin) & (labels < end)
        if np.count_nonzero(mask) >= MIN_VISIBLE_PX:
            regions.append((number, Region.of(mask)))
    return expose(canvas), regions


def read(rng: np.random.Generator, image: np.ndarray, region: Region) -> Region:
    """Outline a region as people and algorithms do: true, too wide, too tight, ragged, or a box."""
    height, width = image.shape[:2]
    way = rng.random()
    if way < 0.3:
        return region
    left, top, right, bottom = region.box_xyxy
    if way < 0.5:
        slack = rng.integers(0, 2 + max(right - left, bottom - top) // 8, 4)
        box = np.array(region.box_xyxy) + slack * (-1, -1, 1, 1)
        x0, y0, x1, y1 = np.clip(box, 0, (width, height, width, height)).tolist()
        return Region((x0, y0, x1, y1), np.ones((y1 - y0, x1 - x0), dtype=bool))
    pad = 8
    mask = np.pad(region.mask, pad).astype(np.uint8)
    size = int(rng.integers(2, 3 + max(1, min(mask.shape) // 12)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    changed = (cv2.dilate if way < 0.75 else cv2.erode)(mask, kernel)
    if way > 0.85:
        noise = cv2.GaussianBlur(rng.normal(size=mask.shape), (0, 0), 1.0 + size / 2)
        changed = cv2.dilate(mask, kernel) & (noise > np.quantile(noise, rng.uniform(0.1, 0.5)))
    y0, x0 = max(pad - top, 0), max(pad - left, 0)
    whole = changed[y0 : pad + height - top, x0 : pad + width - left] > 0
    if np.count_nonzero(whole) < MIN_VISIBLE_PX:
        return region
    return Region.of(whole, (left - pad + x0, top - pad + y0))
