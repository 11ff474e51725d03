"""What does each place look like, so that a painted thing is found in another light?

Colour and edges relative to what is around: the mean nearby is taken away and what is left is
divided by its own strength nearby, so that neither brightness nor a colour cast nor a shadow
counts. Edges are the energy of the gradient of log lightness along four directions, whatever its
sign, for light turns dark screws on bright wood into bright ones on dark wood.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

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
    image: UInt8[np.ndarray, "height width 3"],
    is_valid: Bool[np.ndarray, "height width"],
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
