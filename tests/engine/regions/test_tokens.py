from __future__ import annotations

import numpy as np
import pytest

from alignment.transforms import about_center, compose, invert, rescale
from engine.regions.tokens import (
    LEAST_COVERAGE,
    WINDOWS,
    RegionTokens,
    cells_of,
    describe_regions,
    thinned,
    windowed,
)
from features.dense import DenseMap
from features.region import Region

SIZE, GRID = (96, 128), (12, 16)
UPRIGHT = rescale(SIZE, GRID)
TURNED = compose(
    UPRIGHT, invert(about_center(SIZE, angle_rad=0.5, scale=1.3, shift_xy=(9.0, -4.0)))
)


def blob(seed: int) -> Region:
    rng = np.random.default_rng(seed)
    mask = np.zeros(SIZE, dtype=bool)
    top, left = rng.integers(0, 60, 2)
    mask[top : top + 30, left : left + 50] = rng.random((30, 50)) < 0.5
    return Region.of(mask)


def line() -> Region:
    return Region.of(np.eye(90, dtype=bool), (20, 3))


def naive_cells(
    region: Region, grid: tuple[int, int], image_to_cells: np.ndarray
) -> dict[int, int]:
    """Take one pixel after the other to its cell."""
    found: dict[int, int] = {}
    for row, column in np.argwhere(region.mask):
        x, y = column + region.box_xyxy[0], row + region.box_xyxy[1]
        cell_x, cell_y = np.rint(image_to_cells @ [x, y, 1]).astype(int)
        if 0 <= cell_y < grid[0] and 0 <= cell_x < grid[1]:
            cell = int(cell_y * grid[1] + cell_x)
            found[cell] = found.get(cell, 0) + 1
    return found


class TestCells:
    @pytest.mark.parametrize("affine", [UPRIGHT, TURNED], ids=["upright", "turned"])
    @pytest.mark.parametrize("region", [blob(0), blob(1), line()], ids=["blob", "other", "line"])
    def test_every_pixel_lies_in_its_cell(self, region: Region, affine: np.ndarray) -> None:
        cells, counts = cells_of(region, GRID, affine)
        assert dict(zip(cells.tolist(), counts.tolist(), strict=True)) == naive_cells(
            region, GRID, affine
        )

    def test_a_region_outside_has_no_cells(self) -> None:
        far = Region((5000, 9, 5004, 12), np.ones((3, 4), dtype=bool))
        cells, counts = cells_of(far, GRID, UPRIGHT)
        assert len(cells) == len(counts) == 0

    @pytest.mark.parametrize("size", [(2000, 3000), (400, 3000), (2500, 4000), (999, 1001)])
    def test_a_large_region_has_all_its_cells(self, size: tuple[int, int]) -> None:
        """Only some pixels of a large region are looked up, but they lie everywhere in it."""
        whole = Region((0, 0, size[1], size[0]), np.ones(size, dtype=bool))
        grid = (32, 48)
        cells, counts = cells_of(whole, grid, rescale(size, grid))
        assert len(cells) == grid[0] * grid[1]
        cell_px = size[0] * size[1] / len(cells)
        assert np.median(counts) == pytest.approx(cell_px, rel=0.2)
        assert counts.sum() == pytest.approx(whole.area_px)


def dense_of(seed: int, dim: int = 6, valid: float = 1.0) -> DenseMap:
    rng = np.random.default_rng(seed)
    tokens = rng.normal(size=(*GRID, dim)).astype(np.float32)
    return DenseMap(tokens, rng.random(GRID) < valid)


