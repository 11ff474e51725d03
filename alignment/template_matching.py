"""What does a painted thing look like, with a rim around it, and turned?

What does each place look like, so that a painted thing is found in another light?

Colour and edges relative to what is around: the mean nearby is taken away and what is left is
divided by its own strength nearby, so that neither brightness nor a colour cast nor a shadow
counts. Edges are the energy of the gradient of log lightness along four directions, whatever its
sign, for light turns dark screws on bright wood into bright ones on dark wood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import scipy.fft
from jaxtyping import Complex64, Float32

from features.images import AnyMask, Image, Mask

N_COLORS, N_DIRECTIONS = 3, 4

# lightness counts half: it changes with shading
_COLOR_UNITS = np.array([20.0, 10.0, 10.0], dtype=np.float32)
# sigma in working pixels of what is around
_AROUND_PX = 28.0
# log(0.05 + L): keeps sensor noise in the dark from looking like edges
_LOG_OFFSET = 0.05
# squared strengths below which nothing is blown up
_COLOR_FLOOR, _EDGE_FLOOR = 0.02, 1e-3

Looks = Float32[np.ndarray, "rows columns channels"]


def looks_of(
    image: Image,
    is_valid: Mask,
    step: int,
) -> Looks:
    """Describe each square of ``step`` working pixels a side; outside the photograph is nothing."""
    size = image.shape[1] // step, image.shape[0] // step
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    lab = cv2.cvtColor(small * np.float32(1 / 255), cv2.COLOR_RGB2LAB)
    colors = cv2.GaussianBlur(lab, (0, 0), 0.7) / _COLOR_UNITS
    around = _AROUND_PX / step
    looks = np.dstack(
        [
            _standing_out(colors, around, _COLOR_FLOOR),
            _standing_out(_edges(lab), around, _EDGE_FLOOR),
        ]
    )
    if not is_valid.all():
        seen = cv2.resize(is_valid.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        looks *= seen[..., None]
    return looks


def turned_looks(looks: Looks, angle_deg: float) -> Looks:
    """Turn what looks say of directions; the places stay where they are."""
    steps = angle_deg * N_DIRECTIONS / 180
    low = int(np.floor(steps))
    share = np.float32(steps - low)
    edges = looks[..., N_COLORS:]
    turned = (1 - share) * np.roll(edges, -low, axis=2) + share * np.roll(edges, -low - 1, axis=2)
    return np.dstack([looks[..., :N_COLORS], turned])


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


def _standing_out(planes: Looks, around: float, floor: float) -> Looks:
    """Take away the mean nearby, and divide by the strength of what is left nearby."""
    out = planes - _nearby(planes, around)
    power = np.einsum("hwc,hwc->hw", out, out)
    standing_out: Looks = out / np.sqrt(_nearby(power, around) + np.float32(floor))[..., None]
    return standing_out


def _nearby(planes: np.ndarray, around: float) -> np.ndarray:
    """Blur widely, at a quarter of the resolution, which costs a fraction of it."""
    height, width = planes.shape[:2]
    small = cv2.resize(planes, (-(-width // 4), -(-height // 4)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), around / 4)
    blurred: np.ndarray = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return blurred


# of the side of a square as large as the thing: how wide its rim is, which must look alike, too
_RIM = 0.35
_RIM_WEIGHT = 0.5
# side of a square as large as the thing, from which every fourth pixel tells all that is needed
_LARGE_PX = 8


def step_for(areas_px: Sequence[int]) -> int:
    """Say how coarsely things of these areas are looked for."""
    return 4 if min(areas_px) >= _LARGE_PX**2 else 2


@dataclass(frozen=True)
class Template:
    """One painted thing: its looks with a rim, and which of it is the thing.

    ``inside`` is in working pixels, ``looks`` on their own grid, ``step`` times as coarse.
    """

    looks: Looks
    inside: AnyMask

    @classmethod
    def of(cls, image: Image, is_valid: Mask, painted: Mask, step: int) -> Template:
        """Cut what was painted on an image out of it."""
        rows, columns = np.nonzero(painted)
        rim = max(2, round(_RIM * np.sqrt(len(rows)) / step))
        looks = looks_of(image, is_valid, step)
        whole = np.pad(looks, ((rim, rim), (rim, rim), (0, 0)))
        over = np.pad(painted, step * rim)
        # in the padded arrays, the rim begins where the thing does in the image
        top, left = (int(axis.min()) // step for axis in (rows, columns))
        bottom, right = (int(axis.max()) // step + 1 + 2 * rim for axis in (rows, columns))
        return cls(
            whole[top:bottom, left:right].copy(),
            over[step * top : step * bottom, step * left : step * right].copy(),
        )

    @property
    def step(self) -> int:
        """Working pixels a side that share one look."""
        return int(self.inside.shape[0] // self.looks.shape[0])

    def turned(self, angle_deg: float) -> Template:
        """Turn the thing about the template's centre; the frame grows with it."""
        if angle_deg == 0:
            return self
        looks = turned_looks(_turned(self.looks, angle_deg, cv2.INTER_LINEAR), angle_deg)
        inside = _turned(self.inside.astype(np.uint8), angle_deg, cv2.INTER_NEAREST)
        rows, columns = looks.shape[:2]
        size = columns * self.step, rows * self.step
        inside = cv2.resize(inside, size, interpolation=cv2.INTER_NEAREST)
        return Template(looks, inside.astype(bool))

    @cached_property
    def weight(self) -> Float32[np.ndarray, "rows columns"]:
        """How much each look counts: the thing, its rim less, the rest of the frame not."""
        rows, columns = self.looks.shape[:2]
        share = cv2.resize(
            self.inside.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA
        )
        reach = max(1.0, _RIM * float(np.sqrt(share.sum())))
        away = cv2.distanceTransform((share < 0.5).astype(np.uint8), cv2.DIST_L2, 3)
        weight = share + (1 - share) * _RIM_WEIGHT * (away <= reach)
        return weight.astype(np.float32)


def _turned(plane: np.ndarray, angle_deg: float, interpolation: int) -> np.ndarray:
    height, width = plane.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle_deg, 1.0)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    new = int(np.ceil(width * cos + height * sin)), int(np.ceil(width * sin + height * cos))
    turn[:, 2] += (new[0] - width) / 2, (new[1] - height) / 2
    turned: np.ndarray = cv2.warpAffine(
        plane, turn, new, flags=interpolation, borderMode=cv2.BORDER_REPLICATE
    )
    return turned


@dataclass(frozen=True)
class TemplateSpectrum:
    """A template's transforms on a grid of looks."""

    template: Template
    weight: Complex64[np.ndarray, "rows columns"]
    weighted: Complex64[np.ndarray, "channels rows columns"]
    own: float

    @classmethod
    def of(cls, template: Template, grid: tuple[int, int]) -> TemplateSpectrum:
        """Transform looks and weights on a grid that is larger than the template."""
        planes = np.moveaxis(template.looks * template.weight[..., None], -1, 0)
        own = float((template.weight[..., None] * template.looks**2).sum())
        return cls(
            template,
            scipy.fft.rfft2(template.weight, grid).conj().astype(np.complex64),
            scipy.fft.rfft2(planes, grid, axes=(-2, -1)).conj().astype(np.complex64),
            own,
        )
