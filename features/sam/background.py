"""Which parts are background?

The published rule takes every mask that touches two edges of the image. That loses a thing which
the frame crops, a bottle from edge to edge, say; hence the other rule. Any function of this shape
is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

BackgroundRule = Callable[
    [UInt8[np.ndarray, "height width 3"], Int[np.ndarray, "height width"], int],
    Bool[np.ndarray, " parts"],
]

# Of median colours, in CIELAB with half the lightness: shading over a plain ground stays below
SAME_COLOR = 8.0
N_SAMPLES = 50_000


def touching_two_edges(
    image: UInt8[np.ndarray, "height width 3"],
    labels: Int[np.ndarray, "height width"],
    n_parts: int,
) -> Bool[np.ndarray, " parts"]:
    """Take every part that touches two edges of the image or more."""
    is_touched = _edges_touched(labels, n_parts)
    found: np.ndarray = is_touched.sum(axis=1) >= 2
    return found


def surrounding(
    image: UInt8[np.ndarray, "height width 3"],
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
    image: UInt8[np.ndarray, "height width 3"],
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