class TestDescription:
    def test_half_covered_cells_belong_to_a_region(self) -> None:
        # from the middle of the first cell to the end of the third, and a sliver of the fourth
        region = Region((3, 8, 26, 16), np.ones((8, 23), dtype=bool))
        dense = dense_of(0)
        described = describe_regions(dense, [region], UPRIGHT)[0]
        assert described.cells.tolist() == [16, 17, 18]
        np.testing.assert_array_equal(described.tokens[0], dense.tokens[1, :3])

    def test_a_thin_or_tiny_region_has_the_cells_that_it_covers_best(self) -> None:
        dot = Region((13, 21, 14, 22), np.ones((1, 1), dtype=bool))
        for described in describe_regions(dense_of(0), [line(), dot], TURNED):
            assert len(described.cells)
        cells, counts = cells_of(line(), GRID, UPRIGHT)
        described = describe_regions(dense_of(0), [line()], UPRIGHT)[0]
        best = cells[counts >= LEAST_COVERAGE * counts.max()]
        np.testing.assert_array_equal(described.cells, best)

    def test_cells_outside_the_photograph_say_nothing(self) -> None:
        dense = dense_of(1, valid=0.5)
        region = Region((0, 0, 128, 96), np.ones(SIZE, dtype=bool))
        described = describe_regions(dense, [region], UPRIGHT)[0]
        np.testing.assert_array_equal(described.cells, np.flatnonzero(dense.is_valid))

    def test_a_region_without_cells_has_no_tokens(self) -> None:
        far = Region((5000, 9, 5004, 12), np.ones((3, 4), dtype=bool))
        described = describe_regions(dense_of(0), [far], UPRIGHT)[0]
        assert described.tokens.shape == (len(WINDOWS), 0, 6)

    def test_the_surroundings_do_not_matter(self) -> None:
        dense, region = dense_of(2), Region((16, 16, 64, 48), np.ones((32, 48), dtype=bool))
        other = dense_of(3).tokens.copy()
        other[2:6, 2:8] = dense.tokens[2:6, 2:8]
        one, same = (
            describe_regions(each, [region], UPRIGHT)[0]
            for each in (dense, DenseMap(other, dense.is_valid))
        )
        np.testing.assert_array_equal(one.tokens, same.tokens)
        # at the coarsest scale, cells of a region of one look have that look
        flat = DenseMap(np.ones((*GRID, 6), np.float32), dense.is_valid)
        alike = describe_regions(flat, [region], UPRIGHT)[0].tokens
        np.testing.assert_allclose(alike, 1, rtol=1e-5)


def test_windows_hold_the_weighted_mean() -> None:
    rng = np.random.default_rng(4)
    tokens = rng.normal(size=(9, 11, 5)).astype(np.float32)
    weights = rng.random((9, 11)).astype(np.float32) * (rng.random((9, 11)) < 0.6)
    result = windowed(tokens, weights).reshape(len(WINDOWS), 9, 11, 5)
    np.testing.assert_array_equal(result[0], tokens)
    for scale, half in enumerate(WINDOWS[1:], 1):
        for row, column in np.ndindex(9, 11):
            window = (
                slice(max(0, row - half), row + half + 1),
                slice(max(0, column - half), column + half + 1),
            )
            weight = weights[window][..., None]
            mean = (tokens[window] * weight).sum(axis=(0, 1)) / max(weight.sum(), 1e-6)
            np.testing.assert_allclose(result[scale, row, column], mean, rtol=1e-3, atol=1e-5)


class TestThinned:
    def test_the_farthest_comes_next(self) -> None:
        rng = np.random.default_rng(5)
        tokens = rng.normal(size=(3, 40, 4)).astype(np.float32)
        finest = tokens[0]
        chosen = [int(np.argmin([np.linalg.norm(each - finest.mean(axis=0)) for each in finest]))]
        while len(chosen) < 10:
            gap = [min(np.linalg.norm(each - finest[c]) for c in chosen) for each in finest]
            chosen.append(int(np.argmax(gap)))
        kept = thinned(RegionTokens(np.arange(40), tokens), 10)
        np.testing.assert_array_equal(kept, tokens[:, chosen])

    @pytest.mark.parametrize("n_kept", [5, 6])
    def test_few_cells_are_all_kept(self, n_kept: int) -> None:
        tokens = np.random.default_rng(6).normal(size=(3, 5, 4)).astype(np.float32)
        np.testing.assert_array_equal(thinned(RegionTokens(np.arange(5), tokens), n_kept), tokens)

    def test_a_rare_look_is_kept(self) -> None:
        tokens = np.zeros((3, 100, 2), np.float32)
        tokens[:, 37] = 5
        assert (thinned(RegionTokens(np.arange(100), tokens), 2)[:, 1] == 5).all()
