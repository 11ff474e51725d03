"""Colour scales: one colour a class, and a scale of how anomalous a place is.

The first eight class colours are those of Okabe and Ito (2008), black last. Further ones are chosen
one by one as far as possible from all before, in CIELAB, as seen by the worst-off of three viewers:
with normal sight, without green cones and without red cones (Machado, Oliveira and Fernandes, 2009,
severity 1).
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from jaxtyping import Float, Float32, Integer, UInt8

OKABE_ITO: UInt8[np.ndarray, "8 3"] = np.array(
    [
        (230, 159, 0),  # orange
        (86, 180, 233),  # sky blue
        (0, 158, 115),  # bluish green
        (240, 228, 66),  # yellow
        (0, 114, 178),  # blue
        (213, 94, 0),  # vermilion
        (204, 121, 167),  # reddish purple
        (0, 0, 0),  # black
    ],
    dtype=np.uint8,
)
EXTRA_COLOR = (208, 0, 32)  # outline of a part of no class; no class has it

_WITHOUT_GREEN_CONES = np.array(
    [
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ]
)
_WITHOUT_RED_CONES = np.array(
    [
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ]
)
_VIEWERS = (np.eye(3), _WITHOUT_GREEN_CONES, _WITHOUT_RED_CONES)
_LEVELS = (32, 80, 128, 176, 224)  # per channel: 125 candidates, none of them too pale to fill with


def class_colors(n: int) -> UInt8[np.ndarray, "classes 3"]:
    """Return one RGB colour per class, the same for the same class however many there are.

    From about forty on they are hard to tell apart, and past 133 they repeat.
    """
    known = _all_colors()
    return known[np.arange(n) % len(known)]


def heat_colors() -> UInt8[np.ndarray, "256 3"]:
    """Return the heat scale from cold to hot: inferno, whose lightness only rises."""
    ramp = np.arange(256, dtype=np.uint8)[None]
    colors: np.ndarray = cv2.applyColorMap(ramp, cv2.COLORMAP_INFERNO)[0, :, ::-1]
    return np.ascontiguousarray(colors)


def ink_on(color: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return black or white, whichever is easier to read on this colour (WCAG 2.1 contrast)."""
    luminance = float(_to_linear(np.array(color)) @ (0.2126, 0.7152, 0.0722))
    # at 0.179 the contrasts to black and to white are equal
    return (0, 0, 0) if luminance > 0.179 else (255, 255, 255)


def css_color(color: tuple[int, int, int]) -> str:
    """Write a colour for a style sheet."""
    red, green, blue = color
    return f"rgb({red} {green} {blue})"


@cache
def _all_colors() -> UInt8[np.ndarray, "colors 3"]:
    levels = np.array(_LEVELS, dtype=np.uint8)
    candidates = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 3)
    taken = np.concatenate([OKABE_ITO, np.array([EXTRA_COLOR], dtype=np.uint8)])
    distance = np.min([_seen_distance(candidates, color) for color in taken], axis=0)
    order = []
    for _ in range(len(candidates)):
        order.append(int(np.argmax(distance)))
        distance = np.minimum(distance, _seen_distance(candidates, candidates[order[-1]]))
        distance[order] = -1
    return np.concatenate([OKABE_ITO, candidates[order]])


def _seen_distance(
    colors: UInt8[np.ndarray, "colors 3"], color: UInt8[np.ndarray, " 3"]
) -> Float[np.ndarray, " colors"]:
    """Distance of each colour to one other for the viewer who finds them most alike."""
    seen = [
        np.linalg.norm(_as_seen(colors, viewer) - _as_seen(color[None], viewer), axis=1)
        for viewer in _VIEWERS
    ]
    return np.asarray(np.min(seen, axis=0))


def _as_seen(
    colors: UInt8[np.ndarray, "colors 3"], viewer: Float[np.ndarray, "3 3"]
) -> Float32[np.ndarray, "colors 3"]:
    """CIELAB of colours as a viewer sees them."""
    linear = np.clip(_to_linear(colors) @ viewer.T, 0, 1)
    gamma = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    lab: np.ndarray = cv2.cvtColor(gamma[:, None].astype(np.float32), cv2.COLOR_RGB2LAB)
    return lab[:, 0]


def _to_linear(colors: Integer[np.ndarray, "*colors 3"]) -> Float[np.ndarray, "*colors 3"]:
    """Undo the transfer curve of sRGB (IEC 61966-2-1)."""
    unit = colors / 255.0
    return np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
