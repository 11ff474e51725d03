"""What else could a normal photograph of this object look like?

Altered copies of one image that are certainly still normal: moved by a few pixels, turned by a
degree or two, dimmed, tinted, unevenly lit, noisy.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from alignment.transforms import about_center, warp_image


def altered_copies(
    image: UInt8[np.ndarray, "height width 3"], n_copies: int, rng: np.random.Generator
) -> list[UInt8[np.ndarray, "height width 3"]]:
    """Return altered copies of an image, each altered in every way at once."""
    return [_alter(image, rng) for _ in range(n_copies)]


def _alter(
    image: UInt8[np.ndarray, "height width 3"], rng: np.random.Generator
) -> UInt8[np.ndarray, "height width 3"]:
    height, width = image.shape[:2]
    move = about_center(
        (height, width),
        angle_rad=np.radians(rng.uniform(-3, 3)),
        scale=rng.uniform(0.97, 1.03),
        shift_xy=(rng.uniform(-0.03, 0.03) * width, rng.uniform(-0.03, 0.03) * height),
    )
    pixels = warp_image(image, move)[0].astype(np.float32)

    # Light: gain, colour cast, and a gradient across the frame
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    slope_y, slope_x = rng.uniform(-0.08, 0.08, size=2)
    light = rng.uniform(0.85, 1.15) * (1 + slope_y * y + slope_x * x)
    pixels *= light[..., None] * rng.uniform(0.96, 1.04, size=3)
    pixels += rng.normal(0, 2.5, size=pixels.shape)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
