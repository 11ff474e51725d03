"""What is the average of something over each class of an image?

Averages run over the valid pixels of a class, all its instances together. A class without any such
pixel has no average: its row is NaN, and each score says what that is worth.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

# one unit of CIELAB: below it a/b divides by noise
RATIO_GUARD = 1.0


def pixel_mean(
    planes: Float[np.ndarray, "channels height width"] | Int[np.ndarray, "channels height width"],
    class_map: Int[np.ndarray, "height width"],
    n_classes: int,
) -> Float[np.ndarray, "classes channels"]:
    """Mean of each channel over the pixels of each class; pixels of class -1 are left out."""
    shifted = class_map.ravel() + 1
    sums = [
        np.bincount(shifted, weights=plane.ravel(), minlength=n_classes + 1)[1:] for plane in planes
    ]
    area_px = np.bincount(shifted, minlength=n_classes + 1)[1:]
    with np.errstate(invalid="ignore"):
        return np.stack(sums, axis=1) / area_px[:, None]


def token_mean(
    tokens: Float32[np.ndarray, "rows columns dim"],
    is_valid: Bool[np.ndarray, "rows columns"],
    class_map: Int[np.ndarray, "height width"],
    n_classes: int,
) -> Float[np.ndarray, "classes dim"]:
    """Mean over the pixels of each class of the token of the pixel's cell.

    Pixels, not cells, are counted: a part smaller than a cell must not come and go with its place
    on the grid.
    """
    (rows, columns), (height, width) = is_valid.shape, class_map.shape
    cell_y, cell_x = np.arange(height) * rows // height, np.arange(width) * columns // width
    n_cells = rows * columns
    flat = (class_map + 1) * n_cells + (cell_y[:, None] * columns + cell_x)
    coverage = np.bincount(flat.ravel(), minlength=(n_classes + 1) * n_cells)
    weights = coverage.reshape(-1, n_cells)[1:, is_valid.ravel()].astype(np.float32)
    with np.errstate(invalid="ignore"):
        means: np.ndarray = (weights @ tokens[is_valid]) / weights.sum(axis=1, keepdims=True)
    return means


def color_planes(
    image: UInt8[np.ndarray, "height width 3"],
) -> Float32[np.ndarray, "4 height width"]:
    """CIELAB without lightness, per pixel: a, b, chroma √(a² + b²), and the ratio a/b.

    The ratio keeps |b| at ``RATIO_GUARD`` or more, b = 0 counting as positive.
    """
    lab = cv2.cvtColor(image.astype(np.float32) * np.float32(1 / 255), cv2.COLOR_RGB2LAB)
    _, a, b = cv2.split(lab)
    divisor = np.where(b < 0, np.minimum(b, -RATIO_GUARD), np.maximum(b, RATIO_GUARD))
    return np.stack([a, b, cv2.magnitude(a, b), a / divisor])
