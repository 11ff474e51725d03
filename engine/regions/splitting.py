"""Splitting of a region that may be several things that touch (watershed).

A region is divided where its cells vote for different classes, and where its colours fall into two;
a division counts if a part of it is recognised, more surely than the whole was.

Each seed floods its surroundings, smooth ones first, until the floods meet, which is on the border
that the photograph shows between them (watershed: Beucher and Lantuéjoul, 1979).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from jaxtyping import Float, Int

from engine.regions.frames import Frames
from engine.regions.tokens import RegionTokens
from features.images import Image, to_lab
from features.region import Region

# px; noise of the camera must not stop a flood
_BLUR_PX = 0.7

# in pixels of the picture; smaller regions have no parts worth naming
LEAST_WHOLE_PX, LEAST_PART_PX = 300, 60
# cells that speak for a class before it may be one of two
LEAST_CELLS = 2
# of a seed, so that the border between two colours belongs to neither yet
SEED_PX = 3


def divisions(
    frames: Frames,
    region: Region,
    tokens: RegionTokens,
    votes: Float[np.ndarray, "cells labels"],
) -> Iterator[list[Region]]:
    """Give ways to divide a region of the image file into two parts or more."""
    whole = frames.in_picture(region)
    if whole.area_px < LEAST_WHOLE_PX:
        return
    for seeds in (_by_votes(frames, whole, tokens, votes), _by_color(frames.picture, whole)):
        if seeds is None:
            continue
        found = [each for each in split(frames.picture, whole, seeds) if each is not None]
        parts = [each for each in found if each.area_px >= LEAST_PART_PX]
        if len(parts) > 1:
            yield [frames.in_image(each) for each in parts]


def split(
    image: Image,
    region: Region,
    seeds: Int[np.ndarray, "rows columns"],
) -> list[Region | None]:
    """Divide a region between its labels 1 … n; None for a label that gets no pixel.

    ``seeds`` lies over the region's box, 0 where nothing is known; those beside the region do not
    count. Each pixel of the region goes to one label, so that holes stay holes; pieces without a
    seed go to the nearest one. Without any seed all are None.

    Raises:
        ValueError: ``seeds`` has another size than the box.
    """
    from skimage.segmentation import watershed

    if seeds.shape != region.mask.shape:
        raise ValueError(
            f"seeds must lie over the region's box, {region.mask.shape} rows and columns, "
            f"got {seeds.shape}; cut them out with its box_xyxy"
        )
    left, top, right, bottom = region.box_xyxy
    n_labels = max(0, int(seeds.max()))
    known = np.where(region.mask, np.maximum(seeds, 0), 0).astype(np.int32)
    if not known.any():
        return [None] * n_labels
    lab = cv2.GaussianBlur(to_lab(image[top:bottom, left:right]), (0, 0), _BLUR_PX)
    steps = [cv2.Sobel(lab, cv2.CV_32F, *axis) for axis in ((1, 0), (0, 1))]
    steepness = np.sqrt(sum(np.square(step).sum(axis=2) for step in steps))
    flood: Callable[..., np.ndarray] = watershed  # it has no types
    labels = flood(steepness, known, mask=region.mask)
    labels = np.where(labels > 0, labels, _nearest(known))
    masks = [region.mask & (labels == label) for label in range(1, n_labels + 1)]
    return [Region.of(mask, (left, top)) if mask.any() else None for mask in masks]


def _by_votes(
    frames: Frames,
    whole: Region,
    tokens: RegionTokens,
    votes: Float[np.ndarray, "cells labels"],
) -> Int[np.ndarray, "rows columns"] | None:
    """Seed the pixels at the centres of cells with what these vote for; unknown is a label, too."""
    label_of_cell = votes.argmax(axis=1)
    shown = [
        label for label in range(votes.shape[1]) if (label_of_cell == label).sum() >= LEAST_CELLS
    ]
    if len(shown) < 2:
        return None
    left, top, right, bottom = whole.box_xyxy
    seeds = np.zeros((bottom - top, right - left), dtype=np.int64)
    x, y = frames.cell_centers(tokens.cells)
    for seed, label in enumerate(shown, 1):
        is_own = label_of_cell == label
        for column, row in zip(x[is_own], y[is_own], strict=True):
            if left <= column < right and top <= row < bottom:
                seeds[row - top, column - left] = seed
    return seeds if len(np.unique(seeds[whole.mask])) > 2 else None


def _by_color(picture: Image, whole: Region) -> Int[np.ndarray, "rows columns"] | None:
    """Seed the insides of the two largest pieces of two colours (k-means)."""
    left, top, right, bottom = whole.box_xyxy
    lab = cv2.GaussianBlur(to_lab(picture[top:bottom, left:right]), (0, 0), 1.0)
    pixels = lab[whole.mask]
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 10, 0.5)
    # begins at the darkest and the lightest: no chance, and no restarts
    start = (pixels[:, 0] > np.median(pixels[:, 0])).astype(np.int32)[:, None]
    _, labels, _ = cv2.kmeans(pixels, 2, start, criteria, 1, cv2.KMEANS_USE_INITIAL_LABELS)
    seeds = np.zeros(whole.mask.shape, dtype=np.int64)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (SEED_PX, SEED_PX))
    for label in (0, 1):
        of_color = np.zeros(whole.mask.shape, dtype=np.uint8)
        of_color[whole.mask] = labels[:, 0] == label
        opened = cv2.morphologyEx(of_color, cv2.MORPH_OPEN, disc)
        _, pieces, statistics, _ = cv2.connectedComponentsWithStats(opened)
        area_px = statistics[1:, cv2.CC_STAT_AREA]
        if not len(area_px) or area_px.max() < LEAST_PART_PX:
            return None
        seeds[pieces == 1 + int(area_px.argmax())] = label + 1
    return seeds


def _nearest(known: Int[np.ndarray, "rows columns"]) -> Int[np.ndarray, "rows columns"]:
    """Give each pixel the label of the nearest seed."""
    _, places = cv2.distanceTransformWithLabels(
        (known == 0).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    label_of = np.zeros(int(places.max()) + 1, dtype=known.dtype)
    label_of[places[known > 0]] = known[known > 0]
    nearest: np.ndarray = label_of[places]
    return nearest
