"""How does light make a flat outline look solid?

Surfaces are height fields. Their normals give diffuse light (Lambert), highlights (Blinn, 1977)
and, for metal, a reflected surrounding that is bright above and dark below.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32

Field = Float32[np.ndarray, "height width"]
Rgb = Float32[np.ndarray, "3 #height #width"]


@dataclass(frozen=True)
class Material:
    """Colour and surface; strengths are relative to white paper in full light.

    ``mottle`` is the relative unevenness of the colour in blotches of ``mottle_px`` image pixels.
    ``mirror`` is the share of light that comes from the reflected surroundings (metal).
    """

    color: str
    gloss: float = 0.0
    hardness: float = 25.0
    mirror: float = 0.0
    mottle: float = 0.05
    mottle_px: float = 3.0


def linear(color: str) -> Float32[np.ndarray, "3 1 1"]:
    """Turn "#rrggbb" into linear light; display gamma is taken as 2."""
    channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float32)
    return (channels[:, None, None] / 255) ** 2


def blend(first: str, second: str, share: Float[np.ndarray, "height width"]) -> Rgb:
    """Mix two colours pixel by pixel; ``share`` of the second is clipped to 0 … 1."""
    clipped = np.clip(share, 0, 1).astype(np.float32)
    return np.asarray(linear(first) + (linear(second) - linear(first)) * clipped)


def dome(alpha: Field, bevel_px: float) -> Field:
    """Height of a shape rounded off within ``bevel_px`` of its border; negative: a hollow."""
    inside = cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    bevel = abs(bevel_px)
    t = np.clip(inside / bevel, 0, 1)
    height = cv2.blur(bevel * np.sqrt(1 - (1 - t) ** 2), (3, 3))
    return np.asarray(np.sign(bevel_px) * height, dtype=np.float32)


def shade(
    height: Float[np.ndarray, "height width"], material: Material, light: Float32[np.ndarray, "3"]
) -> tuple[Field, Field]:
    """Light a height field from one direction with a soft surrounding light.

    Returns the factor by which the surface's colour is lit (1 where it is level), and the white
    light that it reflects besides.
    """
    height = height.astype(np.float32)
    slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    slope_y = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    up = 1 / np.sqrt(1 + slope_x**2 + slope_y**2)
    facing = up * (light[2] - slope_x * light[0] - slope_y * light[1])
    lit = 0.42 + np.maximum(facing, 0) * (0.58 / light[2])  # 0.42: light from everywhere else
    if material.mirror:
        bands = 0.62 + 0.5 * np.sin(up * (3.1 * slope_x + 4.2 * slope_y) + 0.6) * (1.3 - 0.6 * up)
        lit += material.mirror * (bands - lit)
    if not material.gloss:
        return lit, np.zeros_like(lit)
    half = light + np.array([0, 0, 1], dtype=np.float32)
    half /= np.linalg.norm(half)
    facing = np.maximum(up * (half[2] - slope_x * half[0] - slope_y * half[1]), 0)
    level = half[2] ** material.hardness  # what a level face reflects: taken as black
    shine = np.maximum(cv2.pow(facing, material.hardness) - level, 0)
    return lit, np.asarray(shine * np.float32(material.gloss / (1 - level)))
