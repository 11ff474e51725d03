"""Fixed camera over the running roll: light, lens, sensor and contrast.

Lamp and lens are set up once for a roll. From one photograph to the next the light flickers and
warms a little, the web lies more or less flat, and the sensor adds its noise. Threads and fibres
have a colour that stands out from the cloth in this light.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32

from engine.synthetic.cloth.record import stream
from engine.synthetic.cloth.weave import Cloth
from engine.synthetic.scenes import primitives
from engine.synthetic.scenes.primitives import Field, linear
from features.images import Image

# Of 0 … 1 on the display, in the channel that differs most: about twice the spread of the weave.
MIN_CONTRAST = 0.2
MAX_FADING = 0.4


@dataclass(frozen=True)
class CameraSetup:
    """Lamp and lens over a roll; shares are relative to the light in the middle.

    ``tilt`` is gained from the middle to the right and to the lower border, ``falloff`` lost
    towards all borders; ``warmth`` is gained by red and lost by blue; ``focus_px`` is the standard
    deviation of the blur, ``grain`` of the noise in display levels.
    """

    tilt: tuple[float, float]
    falloff: float
    warmth: float
    focus_px: float
    grain: float


def set_up(roll_seed: int) -> CameraSetup:
    """Mount lamp and camera over a roll."""
    rng = stream("setup", roll_seed)
    right, down = rng.normal(0, 0.035, 2)
    return CameraSetup(
        tilt=(float(right), float(down)),
        falloff=float(rng.uniform(0.02, 0.07)),
        warmth=float(rng.normal(0, 0.015)),
        focus_px=float(rng.uniform(0.35, 0.65)),
        grain=float(rng.uniform(1.0, 2.0)),
    )


def expose(
    planes: Float32[np.ndarray, "3 height width"], setup: CameraSetup, rng: np.random.Generator
) -> Image:
    """Turn linear light, channel by channel, into a photograph; display gamma is taken as 2."""
    field = _illumination(planes.shape[1:], setup, rng)
    warmth = setup.warmth + rng.normal(0, 0.008)
    gains = 1 + warmth, 1 + rng.normal(0, 0.003), 1 - warmth
    lit = [plane * (field * np.float32(g)) for plane, g in zip(planes, gains, strict=True)]
    light = cv2.GaussianBlur(cv2.merge(lit), (0, 0), setup.focus_px * rng.uniform(0.9, 1.15))
    display = np.sqrt(np.clip(light, 0, 1)) * np.float32(255)
    display += rng.standard_normal(display.shape, dtype=np.float32) * np.float32(setup.grain)
    return np.asarray(np.clip(np.round(display), 0, 255), dtype=np.uint8)


def _illumination(size: tuple[int, ...], setup: CameraSetup, rng: np.random.Generator) -> Field:
    """Light on the web, which undulates, at this moment."""
    height, width = size
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    right, down = (np.float32(share + rng.normal(0, 0.012)) for share in setup.tilt)
    field = 1 + right * x + down * y - np.float32(setup.falloff) * (x * x + y * y)
    field += np.float32(0.016) * primitives.cloud(rng, (height, width), 0.3 * width)
    return np.asarray(field * np.float32(rng.normal(1.02, 0.025)))


def visible_color(rng: np.random.Generator, colors: Sequence[str], cloth: Cloth) -> str:
    """Draw one of the colours, faded, that stand out from both yarns and from their mixture.

    Where none does, the one that comes nearest to it is taken. What has lain in the mill has taken
    on some of the cloth's own dust, hence the fading towards the cloth.
    """
    warp, weft = linear(cloth.warp_color), linear(cloth.weft_color)
    grounds = np.sqrt(np.stack([warp, weft, (warp + weft) / 2]))
    fade = rng.uniform(0, MAX_FADING)
    for share in (fade, fade / 2, fade / 4, 0):
        faded = [grounds[2] * share + np.sqrt(linear(color)) * (1 - share) for color in colors]
        contrasts = np.array([np.abs(each - grounds).max(axis=1).min() for each in faded])
        if contrasts.max() >= MIN_CONTRAST:
            break
    standing_out = np.flatnonzero(contrasts >= min(MIN_CONTRAST, contrasts.max()))
    channels = np.round(255 * faded[rng.choice(standing_out)]).astype(int).ravel()
    return "#" + "".join(f"{value:02x}" for value in channels)
