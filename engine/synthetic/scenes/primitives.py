"""Primitives of a scene: outlines, shading, textures and poses.

- *Outlines* are closed, as points in image pixels (x right, y down).
- *Shading* makes a flat outline look solid. Surfaces are height fields; their normals give diffuse
  light (Lambert), highlights (Blinn, 1977) and, for metal, a reflected surrounding that is bright
  above and dark below.
- *Textures* are random fields that make painted surfaces look like materials, with mean about 0 and
  standard deviation about 1; sizes are in pixels of the field.
- *Poses* are random places without overlap, where loose things come to lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Float, Float32

Points = Float[np.ndarray, "_ 2"]  # outlines drawn together differ in number of points
Path = Float[np.ndarray, "stations 2"]
Position = tuple[float, float]

Field = Float32[np.ndarray, "height width"]
Rgb = Float32[np.ndarray, "3 #height #width"]

SHEET_PX = 1200  # more than any canvas is wide or high

Pose = tuple[Position, float]
_TRIES, _RESTARTS = 40, 200


# Outlines


def place(points: Points, center_xy: Position, angle_deg: float) -> Points:
    """Turn an outline about the origin (clockwise on screen), then move it to its place."""
    angle = np.deg2rad(angle_deg)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.asarray(points @ turn + np.asarray(center_xy))


def move(points: Points, right: float, down: float) -> Points:
    """Shift an outline."""
    return np.asarray(points + np.array([right, down]))


def ellipse(radius_x: float, radius_y: float, n_points: int = 48) -> Points:
    """Ellipse about the origin."""
    angles = np.linspace(0, 2 * np.pi, n_points, endpoint=False)
    return np.stack([radius_x * np.cos(angles), radius_y * np.sin(angles)], axis=1)


def polygon(radius: float, n_sides: int) -> Points:
    """Regular polygon about the origin; ``radius`` reaches its corners."""
    return ellipse(radius, radius, n_sides)


def rectangle(width: float, height: float, corner: float = 0.0) -> Points:
    """Rectangle about the origin with corners rounded by ``corner`` pixels."""
    quarter = np.linspace(0, np.pi / 2, 7 if corner else 1)
    arc = corner * np.stack([np.cos(quarter), np.sin(quarter)], axis=1)
    inner = np.array([width / 2 - corner, height / 2 - corner])
    first = arc + inner
    return np.concatenate([first, first[::-1] * (-1, 1), first * (-1, -1), first[::-1] * (1, -1)])


def blob(
    rng: np.random.Generator, radius: float, wobble: float = 0.06, n_points: int = 40
) -> Points:
    """Circle with low-frequency dents of relative depth ``wobble``."""
    angles = np.linspace(0, 2 * np.pi, n_points, endpoint=False)
    radii = np.full(n_points, float(radius))
    for frequency in (2, 3, 5):
        phase = rng.uniform(0, 2 * np.pi)
        radii += radius * wobble * rng.uniform(0.3, 1) * np.cos(frequency * angles + phase)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def turned(along: Float[np.ndarray, " stations"], radius: Float[np.ndarray, " stations"]) -> Points:
    """Silhouette of a turned body whose axis is x, from its radius at stations along the axis."""
    upper = np.stack([along, radius], axis=1)
    return np.concatenate([upper, upper[::-1] * (1, -1)])


def ribbon(path: Path, width: float | Float[np.ndarray, " stations"]) -> Points:
    """Outline of a band along a path, of one width or one per point."""
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
    aside = tangent[:, ::-1] * (-1, 1) * np.broadcast_to(width, len(path))[:, None] / 2
    return np.concatenate([path + aside, (path - aside)[::-1]])


def tapered(path: Path, width: float) -> Points:
    """Outline of a band that is widest in the middle and pointed at both ends."""
    return ribbon(path, width * np.sin(np.linspace(0, np.pi, len(path))))


def bezier(start: Position, control: Position, other: Position, end: Position) -> Path:
    """Thirty points of a cubic Bézier curve."""
    t = np.linspace(0, 1, 30)[:, None]
    corners = (np.asarray(point) for point in (start, control, other, end))
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    return np.asarray(sum(w * c for w, c in zip(weights, corners, strict=True)))


# Shading


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


# Textures


def cloud(rng: np.random.Generator, shape: tuple[int, int], cell_px: float) -> Field:
    """Smooth noise whose blotches are about ``cell_px`` wide."""
    return stretched(rng, shape, cell_px, cell_px)


def stretched(
    rng: np.random.Generator, shape: tuple[int, int], cell_y_px: float, cell_x_px: float
) -> Field:
    """Smooth noise with different grain along rows and columns: fibres, brush marks, wood."""
    height, width = shape
    rows, columns = int(height / cell_y_px) + 3, int(width / cell_x_px) + 3
    grid = rng.standard_normal((rows, columns), dtype=np.float32)
    size = (max(width, int(columns * cell_x_px)), max(height, int(rows * cell_y_px)))
    field = cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(field[:height, :width] * np.float32(1.3))  # interpolation averages sd down


def fractal(rng: np.random.Generator, shape: tuple[int, int], cell_px: float) -> Field:
    """Noise with detail at three scales, from ``cell_px`` down to a quarter of it."""
    octaves = [cloud(rng, shape, max(cell_px / 2**i, 1.0)) / 2**i for i in range(3)]
    return np.asarray(sum(octaves, start=np.float32(0.0)) * np.float32(0.87))


@lru_cache(maxsize=32)
def sheet(cell_px: int) -> Field:
    """A large stock of ``fractal`` noise, always the same; cut anywhere, it costs nothing."""
    field = fractal(np.random.default_rng(cell_px), (SHEET_PX, SHEET_PX), cell_px)
    field.flags.writeable = False
    return field


def wood(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Planks seen from above: rings cut lengthwise, with fine pores."""
    broad = stretched(rng, shape, 34, 420)
    rings = np.sin(6 * broad + 0.5 * stretched(rng, shape, 9, 140), dtype=np.float32)
    return np.asarray(0.6 * rings + 0.6 * stretched(rng, shape, 1.5, 40) + 0.4 * broad)


