"""What is the same in every photograph of one roll of cloth?"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

from engine.benchmark.cloth.seeding import stream
from engine.benchmark.cloth.weaves import WEAVES, WeaveName

# Warp and weft; shirtings, denim, linen, wool suitings, upholstery, work wear.
_COLORS = (
    ("#c9c2b4", "#c9c2b4"),
    ("#b9ad97", "#d6cdbd"),
    ("#34466e", "#c4c8cc"),
    ("#3c4a63", "#3c4a63"),
    ("#6d7378", "#8e9498"),
    ("#7c3a3d", "#8a4547"),
    ("#4f6450", "#5d7560"),
    ("#8aa0b4", "#d5dbe0"),
    ("#a8784e", "#c79a6c"),
    ("#5b4a42", "#8b7765"),
    ("#b98f96", "#ddcfd0"),
    ("#2f6e73", "#4b8c8c"),
)
_BRIGHTEST = 0.78  # mean display level of a yarn; its lit side must not blind the sensor


@dataclass(frozen=True)
class Cloth:
    """The style of a roll. Two rolls of one style still differ in lamp and lens, by ``seed``.

    Colours are "#rrggbb"; ``pitch_px`` is from yarn to yarn, of the warp and of the weft;
    ``unevenness`` the relative spread of a yarn's thickness; ``slubs`` how many thick places there
    are in 10,000 crossings; ``crimp`` and ``gloss`` as in :func:`weaves.relief`.
    """

    seed: int
    weave: WeaveName
    warp_color: str
    weft_color: str
    pitch_px: tuple[float, float]
    unevenness: float
    slubs: float
    crimp: float
    gloss: float


def draw_cloth(seed: int) -> Cloth:
    """Draw the style of a roll; every weave comes once in a run of as many seeds."""
    rng = stream("style", seed)
    weave = WEAVES[seed % len(WEAVES)]
    warp, weft = _COLORS[rng.integers(len(_COLORS))]
    shift, gain = float(rng.normal(0, 0.012)), float(rng.normal(1, 0.05))
    pitch = float(rng.uniform(4.2, 7.5))  # 13 … 24 yarns in 1 cm
    return Cloth(
        seed=seed,
        weave=weave,
        warp_color=_varied(warp, shift, gain),
        weft_color=_varied(weft, shift, gain),
        pitch_px=(pitch, pitch * float(rng.uniform(0.92, 1.2))),
        unevenness=float(rng.uniform(0.06, 0.12)),
        slubs=float(rng.uniform(0.5, 5)),
        crimp=float(rng.uniform(0.45, 0.7)),
        gloss=float(rng.uniform(0.15, 0.4)) if weave == "satin" else float(rng.uniform(0, 0.1)),
    )


def _varied(color: str, shift: float, gain: float) -> str:
    """Turn a colour's hue by ``shift`` rounds and scale its brightness."""
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    channels = colorsys.hsv_to_rgb((hue + shift) % 1, saturation, min(value * gain, _BRIGHTEST))
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)
