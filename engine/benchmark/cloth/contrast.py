"""Which colour of thread or fibre would an inspector see on this cloth?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.benchmark.cloth.style import Cloth
from engine.benchmark.scenes.shading import linear

# Of 0 … 1 on the display, in the channel that differs most: about twice the spread of the weave.
MIN_CONTRAST = 0.2
MAX_FADING = 0.4


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
