"""Hand-made dense descriptors, which need no weights.

Three groups of descriptors on a grid of 8-pixel cells:

* *gradient*: half-wave rectified oriented gradients of log lightness (as in HOG, Dalal and
  Triggs, 2005), the cell and its four diagonal neighbours, contrast-normalised;
* *local colour*: CIELAB and its spread at three scales, relative to a wide neighbourhood, so that
  shadow and colour cast cancel;
* *image colour*: the same relative to the whole image, so that a changed colour is seen.

All blurs run on area-averaged pyramids, which costs a tenth of blurring full images. Pixels that a
warp made up are left out of every average (normalised convolution, Knutsson and Westin, 1993).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import cv2
import numpy as np
from jaxtyping import Float32

from features.dense import DenseMap
from features.images import Image, Mask, to_lab

CELL_PX = 8
N_ORIENTATIONS = 8
# log(0.05 + L): keeps sensor noise in the dark from looking like edges
LOG_OFFSET = 0.05
# sigmas of the Gaussians, in cells of the grid they run on, that together with the averaging
# already done give 4, 8 and 24 pixels
SIGMA_4PX_ON_QUARTER, SIGMA_8PX_ON_EIGHTH, SIGMA_24PX_ON_EIGHTH = 0.96, 0.96, 2.96
# one unit of CIELAB: differences below it are invisible and must not be blown up
LAB_FLOOR = 1.0

Plane = Float32[np.ndarray, "height width"]
Planes = Float32[np.ndarray, "height width channels"]
Cells = Float32[np.ndarray, "rows columns dim"]


@dataclass
class EmbeddedBackbone:
    """Hand-made dense descriptors, each dimension centred and scaled by the references."""

    center_: Float32[np.ndarray, " dim"] | None = field(default=None)
    scale_: Float32[np.ndarray, " dim"] | None = field(default=None)

    def fit(self, images: Sequence[Image]) -> Self:
        """Learn centre and scale of each dimension over all cells of the references."""
        cells = np.concatenate([describe(image).reshape(-1, dim()) for image in images])
        self.center_ = cells.mean(axis=0)
        spread = cells.std(axis=0)
        # a dimension that hardly varies on the references must not become the loudest one
        self.scale_ = spread + np.float32(0.01) * spread.mean() + np.float32(1e-6)
        return self

    def __call__(
        self,
        image: Image,
        is_valid: Mask | None = None,
    ) -> DenseMap:
        """Describe an image whose sides are multiples of 8 pixels."""
        assert self.center_ is not None
        assert self.scale_ is not None
        tokens = (describe(image, is_valid) - self.center_) / self.scale_
        if is_valid is None:
            return DenseMap(tokens, np.ones(tokens.shape[:2], dtype=bool))
        coverage = _average(is_valid.astype(np.float32), CELL_PX)
        return DenseMap(tokens, coverage > 0.99)

    def batch(
        self,
        images: Sequence[Image],
        is_valid: Sequence[Mask],
    ) -> list[DenseMap]:
        """Describe several images of one size, one by one."""
        return [self(image, valid) for image, valid in zip(images, is_valid, strict=True)]

    def identity(self) -> dict[str, str]:
        """There are no weights, only the descriptors of this module."""
        return {"name": "embedded"}

    def restore(self, state: dict[str, np.ndarray]) -> Self:
        """Take centre and scale from a stored state instead of fitting."""
        self.center_, self.scale_ = state["center"], state["scale"]
        return self

    def state(self) -> dict[str, np.ndarray]:
        """Return centre and scale."""
        assert self.center_ is not None
        assert self.scale_ is not None
        return {"center": self.center_, "scale": self.scale_}


def dim() -> int:
    """Length of a descriptor: five gradient neighbours and twice three scales of colour."""
    return 5 * N_ORIENTATIONS + 2 * 3 * 4


def describe(
    image: Image,
    is_valid: Mask | None = None,
) -> Cells:
    """Return raw descriptors, one per 8×8 cell; sides must be multiples of 8 pixels."""
    lab = to_lab(image)
    mask = None if is_valid is None or is_valid.all() else is_valid.astype(np.float32)
    return np.concatenate([_gradient_group(lab, mask), *_color_groups(lab, mask)], axis=-1)


def _gradient_group(lab: Planes, mask: Plane | None) -> Cells:
    log_lightness = cv2.log(lab[..., 0] * np.float32(0.01) + np.float32(LOG_OFFSET))
    right = cv2.Sobel(log_lightness, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(log_lightness, cv2.CV_32F, 0, 1)
    if mask is not None:
        inside = cv2.erode(mask, np.ones((3, 3), np.uint8))
        right, down = right * inside, down * inside

    # Rectify along eight directions and pool to cells
    angles = np.arange(N_ORIENTATIONS // 2) * (2 * np.pi / N_ORIENTATIONS)
    along = [cv2.addWeighted(right, np.cos(a), down, np.sin(a), 0) for a in angles]
    halves = [np.maximum(sign * plane, 0) for sign in (1, -1) for plane in along]
    pooled = np.stack([_average(half, 4) for half in halves], axis=-1)
    pooled = _halve(_blur(pooled, SIGMA_4PX_ON_QUARTER))
    if mask is not None:
        weight = _halve(_blur(_average(inside, 4)[..., None], SIGMA_4PX_ON_QUARTER))
        pooled /= np.maximum(weight, np.float32(0.05))

    # Look at the diagonal neighbours too, and normalise contrast
    height, width, _ = pooled.shape
    padded = np.pad(pooled, ((1, 1), (1, 1), (0, 0)), mode="symmetric")
    offsets = ((1, 1), (0, 0), (0, 2), (2, 0), (2, 2))
    group = np.concatenate([padded[y : y + height, x : x + width] for y, x in offsets], axis=-1)
    energy = np.einsum("hwd,hwd->hw", group, group)[..., None]
    # half the mean norm: flat cells keep small descriptors instead of amplified noise
    floor = np.sqrt(energy).mean() / 2
    normalised: Cells = group / np.sqrt(energy + floor * floor + np.float32(1e-12))
    return normalised


def _color_groups(lab: Planes, mask: Plane | None) -> tuple[Cells, Cells]:
    lightness = lab[..., 0]
    stack = cv2.merge([lab[..., 0], lab[..., 1], lab[..., 2], lightness * lightness])
    power = np.einsum("hwc,hwc->hw", lab, lab)
    weight = np.ones_like(lightness) if mask is None else mask

    # Average at four scales, invalid pixels left out
    masked = stack if mask is None else stack * mask[..., None]
    quarter, weight_4 = _average(masked, 4), _average(weight, 4)[..., None]
    eighth, weight_8 = _halve(quarter), _halve(weight_4)
    quarter_blurred = _halve(_blur(quarter, SIGMA_4PX_ON_QUARTER))
    weight_4_blurred = _halve(_blur(weight_4, SIGMA_4PX_ON_QUARTER))
    at_8px = _blur(eighth, SIGMA_8PX_ON_EIGHTH) / _floor(_blur(weight_8, SIGMA_8PX_ON_EIGHTH))
    weight_24 = _floor(_blur(weight_8, SIGMA_24PX_ON_EIGHTH))
    wide = (_blur(eighth, SIGMA_24PX_ON_EIGHTH) / weight_24)[..., :3]
    wide_power = _blur(_average(power * weight, CELL_PX)[..., None], SIGMA_24PX_ON_EIGHTH)

    # Relate each scale to its surroundings and to the whole image
    variance = (wide_power / weight_24 - np.einsum("hwc,hwc->hw", wide, wide)[..., None]) / 3
    contrast = np.sqrt(np.maximum(variance, 0)) + np.float32(LAB_FLOOR)
    mean, spread = _image_statistics(lab, weight)
    local, overall = [], []
    for scale in (eighth / _floor(weight_8), quarter_blurred / _floor(weight_4_blurred), at_8px):
        color = scale[..., :3]
        roughness = np.sqrt(np.maximum(scale[..., 3:] - scale[..., :1] ** 2, 0))
        local += [(color - wide) / contrast, roughness / contrast]
        overall += [(color - mean) / spread, roughness / spread[0]]
    return np.concatenate(local, axis=-1), np.concatenate(overall, axis=-1)


def _image_statistics(
    lab: Planes, weight: Plane
) -> tuple[Float32[np.ndarray, "3"], Float32[np.ndarray, "3"]]:
    """Mean of L, a, b over valid pixels, and their spread; a and b share one, or hue would turn."""
    flat, weights = lab.reshape(-1, 3), weight.ravel()
    total = max(float(weights.sum()), 1.0)
    mean = (weights @ flat).astype(np.float64) / total
    centered = flat - mean.astype(np.float32)
    variance = (weights @ (centered * centered)).astype(np.float64) / total
    chroma = variance[1:].mean()
    spread = np.sqrt([variance[0], chroma, chroma]) + LAB_FLOOR
    return mean.astype(np.float32), spread.astype(np.float32)


def _average(planes: np.ndarray, factor: int) -> np.ndarray:
    height, width = planes.shape[:2]
    averaged: np.ndarray = cv2.resize(
        planes, (width // factor, height // factor), interpolation=cv2.INTER_AREA
    )
    return averaged


def _halve(planes: Planes) -> Cells:
    total = planes[0::2, 0::2] + planes[1::2, 0::2] + planes[0::2, 1::2] + planes[1::2, 1::2]
    halved: Cells = total * np.float32(0.25)
    return halved


def _blur(planes: Planes, sigma: float) -> Planes:
    # OpenCV filters at most four channels at a time
    blurred = [
        cv2.GaussianBlur(
            np.ascontiguousarray(planes[..., first : first + 4]),
            (0, 0),
            sigma,
            borderType=cv2.BORDER_REFLECT_101,
        ).reshape(*planes.shape[:2], -1)
        for first in range(0, planes.shape[-1], 4)
    ]
    return np.concatenate(blurred, axis=-1)


def _floor(weight: Planes) -> Planes:
    floored: Planes = np.maximum(weight, np.float32(0.05))
    return floored
