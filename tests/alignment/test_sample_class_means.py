from __future__ import annotations

import numpy as np
import pytest
from skimage.color import rgb2lab

from alignment.sample import color_planes, pixel_mean, token_mean

CLASS_MAP = np.random.default_rng(0).integers(-1, 2, size=(24, 32))  # of three classes; 2 is absent


class TestPixelMean:
    def test_against_masks(self) -> None:
        planes = np.random.default_rng(1).normal(size=(2, 24, 32))
        means = pixel_mean(planes, CLASS_MAP, 3)
        for class_id in (0, 1):
            expected = planes[:, class_id == CLASS_MAP].mean(axis=1)
            np.testing.assert_allclose(means[class_id], expected)
        assert np.isnan(means[2]).all()

    def test_without_classes(self) -> None:
        assert pixel_mean(np.ones((2, 24, 32)), np.full((24, 32), -1), 0).shape == (0, 2)


class TestTokenMean:
    @pytest.mark.parametrize("grid", [(3, 4), (5, 7)])  # the second does not divide the image
    def test_against_loops(self, grid: tuple[int, int]) -> None:
        rng = np.random.default_rng(2)
        tokens, is_valid = rng.normal(size=(*grid, 6)).astype(np.float32), rng.random(grid) < 0.7
        means = token_mean(tokens, is_valid, CLASS_MAP, 3)
        for class_id in (0, 1):
            cells = [
                (y * grid[0] // 24, x * grid[1] // 32)
                for y, x in np.argwhere(class_id == CLASS_MAP)
            ]
            expected = np.mean([tokens[cell] for cell in cells if is_valid[cell]], axis=0)
            np.testing.assert_allclose(means[class_id], expected, rtol=1e-4, atol=1e-6)
        assert np.isnan(means[2]).all()

    def test_a_part_smaller_than_a_cell_never_vanishes(self) -> None:
        tokens = np.random.default_rng(3).normal(size=(3, 4, 6)).astype(np.float32)
        class_map = np.zeros((24, 32), dtype=np.int64)
        class_map[7:9, 15] = 1  # on the border of cells (0, 1) and (1, 1), at no centre
        means = token_mean(tokens, np.ones((3, 4), dtype=bool), class_map, 2)
        np.testing.assert_allclose(means[1], (tokens[0, 1] + tokens[1, 1]) / 2, rtol=1e-5)

    def test_a_class_in_cells_that_are_not_valid_has_no_mean(self) -> None:
        tokens = np.ones((3, 4, 6), dtype=np.float32)
        assert np.isnan(token_mean(tokens, np.zeros((3, 4), dtype=bool), CLASS_MAP, 3)).all()


def test_color_planes_against_scikit_image() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    image[:2] = 128  # b = 0: the pole of the ratio
    a, b = np.moveaxis(rgb2lab(image), -1, 0)[1:]
    guarded = np.where(np.abs(b) > 1, b, np.where(b < 0, -1, 1))
    planes = color_planes(image)
    for found, expected in zip(planes[:3], (a, b, np.hypot(a, b)), strict=True):
        np.testing.assert_allclose(found, expected, atol=0.5)
    is_stable = np.abs(b) > 2
    np.testing.assert_allclose(planes[3][is_stable], (a / guarded)[is_stable], atol=0.3, rtol=0.1)
    assert np.abs(planes[3][:2]).max() < 0.1
