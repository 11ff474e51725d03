"""Canonical form of a region, without size and rotation, and its measures.

A square around the region, with as much of its surroundings as of itself, is brought to one size
and turned about its middle in equal steps. Colour becomes the difference from the surroundings, so
that light and ground cancel.

The measures tell what is lost by that and what no rotation changes: size, shape, contrast and
roughness. All are brought to about unit size, so that their differences can be added up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from features.images import AnyMask, Image
from features.region import Region

MEASURES = (
    "log_size",  # side of a square of its area, relative to the image
    "log_thickness",  # area by length, relative to the image
    "log_elongation",
    "solidity",  # share of its convex hull that it fills
    "fill",  # share of its box
    "lightness_around",
    "green_red_around",
    "blue_yellow_around",
    "darkest",  # lightness against the surroundings: 10th, 50th, 90th percentile of its pixels
    "middle",
    "lightest",
    "green_red",
    "blue_yellow",
    "core",  # lightness deep inside, and just outside
    "halo",
    "log_fine",  # roughness against that of the surroundings, at two scales
    "log_coarse",
    "log_fine_around",
    "coherence",  # 0: edges in all directions, 1: in one; inside and around
    "coherence_around",
)
# units of CIELAB at which a contrast counts half of the largest
MEASURES_HALF_CONTRAST = 12.0
MAX_STEPS = 128

Plane = Float32[np.ndarray, "side side"]

SIDE_PX = 48
# quarters: steps of 45 degrees were tried and told no more
N_TURNS = 4
# side of the square, in sides of the region's box: the outer third of it is surroundings
MARGIN = 1.5
# and at least as many pixels of the photograph on each side of the smallest region
MIN_MARGIN_PX = 6
# units of CIELAB at which a difference counts half of the largest
HALF_CONTRAST = 20.0
CHANNELS = ("lightness", "green_red", "blue_yellow", "mask")

# what holds the square however it is turned; training turns it by any angle
WIDE_PX = 2 * math.ceil(SIDE_PX / math.sqrt(2))


@dataclass(frozen=True)
class Views:
    """Regions in canonical form; view 0 is as photographed, each next one turned on.

    ``pixels`` hold ``CHANNELS``: colour relative to the surroundings in -1 … 1, and how far a
    pixel belongs to the region, 0 … 1. ``measures`` hold ``MEASURES``, which no turn changes.
    """

    pixels: Float32[np.ndarray, "regions views side side channels"]
    measures: Float32[np.ndarray, "regions measures"]


def cut(image: Image, regions: Sequence[Region]) -> Views:
    """Bring regions of one image to canonical form; outside the image nothing differs."""
    pixels = np.empty((len(regions), N_TURNS, SIDE_PX, SIDE_PX, len(CHANNELS)), np.float32)
    measures = np.empty((len(regions), len(MEASURES)), np.float32)
    for row, region in enumerate(regions):
        planes, measures[row] = cut_wide(image, region)
        pixels[row] = [turned(planes, turn) for turn in range(N_TURNS)]
    return Views(pixels, measures)


def cut_wide(
    image: Image, region: Region
) -> tuple[Float32[np.ndarray, "wide wide channels"], Float32[np.ndarray, " measures"]]:
    """Cut one region with enough around it to be turned; ``CHANNELS`` and ``MEASURES``."""
    lab, mask, shown = _square(image, region)
    around = _surroundings(lab, (mask < 0.02) & (shown > 0.98))
    difference = (lab - around) * shown[..., None]
    measures = measure(region, image.shape[:2], difference, mask, around)
    difference /= np.abs(difference) + np.float32(HALF_CONTRAST)
    return np.dstack([difference, mask]), np.array(measures, np.float32)


def turned(planes: Float32[np.ndarray, "wide wide channels"], turn: int) -> np.ndarray:
    """Cut the canonical square and turn it by ``turn`` quarters."""
    lead = (WIDE_PX - SIDE_PX) // 2
    return np.rot90(planes[lead : lead + SIDE_PX, lead : lead + SIDE_PX], turn)


def _square(
    image: Image, region: Region
) -> tuple[
    Float32[np.ndarray, "side side 3"],
    Float32[np.ndarray, "side side"],
    Float32[np.ndarray, "side side"],
]:
    """Return CIELAB around the region, its coverage, and where the photograph is."""
    left, top, right, bottom = region.box_xyxy
    longer = max(right - left, bottom - top)
    side = round(max(MARGIN * longer, longer + 2 * MIN_MARGIN_PX) * WIDE_PX / SIDE_PX)
    x0, y0 = (left + right - side) // 2, (top + bottom - side) // 2
    covered = np.zeros((side, side), np.uint8)
    covered[top - y0 : bottom - y0, left - x0 : right - x0] = np.where(region.mask, 255, 0)
    window, shown = _window(image, x0, y0, side)

    rgb, mask, is_shown = (_resized(each) for each in (window, covered, shown))
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)), mask, is_shown


def _resized(square: UInt8[np.ndarray, "side side ..."]) -> Float32[np.ndarray, "wide wide ..."]:
    """Average where pixels become fewer, interpolate where they become more; 0 … 1."""
    method = cv2.INTER_AREA if len(square) > WIDE_PX else cv2.INTER_LINEAR
    resized = cv2.resize(square, (WIDE_PX, WIDE_PX), interpolation=method)
    return np.asarray(resized.astype(np.float32) / np.float32(255))


def _window(
    image: Image, x0: int, y0: int, side: int
) -> tuple[UInt8[np.ndarray, "side side 3"], UInt8[np.ndarray, "side side"]]:
    """Cut a square that may reach over the border; 255 where it shows the photograph."""
    height, width = image.shape[:2]
    edges = (max(-y0, 0), max(y0 + side - height, 0), max(-x0, 0), max(x0 + side - width, 0))
    inner = image[max(y0, 0) : y0 + side, max(x0, 0) : x0 + side]
    shown = np.full(inner.shape[:2], 255, np.uint8)
    if not any(edges):
        return inner, shown
    return (
        np.asarray(cv2.copyMakeBorder(inner, *edges, cv2.BORDER_REPLICATE)),
        np.asarray(cv2.copyMakeBorder(shown, *edges, cv2.BORDER_CONSTANT, value=0)),
    )


def _surroundings(
    lab: Float32[np.ndarray, "side side 3"], is_around: np.ndarray
) -> Float32[np.ndarray, "3"]:
    """Return the median colour of the surroundings, or of all where there are hardly any."""
    pixels = lab[is_around]
    if len(pixels) < WIDE_PX:
        pixels = lab.reshape(-1, 3)
    return np.asarray(np.median(pixels, axis=0), np.float32)


# Measures


def measure(
    region: Region,
    size: tuple[int, int],
    difference: Float32[np.ndarray, "side side 3"],
    mask: Plane,
    around: Float32[np.ndarray, "3"],
) -> tuple[float, ...]:
    """Return ``MEASURES`` of a region of an image of this (height, width).

    ``difference`` is CIELAB less the colour ``around``, in a square with the region in the middle;
    ``mask`` says how far a pixel of the square belongs to the region, 0 … 1.
    """
    return (
        *_shape(region, size),
        float(around[0]) / 50 - 1,
        float(around[1]) / 50,
        float(around[2]) / 50,
        *_contrast(difference, mask),
        *_texture(difference[..., 0], mask),
    )


def _shape(region: Region, size: tuple[int, int]) -> tuple[float, ...]:
    # shape needs no more than some thousand points, however large the region
    step = max(1, max(region.mask.shape) // MAX_STEPS)
    mask = region.mask if step == 1 else _thinned(region.mask, step)
    rows, columns = np.nonzero(mask)
    points = np.stack([columns, rows], axis=1).astype(np.float32)
    # a pixel is a square: its own spread keeps a line one pixel wide from having no width
    scatter = np.eye(2) / 12
    if len(points) > 1:
        scatter += np.cov(points.T, bias=True)
    minor, major = np.sqrt(np.linalg.eigvalsh(scatter))
    length = step * float(major) * math.sqrt(12)  # of a bar with this spread
    hull = cv2.convexHull(_ends(mask))
    hull_px = cv2.contourArea(hull) + cv2.arcLength(hull, True) / 2 + 1  # centres to corners
    unit = math.sqrt(size[0] * size[1])
    return (
        math.log(math.sqrt(region.area_px) / unit) + 3,
        math.log(region.area_px / length / unit) + 3.5,
        math.log(float(major / minor)),
        min(len(points) / hull_px, 1.0),
        region.area_px / region.mask.size,
    )


def _ends(mask: Bool[np.ndarray, "rows columns"]) -> Float32[np.ndarray, "points 2"]:
    """Return the first and last pixel of each row, which have the hull of all pixels."""
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    last = mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1)
    columns = np.concatenate([first, last])
    return np.stack([columns, np.tile(rows, 2)], axis=1).astype(np.float32)


def _thinned(mask: Bool[np.ndarray, "rows columns"], step: int) -> AnyMask:
    """Shrink a mask by a whole number; a cell belongs to it where any of its pixels do."""
    height, width = (-(-side // step) for side in mask.shape)
    kernel = np.ones((step, step), np.uint8)
    grown = cv2.dilate(mask.astype(np.uint8), kernel, anchor=(0, 0))
    return np.asarray(grown[::step, ::step][:height, :width] > 0)


def _contrast(difference: Float32[np.ndarray, "side side 3"], mask: Plane) -> tuple[float, ...]:
    inside = mask > min(0.5, 0.7 * float(mask.max()))
    lightness = difference[..., 0]
    depth = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3)
    core = depth >= 0.6 * depth.max()
    reach = cv2.distanceTransform((mask < 0.02).astype(np.uint8), cv2.DIST_L2, 3)
    halo = (reach > 0) & (reach <= 3)
    values = (
        *np.percentile(lightness[inside], (10, 50, 90)),
        difference[..., 1][inside].mean(),
        difference[..., 2][inside].mean(),
        lightness[core].mean(),
        lightness[halo].mean() if halo.any() else 0.0,
    )
    return tuple(2 * float(each) / (abs(float(each)) + MEASURES_HALF_CONTRAST) for each in values)


def _texture(lightness: Plane, mask: Plane) -> tuple[float, ...]:
    smooth, wide = (cv2.GaussianBlur(lightness, (0, 0), sigma) for sigma in (1.0, 3.0))
    fine, coarse = np.abs(lightness - smooth), np.abs(smooth - wide)
    right, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    tensor = (right * right, down * down, right * down)
    inside, outside = mask / mask.sum(), (1 - mask) / max(float((1 - mask).sum()), 1.0)

    def mean(plane: Plane, weight: Plane) -> float:
        return float((plane * weight).sum())

    def coherence(weight: Plane) -> float:
        xx, yy, xy = (mean(each, weight) for each in tensor)
        return math.hypot(xx - yy, 2 * xy) / (xx + yy + 1.0)

    quiet = 0.3  # units of CIELAB: less is noise
    fine_around, coarse_around = (math.log(mean(p, outside) + quiet) for p in (fine, coarse))
    return (
        math.log(mean(fine, inside) + quiet) - fine_around,
        math.log(mean(coarse, inside) + quiet) - coarse_around,
        fine_around,
        coherence(inside),
        coherence(outside),
    )
