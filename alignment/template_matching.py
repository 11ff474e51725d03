"""Templates of painted parts, made of local descriptors that light hardly changes.

A local descriptor holds colour and edges relative to the surroundings: the mean nearby is taken
away, and what is left is divided by its own strength nearby, so that neither brightness nor a
colour cast nor a shadow counts. Edges are the energy of the gradient of log lightness along four
directions, whatever its sign, for light turns dark screws on bright wood into bright ones on dark
wood. A template is the painted part with a rim around it, which may be rotated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import scipy.fft
from jaxtyping import Complex64, Float32

from features.images import AnyMask, Image, Mask, to_lab

N_COLORS, N_DIRECTIONS = 3, 4

# lightness counts half: it changes with shading
_COLOR_UNITS = np.array([20.0, 10.0, 10.0], dtype=np.float32)
# of the surroundings, in working pixels
_SURROUND_SIGMA_PX = 28.0
# log(0.05 + L): keeps sensor noise in the dark from looking like edges
_LOG_OFFSET = 0.05
# squared strengths below which nothing is blown up
_COLOR_FLOOR, _EDGE_FLOOR = 0.02, 1e-3

# of the side of a square as large as the part: how wide its rim is, which must look alike, too
_RIM = 0.35
_RIM_WEIGHT = 0.5
# side of a square as large as the part, from which every fourth pixel tells all that is needed
_LARGE_PX = 8

LocalDescriptors = Float32[np.ndarray, "rows columns channels"]


def stride_for(areas_px: Sequence[int]) -> int:
    """Say how coarsely parts of these areas are looked for, in working pixels a descriptor."""
    return 4 if min(areas_px) >= _LARGE_PX**2 else 2


def local_descriptors(image: Image, is_valid: Mask, stride: int) -> LocalDescriptors:
    """Describe each square of ``stride`` working pixels a side; zero outside the photograph."""
    size = image.shape[1] // stride, image.shape[0] // stride
    lab = to_lab(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    colors = cv2.GaussianBlur(lab, (0, 0), 0.7) / _COLOR_UNITS
    sigma = _SURROUND_SIGMA_PX / stride
    descriptors = np.dstack(
        [
            _contrast_normalised(colors, sigma, _COLOR_FLOOR),
            _contrast_normalised(_edges(lab), sigma, _EDGE_FLOOR),
        ]
    )
    if not is_valid.all():
        seen = cv2.resize(is_valid.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        descriptors *= seen[..., None]
    return descriptors


@dataclass(frozen=True)
class Template:
    """The descriptors of one painted part with a rim, and its mask.

    ``mask`` is in working pixels, ``descriptors`` on their own grid, ``stride`` times as coarse.
    """

    descriptors: LocalDescriptors
    mask: AnyMask

    @classmethod
    def of(cls, image: Image, is_valid: Mask, painted: Mask, stride: int) -> Template:
        """Cut what was painted on an image out of it."""
        rows, columns = np.nonzero(painted)
        rim = max(2, round(_RIM * np.sqrt(len(rows)) / stride))
        descriptors = local_descriptors(image, is_valid, stride)
        whole = np.pad(descriptors, ((rim, rim), (rim, rim), (0, 0)))
        over = np.pad(painted, stride * rim)
        # in the padded arrays, the rim begins where the part does in the image
        top, left = (int(axis.min()) // stride for axis in (rows, columns))
        bottom, right = (int(axis.max()) // stride + 1 + 2 * rim for axis in (rows, columns))
        return cls(
            whole[top:bottom, left:right].copy(),
            over[stride * top : stride * bottom, stride * left : stride * right].copy(),
        )

    @property
    def stride(self) -> int:
        """Working pixels a side that share one descriptor."""
        return int(self.mask.shape[0] // self.descriptors.shape[0])

    def rotated(self, angle_deg: float) -> Template:
        """Rotate the part about the template's centre; the frame grows with it."""
        if angle_deg == 0:
            return self
        descriptors = _with_rotated_directions(
            _rotated(self.descriptors, angle_deg, cv2.INTER_LINEAR), angle_deg
        )
        mask = _rotated(self.mask.astype(np.uint8), angle_deg, cv2.INTER_NEAREST)
        rows, columns = descriptors.shape[:2]
        size = columns * self.stride, rows * self.stride
        mask = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
        return Template(descriptors, mask.astype(bool))

    @cached_property
    def weight(self) -> Float32[np.ndarray, "rows columns"]:
        """How much each descriptor counts: the part, its rim less, the rest of the frame not."""
        rows, columns = self.descriptors.shape[:2]
        share = cv2.resize(
            self.mask.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA
        )
        reach = max(1.0, _RIM * float(np.sqrt(share.sum())))
        away = cv2.distanceTransform((share < 0.5).astype(np.uint8), cv2.DIST_L2, 3)
        weight = share + (1 - share) * _RIM_WEIGHT * (away <= reach)
        return weight.astype(np.float32)


