"""Weave of a roll of cloth: which yarn lies on top, and how yarns vary.

A weave is a small matrix that repeats over the cloth. From it follows the height of both yarns at
every point, hence what is seen, how it is lit, and how dark the gaps between the yarns are.

Weave, colours and pitch are the same in every photograph of one roll. Thickness and shade vary from
yarn to yarn and along each; some places are much thicker (slubs).
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32

from engine.synthetic.cloth.record import stream
from engine.synthetic.scenes.primitives import Field, Material, shade

WeaveName = Literal["basket", "herringbone", "plain", "satin", "twill"]
WEAVES: tuple[WeaveName, ...] = get_args(WeaveName)

SAMPLES = 24  # of a relief, across one yarn
_GAP_LIGHT = 0.38  # that reaches the bottom between two yarns, as a share
_TWIST = 0.07  # relative brightness of the fibres that wind around a yarn

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

_CELL = 3  # crossings from one independent value to the next along a yarn
_SHADE, _SHADE_ALONG = 0.03, 0.05  # spread of the dye from yarn to yarn, and along
_STANDS_OUT = 0.35  # relative light gained by relative thickness
_THINNEST, _THICKEST = 0.6, 1.7  # beyond these a yarn would break, or jam the loom


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


@dataclass(frozen=True)
class Cloth:
    """The style of a roll. Two rolls of one style still differ in lamp and lens, by ``seed``.

    Colours are "#rrggbb"; ``pitch_px`` is from yarn to yarn, of the warp and of the weft;
    ``unevenness`` the relative spread of a yarn's thickness; ``slubs`` how many thick places there
    are in 10,000 crossings; ``crimp`` and ``gloss`` as in ``relief``.
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


@dataclass(frozen=True)
class Yarns:
    """Warp or weft, pixel by pixel: which yarn, where across it (0 … 1), how thick, how light."""

    index: Field
    across: Field
    thickness: Field
    tone: Field


def spin(cloth: Cloth, rng: np.random.Generator, across: Field, along: Field) -> Yarns:
    """Give every yarn of one set its own thickness and shade.

    ``across`` and ``along`` count, at each pixel, the yarns of this set and those they cross.
    """
    index = np.floor(across)
    first, start = index.min() - 1, along.min() - _CELL
    n_yarns = int(index.max() - first) + 2
    n_cells = int((along.max() - start) / _CELL) + 3
    thickness = 1 + np.float32(cloth.unevenness) * _noise(rng, n_yarns, n_cells, 0.9, 1.0)
    for _ in range(rng.poisson(cloth.slubs * n_yarns * n_cells * _CELL / 10_000)):
        yarn, cell = rng.integers(n_yarns), rng.integers(n_cells)
        thickness[yarn, cell : cell + rng.integers(1, 4)] += rng.uniform(0.25, 0.55)
    shade = 1 + _noise(rng, n_yarns, n_cells, _SHADE, _SHADE_ALONG)
    shade *= 1 + np.float32(_STANDS_OUT) * (thickness - 1)
    where = (along - start) / np.float32(_CELL), index - first
    fields = [
        cv2.remap(table, *where, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for table in (np.clip(thickness, _THINNEST, _THICKEST), shade)
    ]
    return Yarns(index, across - index, *fields)


def _noise(
    rng: np.random.Generator, n_yarns: int, n_cells: int, between: float, within: float
) -> Float32[np.ndarray, "yarns cells"]:
    """Deviations with one spread from yarn to yarn and another along each."""
    along = rng.standard_normal((n_yarns, n_cells), dtype=np.float32)
    along *= np.float32(within)
    along += np.float32(between) * rng.standard_normal((n_yarns, 1), dtype=np.float32)
    return along
