"""Similarity transforms of the image plane, as 2×3 matrices on (x, y) in pixels.

A matrix named ``a_to_b`` takes points of frame a to points of frame b. Pixel centres are integers.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32

from features.images import Image, Mask

Affine = Float[np.ndarray, "2 3"]

IDENTITY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def about_center(
    size: tuple[int, int],
    *,
    angle_rad: float = 0.0,
    scale: float = 1.0,
    shift_xy: tuple[float, float] = (0.0, 0.0),
) -> Affine:
    """Rotate (clockwise on screen) and scale about the centre of an image, then shift."""
    height, width = size
    center = np.array([(width - 1) / 2, (height - 1) / 2])
    cosine, sine = scale * np.cos(angle_rad), scale * np.sin(angle_rad)
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([linear, center - linear @ center + shift_xy])


def compose(second: Affine, first: Affine) -> Affine:
    """Return the transform that applies ``first`` and then ``second``."""
    linear = second[:, :2] @ first[:, :2]
    return np.column_stack([linear, second[:, :2] @ first[:, 2] + second[:, 2]])


def invert(transform: Affine) -> Affine:
    """Return the transform that undoes this one."""
    (a, b, x), (c, d, y) = transform.tolist()
    # in closed form: this runs a hundred times an image, and a general solver costs ten times more
    determinant = a * d - b * c
    a, b, c, d = d / determinant, -b / determinant, -c / determinant, a / determinant
    return np.array([[a, b, -(a * x + b * y)], [c, d, -(c * x + d * y)]])


def rescale(size: tuple[int, int], new_size: tuple[int, int]) -> Affine:
    """Map pixels of an image to pixels of the same image resized to ``new_size``."""
    fy, fx = new_size[0] / size[0], new_size[1] / size[1]
    # pixel centres are integers, so the image's corner lies at (-0.5, -0.5)
    return np.array([[fx, 0.0, (fx - 1) / 2], [0.0, fy, (fy - 1) / 2]])


def apply(transform: Affine, points_xy: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
    """Transform points."""
    moved: np.ndarray = points_xy @ transform[:, :2].T + transform[:, 2]
    return moved


def warp_image(image: Image, to_output: Affine) -> tuple[Image, Mask]:
    """Move an image within its frame; what comes from outside repeats the border, not valid."""
    height, width = image.shape[:2]
    moved = cv2.warpAffine(
        image, to_output, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    seen = cv2.warpAffine(np.ones((height, width), np.float32), to_output, (width, height))
    return moved, seen > 0.99


def warp_tokens(
    tokens: Float32[np.ndarray, "rows columns dim"],
    output_to_input: Affine,
    cell_px: int,
) -> tuple[Float32[np.ndarray, "rows columns dim"], Bool[np.ndarray, "rows columns"]]:
    """Resample a grid of cells through a transform given in pixels, bilinearly."""
    height, width = tokens.shape[:2]
    cell_to_px = np.array([[cell_px, 0, (cell_px - 1) / 2], [0, cell_px, (cell_px - 1) / 2]])
    in_cells = compose(invert(cell_to_px), compose(output_to_input, cell_to_px))
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    x = (in_cells[0, 0] * columns + in_cells[0, 1] * rows + in_cells[0, 2]).astype(np.float32)
    y = (in_cells[1, 0] * columns + in_cells[1, 1] * rows + in_cells[1, 2]).astype(np.float32)
    planes = [
        cv2.remap(
            np.ascontiguousarray(tokens[..., first : first + 4]),
            x,
            y,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ).reshape(height, width, -1)
        for first in range(0, tokens.shape[-1], 4)
    ]
    is_inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    return np.concatenate(planes, axis=-1), is_inside