def weave(rng: np.random.Generator, shape: tuple[int, int], pitch_px: float) -> Field:
    """Plain cloth: crossing threads of slightly uneven brightness."""
    rows, columns = np.indices(shape, dtype=np.float32)
    warp = np.sin(2 * np.pi * columns / pitch_px, dtype=np.float32)
    weft = np.sin(2 * np.pi * rows / pitch_px, dtype=np.float32)
    return np.asarray(
        warp * weft + 0.5 * stretched(rng, shape, 1.5, 30) + 0.5 * stretched(rng, shape, 30, 1.5)
    )


# Poses


def scatter(
    rng: np.random.Generator, outlines: Sequence[Points], room: Points, gap_px: float = 2.0
) -> list[Pose]:
    """Give each outline a centre and a rotation (degrees) inside ``room``, apart by ``gap_px``.

    Outlines are placed in the given order, so begin with the largest. RuntimeError if they do not
    fit: the room is too small for them.
    """
    for _ in range(_RESTARTS):
        poses = _attempt(rng, outlines, room, gap_px)
        if poses is not None:
            return poses
    raise RuntimeError(f"{len(outlines)} outlines do not fit into the room; enlarge it")


def _attempt(
    rng: np.random.Generator, outlines: Sequence[Points], room: Points, gap_px: float
) -> list[Pose] | None:
    """Place all outlines one after the other on a raster, or give up."""
    low, high = room.min(axis=0), room.max(axis=0)
    width, height = np.ceil(high - low).astype(int) + 1
    taken = np.ones((height, width), dtype=np.uint8)
    cv2.fillPoly(taken, [_fixed(room - low)], 0)
    poses: list[Pose] = []
    for outline in outlines:
        grown = outline * (1 + gap_px / np.abs(outline).max())
        for _ in range(_TRIES):
            x, y = rng.uniform(low, high)
            pose = (float(x), float(y)), float(rng.uniform(0, 360))
            points = place(grown, *pose) - low
            if points.min() < 0 or (points > (width - 1, height - 1)).any():
                continue
            left, top = np.floor(points.min(axis=0)).astype(int)
            right, bottom = np.ceil(points.max(axis=0)).astype(int) + 1
            window = taken[top:bottom, left:right]
            shape = np.zeros_like(window)
            cv2.fillPoly(shape, [_fixed(points - (left, top))], 1)
            if not (shape & window).any():
                window |= shape
                poses.append(pose)
                break
        else:
            return None
    return poses


def _fixed(points: Points) -> np.ndarray:
    return np.round(points).astype(np.int32)
