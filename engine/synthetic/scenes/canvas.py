"""Canvas on which a scene is painted with its truth, and its photograph.

Everything is drawn through one canvas, so what a picture shows and what its part map, class map and
anomaly masks say cannot differ. Drawing happens at twice the size of the final photograph; light,
lens and sensor come last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float

from engine.synthetic.scenes import primitives
from engine.synthetic.scenes.primitives import (
    Field,
    Material,
    Points,
    Position,
    dome,
    linear,
    shade,
)
from engine.synthetic.scenes.record import Group, Scene
from features.images import Image, Mask

SUPERSAMPLING = 2

_MIDDLE = slice(SUPERSAMPLING // 2, None, SUPERSAMPLING)


@dataclass(frozen=True)
class Patch:
    """Coverage (0 … 1) of a shape, in a window of the canvas."""

    top: int
    left: int
    alpha: Field

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the canvas that the patch spans."""
        height, width = self.alpha.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    def frame(self, center_xy: Position, angle_deg: float) -> tuple[Field, Field]:
        """Coordinates along and across an axis through ``center_xy``, in image pixels."""
        rows, columns = np.indices(self.alpha.shape, dtype=np.float32)
        x = (columns + self.left + 0.5) / SUPERSAMPLING - center_xy[0]
        y = (rows + self.top + 0.5) / SUPERSAMPLING - center_xy[1]
        cosine, sine = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
        return (
            np.asarray(x * cosine + y * sine, dtype=np.float32),
            np.asarray(y * cosine - x * sine, dtype=np.float32),
        )

    def dome(self, bevel_px: float) -> Field:
        """Height of the shape, rounded off within ``bevel_px`` image pixels of its border."""
        return dome(self.alpha, bevel_px * SUPERSAMPLING)


class Canvas:
    """A sheet of linear light with part numbers and marked regions."""

    def __init__(self, height: int, width: int, rng: np.random.Generator) -> None:
        self.height, self.width, self.rng = height, width, rng
        self.shape = (height * SUPERSAMPLING, width * SUPERSAMPLING)
        self.rgb = np.zeros((3, *self.shape), dtype=np.float32)
        self.parts = np.zeros(self.shape, dtype=np.uint16)
        self.class_of_part = [0]
        self.marks: list[tuple[str, Mask | tuple[int, ...]]] = []
        azimuth = np.deg2rad(rng.normal(225, 12))  # lamp at the upper left
        self.light = np.array([np.cos(azimuth), np.sin(azimuth), 1.5], dtype=np.float32)
        self.light /= np.linalg.norm(self.light)

    def cover(self, *contours: Points, soft_px: float = 0.0) -> Patch:
        """Rasterise closed contours given in image pixels; nested ones are holes.

        ``soft_px`` is the standard deviation of a blur that makes the border fade.
        """
        sigma = soft_px * SUPERSAMPLING
        scaled = [np.asarray(contour) * SUPERSAMPLING - 0.5 for contour in contours]
        everything = np.concatenate(scaled)
        low = np.clip(
            np.floor(everything.min(axis=0) - 3 * sigma) - 2, 0, np.array(self.shape)[::-1] - 1
        )
        high = np.clip(
            np.ceil(everything.max(axis=0) + 3 * sigma) + 3, low + 1, np.array(self.shape)[::-1]
        )
        (left, top), (right, bottom) = low.astype(int), high.astype(int)
        coverage = np.zeros((bottom - top, right - left), dtype=np.uint8)
        fixed = [np.round((each - low) * 16).astype(np.int32) for each in scaled]
        cv2.fillPoly(coverage, fixed, 255, lineType=cv2.LINE_AA, shift=4)
        alpha = coverage.astype(np.float32) / 255
        return Patch(int(top), int(left), _soften(alpha, sigma) if sigma else alpha)

    def clip(self, patch: Patch, parts: Sequence[int]) -> Patch:
        """Keep of a patch what lies on the given parts."""
        return replace(patch, alpha=patch.alpha * np.isin(self.parts[patch.window], parts))

    def new_part(self, class_id: int) -> int:
        """Open a new part of a class and return its number."""
        self.class_of_part.append(class_id)
        return len(self.class_of_part) - 1

    def fill(self, color: str, unevenness: Field) -> None:
        """Lay a textured surface under everything; the field is relative brightness."""
        field = cv2.resize(unevenness, self.shape[::-1], interpolation=cv2.INTER_LINEAR)
        np.multiply(linear(color), np.maximum(1 + field, 0.05), out=self.rgb)

    def paint(
        self,
        patch: Patch,
        material: Material,
        *,
        part: int | None = None,
        height: Float[np.ndarray, "height width"] | None = None,
        albedo: Float[np.ndarray, "3 height width"] | None = None,
        opacity: float = 1.0,
    ) -> None:
        """Cover the patch with a material; its pixels become ``part`` where one is given.

        ``height`` (in canvas pixels) makes it solid, ``albedo`` replaces the material's colour.
        """
        base = linear(material.color) if albedo is None else albedo.astype(np.float32)
        tone = 1 + np.float32(material.mottle) * self._mottle(patch, material.mottle_px)
        if height is None:
            surface = np.asarray(base * tone)
        else:
            lit, shine = shade(height, material, self.light)
            surface = base * (tone * lit)
            surface += shine
        under = self.rgb[self._at(patch)]
        surface -= under
        surface *= patch.alpha * np.float32(opacity)
        under += surface
        if part is not None:
            self.parts[patch.window][patch.alpha > 0.5] = part

    def glaze(self, patch: Patch, factor: Float[np.ndarray, "..."] | float) -> None:
        """Multiply the light that leaves the patch: stains, prints, coloured glass."""
        change = np.asarray(factor, dtype=np.float32) - 1
        self.rgb[self._at(patch)] *= 1 + patch.alpha * change

    def glow(self, patch: Patch, strength: float) -> None:
        """Add white light within the patch: a reflection on glass or foil."""
        self.rgb[self._at(patch)] += np.float32(strength) * patch.alpha

    def cast_shadow(self, patch: Patch, lift_px: float, strength: float = 0.55) -> None:
        """Darken the ground beside a shape that stands ``lift_px`` above it; draw it afterwards."""
        shift = -self.light[:2] / self.light[2] * lift_px * SUPERSAMPLING
        sigma = (0.45 * lift_px + 0.8) * SUPERSAMPLING
        margin = int(3 * sigma + np.abs(shift).max()) + 1
        coverage = cv2.copyMakeBorder(
            patch.alpha, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=0
        )
        coverage = _soften(coverage, sigma)
        top = patch.top - margin + round(float(shift[1]))
        left = patch.left - margin + round(float(shift[0]))
        rows = slice(max(-top, 0), max(self.shape[0] - top, 0))
        columns = slice(max(-left, 0), max(self.shape[1] - left, 0))
        shade_of = Patch(max(top, 0), max(left, 0), coverage[rows, columns])
        self.rgb[self._at(shade_of)] *= 1 - np.float32(strength) * shade_of.alpha

    def sink(self, patch: Patch, depth_px: float, strength: float = 0.6) -> None:
        """Darken the inside of a recess along the walls, most on the side of the lamp."""
        shift = self.light[:2] / self.light[2] * depth_px * SUPERSAMPLING
        move = np.array([[1, 0, -shift[0]], [0, 1, -shift[1]]], dtype=np.float32)
        size = patch.alpha.shape[::-1]
        wall = cv2.warpAffine(1 - patch.alpha, move, size, borderValue=1.0)
        wall = _soften(np.asarray(wall), 0.5 * depth_px * SUPERSAMPLING + 1)
        self.rgb[self._at(patch)] *= 1 - np.float32(strength) * (patch.alpha * wall)

    def mark(self, anomaly_type: str, patch: Patch, parts: Sequence[int] | None = None) -> None:
        """Record an anomalous region: the patch as far as it shows the given parts."""
        region = np.zeros(self.shape, dtype=bool)
        region[patch.window] = (patch if parts is None else self.clip(patch, parts)).alpha > 0.5
        self.marks.append((anomaly_type, region))

    def mark_parts(self, anomaly_type: str, parts: Sequence[int]) -> None:
        """Record that these parts are anomalous together, as far as they stay visible."""
        self.marks.append((anomaly_type, tuple(parts)))

    def _at(self, patch: Patch) -> tuple[slice, slice, slice]:
        return (slice(None), *patch.window)

    def _mottle(self, patch: Patch, cell_px: float) -> Field:
        """Cut unevenness for the patch from the sheet of its grain, anywhere."""
        sheet = primitives.sheet(round(cell_px * SUPERSAMPLING))
        height, width = patch.alpha.shape
        top = int(self.rng.integers(len(sheet) - height + 1))
        left = int(self.rng.integers(len(sheet) - width + 1))
        return sheet[top : top + height, left : left + width]


