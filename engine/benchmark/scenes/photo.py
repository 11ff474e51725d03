"""From a painted canvas to a photograph with its truth: light, lens and sensor."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from engine.benchmark.scenes import texture
from engine.benchmark.scenes.canvas import SUPERSAMPLING, Canvas
from engine.benchmark.scenes.record import Group, Scene

_MIDDLE = slice(SUPERSAMPLING // 2, None, SUPERSAMPLING)


def develop(canvas: Canvas, kind: str, group: Group) -> Scene:
    """Photograph the canvas and read off part map, class map and anomaly masks."""
    part_map = canvas.parts[_MIDDLE, _MIDDLE].copy()
    class_map = np.array(canvas.class_of_part, dtype=np.uint8)[part_map]
    masks = tuple((name, _region(mark, canvas)) for name, mark in canvas.marks)
    return Scene(expose(canvas), part_map, class_map, masks, kind, group)


def expose(canvas: Canvas) -> UInt8[np.ndarray, "height width 3"]:
    """Apply uneven light, exposure, white balance, lens blur, display gamma and sensor noise."""
    rng, size = canvas.rng, (canvas.width, canvas.height)
    planes = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in canvas.rgb]
    y, x = np.mgrid[-1 : 1 : canvas.height * 1j, -1 : 1 : canvas.width * 1j].astype(np.float32)
    slope_x, slope_y = rng.normal(-0.05, 0.04), rng.normal(-0.05, 0.04)
    field = 1 + slope_x * x + slope_y * y - rng.uniform(0.03, 0.09) * (x**2 + y**2)
    field += 0.02 * texture.cloud(rng, field.shape, 160)
    warmth, tint = rng.normal(0, 0.022), rng.normal(0, 0.005)
    gains = np.array([1 + warmth, 1 + tint, 1 - warmth]) * rng.normal(1.04, 0.045)
    light = cv2.merge(
        [plane * (field * np.float32(g)) for plane, g in zip(planes, gains, strict=True)]
    )
    light = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.4, 0.6))
    display = np.sqrt(np.clip(light, 0, 1)) * np.float32(255)
    noise = rng.standard_normal(display.shape, dtype=np.float32)
    display += noise * np.float32(rng.uniform(1.2, 2.0))
    return np.asarray(np.clip(np.round(display), 0, 255), dtype=np.uint8)


def _region(
    mark: Bool[np.ndarray, "rows columns"] | tuple[int, ...], canvas: Canvas
) -> Bool[np.ndarray, "height width"]:
    """Resolve a mark, given as a region or as parts, at the size of the photograph."""
    if isinstance(mark, tuple):
        return np.isin(canvas.parts[_MIDDLE, _MIDDLE], mark)
    return mark[_MIDDLE, _MIDDLE].copy()
