"""Which properties of a region does no rotation change? Size, shape, contrast and roughness.

All are brought to about unit size, so that their differences can be added up.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from jaxtyping import Bool, Float32

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
HALF_CONTRAST = 12.0
MAX_STEPS = 128

Plane = Float32[np.ndarray, "side side"]


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


def _thinned(mask: Bool[np.ndarray, "rows columns"], step: int) -> Bool[np.ndarray, "_ _"]:
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
    return tuple(2 * float(each) / (abs(float(each)) + HALF_CONTRAST) for each in values)


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