def _soften(field: Field, sigma: float) -> Field:
    """Gaussian blur; a wide one at a quarter of the size, where it looks the same."""
    if sigma < 6:
        return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma))
    size = (field.shape[1] // 4 + 1, field.shape[0] // 4 + 1)
    small = cv2.resize(field, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / 4)
    return np.asarray(cv2.resize(small, field.shape[::-1], interpolation=cv2.INTER_LINEAR))


def develop(canvas: Canvas, anomaly_type: str, group: Group) -> Scene:
    """Photograph the canvas and read off part map, class map and anomaly masks."""
    part_map = canvas.parts[_MIDDLE, _MIDDLE].copy()
    class_map = np.array(canvas.class_of_part, dtype=np.uint8)[part_map]
    masks = tuple((name, _region(mark, canvas)) for name, mark in canvas.marks)
    return Scene(expose(canvas), part_map, class_map, masks, anomaly_type, group)


def expose(canvas: Canvas) -> Image:
    """Apply uneven light, exposure, white balance, lens blur, display gamma and sensor noise."""
    rng, size = canvas.rng, (canvas.width, canvas.height)
    planes = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in canvas.rgb]
    y, x = np.mgrid[-1 : 1 : canvas.height * 1j, -1 : 1 : canvas.width * 1j].astype(np.float32)
    slope_x, slope_y = rng.normal(-0.05, 0.04), rng.normal(-0.05, 0.04)
    field = 1 + slope_x * x + slope_y * y - rng.uniform(0.03, 0.09) * (x**2 + y**2)
    field += 0.02 * primitives.cloud(rng, field.shape, 160)
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


def _region(mark: Bool[np.ndarray, "rows columns"] | tuple[int, ...], canvas: Canvas) -> Mask:
    """Resolve a mark, given as a region or as parts, at the size of the photograph."""
    if isinstance(mark, tuple):
        return np.isin(canvas.parts[_MIDDLE, _MIDDLE], mark)
    return mark[_MIDDLE, _MIDDLE].copy()
