"""Woven piece of a roll, with straight faults, before anything falls on it.

A fault runs along warp or weft: yarns that are missing, thick or off-colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float32

from engine.synthetic.cloth.camera import visible_color
from engine.synthetic.cloth.record import NoRoomError
from engine.synthetic.cloth.weave import SAMPLES, Cloth, Relief, Yarns, interlacing, relief, spin
from engine.synthetic.scenes import primitives
from engine.synthetic.scenes.primitives import Field, linear
from features.images import Mask

# From this share of warp on top, faults of the weft show on the back only.
_WARP_FACED = 0.7
_TRIES = 200
_COLORS = ("#d8d4c8", "#30343c", "#7a3a34", "#3a5078")

_BLUR_PX = 0.45  # keeps the yarns' edges from aliasing
_FUZZ = 0.065  # relative brightness of loose fibres
_MAX_TURN_DEG, _MAX_STRETCH = 2.5, 0.02


@dataclass(frozen=True)
class FaultAppearance:
    """Light and thickness of the faulty yarns, and light of those that cross them; 1 is sound."""

    thickness: float
    tone: float
    crossing: float


_MISSING = FaultAppearance(0.35, 0.55, 0.72)  # the gap is in the shade


_THICK = FaultAppearance(1.6, 1.25, 1.16)  # and thereby raised into the light


_DARK = FaultAppearance(1.05, 0.5, 0.8)


_FOREIGN = FaultAppearance(1.3, 1.0, 0.85)  # of another colour


_APPEARANCES = (_MISSING, _THICK, _DARK, _FOREIGN)


@dataclass(frozen=True)
class Fault:
    """Neighbouring yarns that differ over a stretch.

    ``first`` counts yarns and ``stretch`` crossings, from the middle of the photograph.
    ``color`` replaces the yarns' own.
    """

    axis: Literal["warp", "weft"]
    first: int
    n_yarns: int
    stretch: tuple[float, float]
    appearance: FaultAppearance
    color: str | None = None

    def is_apart(self, other: Fault) -> bool:
        """Tell whether two faults run side by side with sound yarns between them."""
        is_before = self.first + self.n_yarns < other.first
        is_behind = other.first + other.n_yarns < self.first
        return self.axis == other.axis and (is_before or is_behind)


def weave_faults(
    streams: Sequence[np.random.Generator], cloth: Cloth, size_px: int, *, is_crossing: bool
) -> list[Fault]:
    """Draw a fault from each stream, apart from each other unless ``is_crossing``.

    Raises:
        NoRoomError: There are too many of them.
    """
    faults: list[Fault] = []
    for rng in streams:
        for _ in range(_TRIES):
            fault = weave_fault(rng, cloth, size_px)
            if is_crossing or all(fault.is_apart(other) for other in faults):
                faults.append(fault)
                break
        else:
            raise NoRoomError(
                f"{len(streams)} lines must fit into {size_px}×{size_px} px without crossing, "
                "they do not; name fewer or enlarge size_px"
            )
    return faults


def weave_fault(rng: np.random.Generator, cloth: Cloth, size_px: int) -> Fault:
    """Draw a fault 4 … 14 px wide, over half the photograph or more, often all across."""
    is_warp_faced = interlacing(cloth.weave).mean() > _WARP_FACED
    is_warp = bool(rng.random() < 0.5) or is_warp_faced
    own, cross = cloth.pitch_px if is_warp else cloth.pitch_px[::-1]
    n_yarns = max(1, round(rng.uniform(5, 12) / own))
    first = int(rng.uniform(-0.42, 0.42) * size_px / own)
    n_crossings = size_px / cross
    if rng.random() < 0.5:
        stretch = (-n_crossings, n_crossings)
    else:
        length = n_crossings * rng.uniform(0.5, 0.9)
        start = rng.uniform(0, n_crossings - length) - n_crossings / 2
        stretch = (start, start + length)
    appearance = _APPEARANCES[rng.integers(len(_APPEARANCES))]
    color = visible_color(rng, _COLORS, cloth) if appearance is _FOREIGN else None
    return Fault("warp" if is_warp else "weft", first, n_yarns, stretch, appearance, color)


@dataclass(frozen=True)
class WebPose:
    """Where the camera caught the roll: shift in yarns, rotation in degrees, relative scale."""

    shift: tuple[float, float]
    angle_deg: float
    scale: float


def draw_web_pose(rng: np.random.Generator, cloth: Cloth) -> WebPose:
    """A fixed camera: the web wanders and stretches little, the weave may be anywhere."""
    angle = float(np.clip(rng.normal(0, 0.9), -_MAX_TURN_DEG, _MAX_TURN_DEG))
    wefts, warps = interlacing(cloth.weave).shape
    shift = float(rng.uniform(0, warps)), float(rng.uniform(0, wefts))
    scale = 1 + float(np.clip(rng.normal(0, 0.008), -_MAX_STRETCH, _MAX_STRETCH))
    return WebPose(shift, angle, scale)


def weave(
    cloth: Cloth,
    pose: WebPose,
    rng: np.random.Generator,
    light: Float32[np.ndarray, "3"],
    size_px: int,
    faults: Sequence[Fault] = (),
) -> tuple[Float32[np.ndarray, "3 height width"], list[Mask]]:
    """Weave a square of cloth; returns linear light, and the pixels of each fault's yarns."""
    u, v = _coordinates(cloth, pose, rng, size_px)
    warp, weft = spin(cloth, rng, u, v), spin(cloth, rng, v, u)
    bands = [_band(fault, pose, u, v) for fault in faults]
    for fault, band in zip(faults, bands, strict=True):
        own, other = (warp, weft) if fault.axis == "warp" else (weft, warp)
        own.thickness[band] *= np.float32(fault.appearance.thickness)
        own.tone[band] *= np.float32(fault.appearance.tone)
        other.tone[band] *= np.float32(fault.appearance.crossing)

    seen = _relief(cloth, tuple(light.tolist()))
    x, y = _position(warp, seen.warp.shape[1]), _position(weft, seen.warp.shape[0])
    fuzz = 1 + np.float32(_FUZZ) * _cut(rng, size_px)
    shares = [
        cv2.remap(np.pad(field, 1, mode="wrap"), x, y, cv2.INTER_LINEAR) * (yarns.tone * fuzz)
        for field, yarns in ((seen.warp, warp), (seen.weft, weft))
    ]
    colors = linear(cloth.warp_color), linear(cloth.weft_color)
    rgb = colors[0] * shares[0] + colors[1] * shares[1]
    for fault, band in zip(faults, bands, strict=True):
        if fault.color is not None:
            which = 0 if fault.axis == "warp" else 1
            rgb[:, band] += (linear(fault.color) - colors[which])[..., 0] * shares[which][band]
    return np.asarray(rgb, dtype=np.float32), bands


