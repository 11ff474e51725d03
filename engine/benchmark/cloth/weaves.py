"""Which yarn lies on top where, and how does that look from above?

A weave is a small matrix that repeats over the cloth. From it follows the height of both yarns at
every point, hence what is seen, how it is lit, and how dark the gaps between the yarns are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32

from engine.benchmark.scenes.shading import Field, Material, shade

WeaveName = Literal["basket", "herringbone", "plain", "satin", "twill"]
WEAVES: tuple[WeaveName, ...] = get_args(WeaveName)

SAMPLES = 24  # of a relief, across one yarn
_GAP_LIGHT = 0.38  # that reaches the bottom between two yarns, as a share
_TWIST = 0.07  # relative brightness of the fibres that wind around a yarn


@dataclass(frozen=True)
class Relief:
    """Light from one repeat of a weave, by the yarn it comes from; 0 where that yarn is below.

    Rows follow the warp (``SAMPLES`` for each weft yarn), columns the weft.
    """

    warp: Field
    weft: Field


def interlacing(weave: WeaveName) -> Bool[np.ndarray, "wefts warps"]:
    """Tell for one repeat which crossings have the warp on top."""
    rows, columns = np.ogrid[:16, :16]
    if weave == "plain":
        return np.asarray((rows + columns)[:2, :2] % 2 == 0)
    if weave == "basket":
        return np.asarray((rows // 2 + columns // 2)[:4, :4] % 2 == 0)
    if weave == "twill":  # 2/2, as in serge
        return np.asarray((rows + columns)[:4, :4] % 4 < 2)
    if weave == "satin":  # five-end, step 2
        return np.asarray((rows + 2 * columns)[:5, :5] % 5 != 0)
    zigzag = np.where(columns < 8, columns, 15 - columns)
    return np.asarray((rows + zigzag)[:4] % 4 < 2)


def relief(
    weave: WeaveName,
    light: Float32[np.ndarray, "3"],
    *,
    crimp: float,
    soft: float,
    gloss: float,
) -> Relief:
    """Light one repeat from one direction.

    ``crimp`` is how far yarns dive at a crossing, relative to their thickness; ``soft`` is the
    standard deviation of a blur as a share of a yarn, ``gloss`` the strength of highlights.
    """
    is_warp = interlacing(weave)
    rows, columns = (n * SAMPLES for n in is_warp.shape)
    warp = _round(columns) + crimp * _path(is_warp, rows)
    weft = _round(rows)[:, None] - crimp * _path(is_warp.T, columns).T
    share = 1 / (1 + np.exp(np.clip((weft - warp) * 14, -30, 30)))
    top = np.maximum(warp, weft)

    pad = SAMPLES
    height = np.pad(top * (0.27 * SAMPLES), pad, mode="wrap")
    lit, shine = shade(height, Material("#808080", gloss=gloss, hardness=12), light)
    depth = np.clip((top - top.min()) / (top.max() - top.min()), 0, 1)
    brightness = _GAP_LIGHT + (1 - _GAP_LIGHT) * np.sqrt(depth)
    seen = (lit + shine)[pad:-pad, pad:-pad] * brightness
    seen /= seen.mean()
    across, along = _phase(columns)[None], _phase(rows)[:, None]
    on_warp = share * (1 + _TWIST * np.sin(2 * np.pi * (2 * along + across)))
    on_weft = (1 - share) * (1 + _TWIST * np.sin(2 * np.pi * (2 * across - along)))
    return Relief(_blurred(seen * on_warp, soft), _blurred(seen * on_weft, soft))


def _phase(n_samples: int) -> Float[np.ndarray, " samples"]:
    """Position across the yarns, in yarns, of each sample's middle."""
    return (np.arange(n_samples) + 0.5) / SAMPLES


def _round(n_samples: int) -> Float[np.ndarray, " samples"]:
    """Height of a yarn's upper side above its axis, in half thicknesses."""
    offset = 2 * (_phase(n_samples) % 1) - 1
    return np.asarray(np.sqrt(1 - np.minimum(np.abs(offset) / 1.02, 1) ** 2))


def _path(
    is_up: Bool[np.ndarray, "crossings yarns"], n_samples: int
) -> Float[np.ndarray, "samples columns"]:
    """Height of each yarn's axis along its way: 1 above a crossing yarn, -1 below."""
    level = np.where(is_up, 1.0, -1.0)
    station = _phase(n_samples) - 0.5
    before = np.floor(station).astype(int)
    step = 0.5 - 0.5 * np.cos(np.pi * (station - before))
    n = len(level)
    path = level[before % n] + (level[(before + 1) % n] - level[before % n]) * step[:, None]
    return np.repeat(path, SAMPLES, axis=1)


def _blurred(field: Float[np.ndarray, "rows columns"], soft: float) -> Field:
    """Blur a repeat so that it still repeats."""
    sigma = soft * SAMPLES
    pad = int(3 * sigma) + 1
    padded = np.pad(field.astype(np.float32), pad, mode="wrap")
    return np.ascontiguousarray(cv2.GaussianBlur(padded, (0, 0), sigma)[pad:-pad, pad:-pad])