@dataclass(frozen=True)
class TemplateSpectrum:
    """A template's transforms on a grid of descriptors, and its own weighted power."""

    template: Template
    weight: Complex64[np.ndarray, "rows columns"]
    weighted: Complex64[np.ndarray, "channels rows columns"]
    power: float

    @classmethod
    def of(cls, template: Template, grid: tuple[int, int]) -> TemplateSpectrum:
        """Transform descriptors and weights on a grid that is larger than the template."""
        planes = np.moveaxis(template.descriptors * template.weight[..., None], -1, 0)
        power = float((template.weight[..., None] * template.descriptors**2).sum())
        return cls(
            template,
            scipy.fft.rfft2(template.weight, grid).conj().astype(np.complex64),
            scipy.fft.rfft2(planes, grid, axes=(-2, -1)).conj().astype(np.complex64),
            power,
        )


# Descriptors of places


def _edges(
    lab: Float32[np.ndarray, "rows columns 3"],
) -> Float32[np.ndarray, "rows columns directions"]:
    """Energy of the gradient along each direction, so blurred that a small turn changes little."""
    light = cv2.log(lab[..., 0] * np.float32(0.01) + np.float32(_LOG_OFFSET))
    right, down = cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)
    strength = np.sqrt(right * right + down * down) + np.float32(1e-3)
    angles = np.arange(N_DIRECTIONS) * np.pi / N_DIRECTIONS
    along = [(np.cos(a) * right + np.sin(a) * down) ** 2 / strength for a in angles.tolist()]
    edges: np.ndarray = cv2.GaussianBlur(np.dstack(along).astype(np.float32), (0, 0), 1.2)
    return edges


def _contrast_normalised(planes: LocalDescriptors, sigma: float, floor: float) -> LocalDescriptors:
    """Take away the mean nearby, and divide by the strength of what is left nearby."""
    out = planes - _widely_blurred(planes, sigma)
    power = np.einsum("hwc,hwc->hw", out, out)
    normalised: LocalDescriptors = (
        out / np.sqrt(_widely_blurred(power, sigma) + np.float32(floor))[..., None]
    )
    return normalised


def _widely_blurred(planes: np.ndarray, sigma: float) -> np.ndarray:
    """Blur at a quarter of the resolution, which costs a fraction of it."""
    height, width = planes.shape[:2]
    small = cv2.resize(planes, (-(-width // 4), -(-height // 4)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / 4)
    blurred: np.ndarray = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return blurred


# Rotation


def _with_rotated_directions(descriptors: LocalDescriptors, angle_deg: float) -> LocalDescriptors:
    """Rotate what descriptors say of directions; the places stay where they are."""
    steps = angle_deg * N_DIRECTIONS / 180
    low = int(np.floor(steps))
    share = np.float32(steps - low)
    edges = descriptors[..., N_COLORS:]
    turned = (1 - share) * np.roll(edges, -low, axis=2) + share * np.roll(edges, -low - 1, axis=2)
    return np.dstack([descriptors[..., :N_COLORS], turned])


def _rotated(plane: np.ndarray, angle_deg: float, interpolation: int) -> np.ndarray:
    height, width = plane.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle_deg, 1.0)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    new = int(np.ceil(width * cos + height * sin)), int(np.ceil(width * sin + height * cos))
    turn[:, 2] += (new[0] - width) / 2, (new[1] - height) / 2
    turned: np.ndarray = cv2.warpAffine(
        plane, turn, new, flags=interpolation, borderMode=cv2.BORDER_REPLICATE
    )
    return turned
