"""Two distorted views of each photograph, and the points that both of them show.

Geometry is exact: a frame is an affine map, so a point in one view has one place in the other.
Coordinates are (x, y) from -1 to 1 between the outer edges of a view or a photograph.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as nnf
from torch import Tensor

CROP_PX = 96  # side of a view
N_POINTS = 24  # of each photograph


def uniform(low: float, high: float, *shape: int) -> Tensor:
    return torch.empty(shape).uniform_(low, high)


def draw_frames(n: int) -> tuple[Tensor, Tensor]:
    """Draw two frames per photograph: affine (n, 2, 3) from view to photograph, both in -1..1."""
    base = torch.exp(uniform(math.log(0.45), math.log(0.95), n))
    mirror = torch.randint(0, 2, (n,)) * 2.0 - 1.0  # shared: left and right stay different things
    centre = uniform(-1, 1, n, 2) * (1 - base)[:, None]
    frames = []
    for _ in range(2):
        angle = uniform(-math.pi / 9, math.pi / 9, n)  # 20 degrees
        size = base * torch.exp(uniform(math.log(0.8), math.log(1.25), n))
        cos, sin = size * torch.cos(angle), size * torch.sin(angle)
        linear = torch.stack([cos * mirror, -sin, sin * mirror, cos], 1).view(n, 2, 2)
        shift = centre + uniform(-0.35, 0.35, n, 2) * base[:, None]
        frames.append(torch.cat([linear, shift[:, :, None]], 2))
    return frames[0], frames[1]


def draw_points(from_a: Tensor, from_b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Draw physical points: (n, points, 2) in each view, and whether both views show them."""
    in_a = uniform(-0.95, 0.95, len(from_a), 4 * N_POINTS, 2)
    on_photo = in_a @ from_a[:, :, :2].mT + from_a[:, None, :, 2]
    in_b = (on_photo - from_b[:, None, :, 2]) @ torch.linalg.inv(from_b[:, :, :2]).mT
    is_seen = in_b.abs().amax(2) < 0.95
    chosen = is_seen.float().topk(N_POINTS, 1).indices
    pick = chosen[:, :, None].expand(-1, -1, 2)
    return in_a.gather(1, pick), in_b.gather(1, pick), is_seen.gather(1, chosen)


def cut(photos: Tensor, frame: Tensor) -> Tensor:
    size = [len(photos), 3, CROP_PX, CROP_PX]
    grid = nnf.affine_grid(frame, size, align_corners=False)
    return nnf.grid_sample(photos, grid, padding_mode="reflection", align_corners=False)


def distort_light(view: Tensor) -> Tensor:
    """Change colour, contrast, light, sharpness and noise; range 0..1 in, -1..1 out."""
    n = len(view)
    grey = view.mean(1, keepdim=True)
    saturation = uniform(0.2, 1.8, n, 1, 1, 1)
    saturation[torch.rand(n) < 0.15] = 0.0
    view = grey + saturation * (view - grey)
    mixing = torch.eye(3) + 0.15 * torch.randn(n, 3, 3)  # turns hues
    coloured = torch.einsum("nij,njhw->nihw", mixing, view)
    view = torch.where(saturation > 0, coloured, view)
    mean = view.mean((1, 2, 3), keepdim=True)
    view = mean + uniform(0.5, 1.5, n, 1, 1, 1) * (view - mean) + uniform(-0.2, 0.2, n, 1, 1, 1)
    view = view * (1 + uniform(-0.12, 0.12, n, 3, 1, 1))

    ramp = torch.linspace(-1, 1, CROP_PX)
    slope = uniform(-0.25, 0.25, n, 2, 1, 1, 1)
    view = view * (1 + slope[:, 0] * ramp + slope[:, 1] * ramp[:, None])

    is_soft = torch.rand(n) < 0.3
    if is_soft.any():
        taps = torch.exp(-0.5 * (torch.arange(-3, 4) / float(uniform(0.4, 1.5, 1))) ** 2)
        kernel = torch.outer(taps, taps) / taps.sum() ** 2
        padded = nnf.pad(view[is_soft], (3, 3, 3, 3), "reflect")
        view[is_soft] = nnf.conv2d(padded, kernel.expand(3, 1, 7, 7), groups=3)
    view = view.clamp(0, 1) ** torch.exp(uniform(-0.4, 0.4, n, 1, 1, 1))
    view = view + uniform(0, 0.04, n, 1, 1, 1) * torch.randn_like(view)
    return 2 * view.clamp(0, 1) - 1
