"""Closed outlines of things, as points in image pixels (x right, y down)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

Points = Float[np.ndarray, "_ 2"]  # outlines drawn together differ in number of points
Path = Float[np.ndarray, "stations 2"]
Position = tuple[float, float]


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
