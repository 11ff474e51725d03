from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from timm.layers import resample_abs_pos_embed

from features.vit.architectures import Resampling, resample

ORIGINAL = Resampling(offset=0.1)
ORIGINAL_WITH_REGISTERS = Resampling(is_antialiased=True)
GRIDS = [(37, 37), (16, 16), (9, 12), (5, 11), (3, 2)]


def cubic(distance: float, a: float) -> float:
    """The convolution kernel of Keys (1981)."""
    x = abs(distance)
    if x < 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def naive_matrix(n_old: int, n_new: int, resampling: Resampling) -> np.ndarray:
    """Weights of the old cells along one axis, by the definition of either interpolation."""
    weights = np.zeros((n_new, n_old))
    for new in range(n_new):
        if resampling.is_antialiased:
            # a kernel as wide as a new cell, cut off and normed at the border, a = -1/2
            scale = n_old / n_new
            for old in range(n_old):
                distance = (old + 0.5) - (new + 0.5) * scale
                weights[new, old] = cubic(distance / max(scale, 1.0), -0.5)
            weights[new] /= weights[new].sum()
        else:
            # four neighbours, the border repeated, a = -3/4; the factor is not the ratio of sizes
            place = (new + 0.5) * n_old / (n_new + resampling.offset) - 0.5
            for old in range(math.floor(place) - 1, math.floor(place) + 3):
                weights[new, min(max(old, 0), n_old - 1)] += cubic(place - old, -0.75)
    return weights


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("resampling", [Resampling(), ORIGINAL, ORIGINAL_WITH_REGISTERS])
def test_is_what_its_definition_says(grid: tuple[int, int], resampling: Resampling) -> None:
    old = np.random.default_rng(0).normal(size=(9, 9, 4))
    rows, columns = (naive_matrix(9, n_new, resampling) for n_new in grid)
    expected = np.einsum("ry,yxd,cx->rcd", rows, old, columns)
    found = resample(torch.from_numpy(old).float().reshape(1, 81, 4), grid, resampling)
    np.testing.assert_allclose(found.numpy().reshape(expected.shape), expected, atol=1e-5)


@pytest.mark.parametrize("grid", GRIDS)
def test_registers_are_interpolated_as_by_timm(grid: tuple[int, int]) -> None:
    old = torch.randn(1, 81, 4, generator=torch.Generator().manual_seed(0))
    expected = resample_abs_pos_embed(old, list(grid), num_prefix_tokens=0)
    torch.testing.assert_close(resample(old, grid, ORIGINAL_WITH_REGISTERS), expected)


def test_native_grid_is_left_as_it_is() -> None:
    old = torch.randn(1, 81, 4)
    assert resample(old, (9, 9), ORIGINAL) is old


@pytest.mark.parametrize("cells", [4, 16, 24, 37, 64, 100])
def test_factor_with_offset_gives_the_size_asked_for(cells: int) -> None:
    for side in (14, 16, 37):
        found = resample(torch.zeros(1, side * side, 1), (cells, cells + 1), ORIGINAL)
        assert found.shape == (1, cells * (cells + 1), 1)
