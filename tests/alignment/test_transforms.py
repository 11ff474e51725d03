from __future__ import annotations

import cv2
import numpy as np
import pytest

from alignment.transforms import (
    IDENTITY,
    Affine,
    about_center,
    apply,
    compose,
    invert,
    rescale,
    warp_image,
    warp_tokens,
)
from features.images import resize

SIZE = (48, 80)
POINTS = np.random.default_rng(0).uniform(-20, 100, size=(12, 2))
MOVES = [
    about_center(SIZE, angle_rad=0.3, scale=1.1, shift_xy=(4, -7)),
    about_center(SIZE, angle_rad=-1.2, scale=0.8),
    about_center(SIZE, shift_xy=(16, -8)),
]


def smooth_image(seed: int = 1, size: tuple[int, int] = SIZE) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 236, (size[0] // 16, size[1] // 16, 3), dtype=np.uint8)
    return cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)


def cell_means(image: np.ndarray, cell_px: int) -> np.ndarray:
    height, width = (side // cell_px for side in image.shape[:2])
    blocks = image.reshape(height, cell_px, width, cell_px, -1).astype(np.float32)
    return blocks.mean(axis=(1, 3))


class TestAlgebra:
    @pytest.mark.parametrize("move", MOVES)
    def test_inverse_undoes(self, move: Affine) -> None:
        np.testing.assert_allclose(compose(invert(move), move), IDENTITY, atol=1e-9)
        np.testing.assert_allclose(compose(move, invert(move)), IDENTITY, atol=1e-9)
        np.testing.assert_allclose(apply(invert(move), apply(move, POINTS)), POINTS)

    def test_compose_applies_the_second_argument_first(self) -> None:
        one, two, three = MOVES
        np.testing.assert_allclose(apply(compose(two, one), POINTS), apply(two, apply(one, POINTS)))
        np.testing.assert_allclose(
            compose(three, compose(two, one)), compose(compose(three, two), one)
        )

    def test_compose_takes_any_affine(self) -> None:
        first, second = np.random.default_rng(2).random((2, 2, 3))
        np.testing.assert_allclose(
            apply(compose(second, first), POINTS), apply(second, apply(first, POINTS))
        )

    def test_turns_about_the_centre_clockwise_on_screen(self) -> None:
        center = np.array([[39.5, 23.5]])
        turn = about_center(SIZE, angle_rad=np.pi / 2, scale=2.0)
        np.testing.assert_allclose(apply(turn, center), center)
        np.testing.assert_allclose(apply(turn, np.add(center, (3, 0))), np.add(center, (0, 6)))
        shifted = about_center(SIZE, angle_rad=0.4, shift_xy=(5, -2))
        np.testing.assert_allclose(apply(shifted, center), np.add(center, (5, -2)))


class TestRescale:
    def test_corners_go_to_corners(self) -> None:
        corners = np.array([[-0.5, -0.5], [79.5, 47.5]])
        expected = np.array([[-0.5, -0.5], [199.5, 95.5]])
        np.testing.assert_allclose(apply(rescale(SIZE, (96, 200)), corners), expected)
        cells = np.array([[-0.5, -0.5], [17.5, 11.5]])
        expected = np.array([[-0.5, -0.5], [89.5, 95.5]])
        np.testing.assert_allclose(apply(rescale((12, 18), (96, 90)), cells), expected)

    def test_there_and_back(self) -> None:
        np.testing.assert_allclose(
            compose(rescale((31, 17), SIZE), rescale(SIZE, (31, 17))), IDENTITY, atol=1e-12
        )

    def test_agrees_with_resized_pixels(self) -> None:
        """Pixels that hold their own position still do so, up to rounding, when resized."""
        rows, columns = np.mgrid[:160, :240].astype(np.uint8)
        image = np.dstack([columns, rows, rows])
        small = resize(image, (40, 80))
        here = np.argwhere(np.ones((40, 80)))[:, ::-1].astype(float)
        there = apply(rescale((40, 80), (160, 240)), here)
        np.testing.assert_allclose(small.reshape(-1, 3)[:, :2], there, atol=0.51)


class TestWarpImage:
    def test_whole_steps_move_pixels(self) -> None:
        image = smooth_image()
        moved, is_valid = warp_image(image, about_center(SIZE, shift_xy=(16, -8)))
        np.testing.assert_array_equal(moved[:40, 16:], image[8:, :64])
        expected = np.zeros(SIZE, dtype=bool)
        expected[:40, 16:] = True
        np.testing.assert_array_equal(is_valid, expected)
        np.testing.assert_array_equal(moved[:40, :16], np.repeat(image[8:, :1], 16, axis=1))

    def test_valid_is_what_comes_from_inside(self) -> None:
        move = MOVES[0]
        _, is_valid = warp_image(smooth_image(), move)
        y, x = np.indices(SIZE)
        source = apply(invert(move), np.column_stack([x.ravel(), y.ravel()]).astype(float))
        slack = np.min([source.min(axis=1), *(np.array([79, 47]) - source).T], axis=0)
        # an interpolated mask rounds within a pixel of the border
        assert is_valid.ravel()[slack > 0.1].all()
        assert not is_valid.ravel()[slack < -0.1].any()

    @pytest.mark.parametrize("move", MOVES)
    def test_there_and_back(self, move: Affine) -> None:
        image = smooth_image()
        moved, seen = warp_image(image, move)
        back, is_valid = warp_image(moved, invert(move))
        still_seen, _ = warp_image(np.repeat(seen[..., None], 3, 2).astype(np.uint8), invert(move))
        inner = is_valid & (still_seen[..., 0] == 1)
        assert inner.mean() > 0.3
        assert np.abs(back.astype(int) - image)[inner].mean() < 2


class TestWarpTokens:
    @pytest.mark.parametrize("angle_rad", [0.3, -1.2])
    @pytest.mark.parametrize("cell_px", [2, 4])
    def test_agrees_with_the_warped_image(self, angle_rad: float, cell_px: int) -> None:
        image = smooth_image(size=(96, 160))
        move = about_center((96, 160), angle_rad=angle_rad, scale=0.9, shift_xy=(4, -7))
        warped, is_valid = warp_image(image, move)
        expected = cell_means(warped, cell_px)
        moved, is_inside = warp_tokens(cell_means(image, cell_px), invert(move), cell_px)
        is_seen = cell_means(is_valid[..., None].astype(np.uint8), cell_px)[..., 0] == 1
        is_seen &= is_inside
        assert is_seen.mean() > 0.3
        assert np.abs(moved - expected)[is_seen].mean() < 2
        assert np.abs(expected - cell_means(image, cell_px))[is_seen].mean() > 15

    def test_whole_cells_move_exactly(self) -> None:
        tokens = np.random.default_rng(2).normal(size=(6, 10, 7)).astype(np.float32)
        to_input = invert(about_center(SIZE, shift_xy=(16, -8)))
        moved, is_inside = warp_tokens(tokens, to_input, 8)
        np.testing.assert_allclose(moved[:5, 2:], tokens[1:, :8], atol=1e-5)
        assert is_inside[:5, 2:].all()
        assert not is_inside[5].any()
        assert not is_inside[:, :2].any()