def _coordinates(
    cloth: Cloth, pose: WebPose, rng: np.random.Generator, size_px: int
) -> tuple[Field, Field]:
    """Yarns counted across warp and weft at each pixel; they sway a little, as the web does."""
    offset = np.arange(size_px, dtype=np.float32) - np.float32((size_px - 1) / 2)
    x, y = offset[None], offset[:, None]
    angle = np.deg2rad(np.float32(pose.angle_deg))
    turned = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    fields = []
    for distance, pitch, shift in zip(turned, cloth.pitch_px, pose.shift, strict=True):
        sway = np.float32(0.25) * primitives.cloud(rng, (size_px, size_px), 160)
        sway += np.float32(0.07) * primitives.cloud(rng, (size_px, size_px), 12)
        fields.append(distance / np.float32(pitch * pose.scale) + np.float32(shift) + sway)
    return fields[0], fields[1]


def _band(fault: Fault, pose: WebPose, u: Field, v: Field) -> Mask:
    """Pixels of a fault's yarns."""
    across, along = (0, 1) if fault.axis == "warp" else (1, 0)
    first = fault.first + np.floor(pose.shift[across])
    start, end = (edge + pose.shift[along] for edge in fault.stretch)
    own, crossing = (u, v)[across], (u, v)[along]
    is_own = (own >= first) & (own < first + fault.n_yarns)
    return np.asarray(is_own & (crossing >= start) & (crossing < end))


def _position(yarns: Yarns, n_samples: int) -> Field:
    """Column (or row) of the padded relief; the gap beside a thin yarn is wider."""
    across = np.clip(0.5 + (yarns.across - 0.5) / yarns.thickness, 0, 1)
    repeat = np.float32(n_samples // SAMPLES)
    within = yarns.index - repeat * np.floor(yarns.index / repeat)
    return np.asarray((within + across) * SAMPLES + np.float32(0.5), dtype=np.float32)


@lru_cache(maxsize=16)
def _relief(cloth: Cloth, light: tuple[float, ...]) -> Relief:
    return relief(
        cloth.weave,
        np.array(light, dtype=np.float32),
        crimp=cloth.crimp,
        soft=_BLUR_PX / min(cloth.pitch_px),
        gloss=cloth.gloss,
    )


def _cut(rng: np.random.Generator, size_px: int) -> Field:
    """Fibre noise of the photograph's size, from anywhere on the stock sheet."""
    stock = primitives.sheet(2)
    n_repeats = -(-size_px // len(stock))
    stock = np.tile(stock, (n_repeats, n_repeats)) if n_repeats > 1 else stock
    top, left = rng.integers(len(stock) - size_px + 1, size=2)
    return np.asarray(stock[top : top + size_px, left : left + size_px])
