from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.images import (
    MIN_MULTIPLES,
    ImageError,
    check_image,
    fit_size,
    light_of,
    resize,
    to_lab,
    with_light,
)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_check_image_gives_back_the_very_array() -> None:
    image = noise(16, 20, 3)
    assert check_image(image) is image


@pytest.mark.parametrize(
    ("array", "message"),
    [
        ([[1]], r"^shot must be a NumPy array, got list; convert it with np\.asarray"),
        (np.zeros((20, 20, 3), np.int32), r"^shot must have type uint8, got int32; .*0 … 255$"),
        (np.zeros((20, 20, 3), np.uint16), r"got uint16; convert it with \(array >> 8\)"),
        (np.full((20, 20, 3), 0.5), r"got float64; convert it with \(array \* 255\)"),
        (np.full((20, 20, 3), 99.0), r"got float64; convert it with \.astype"),
        (np.full((20, 20, 3), np.nan), r"^shot must hold finite values, got NaN .* 1200 places"),
        (np.full((20, 20, 3), -np.inf), r"must hold finite values, .* infinity in 1200 places"),
        (noise(20, 20), r"^shot must have shape \(height, width, 3\), got \(20, 20\); repeat grey"),
        (noise(20, 20, 4), r"got \(20, 20, 4\); drop the fourth channel"),
        (noise(3, 20, 20), r"got \(3, 20, 20\); move the channels to the end with np\.moveaxis"),
        (noise(2, 20, 20, 3), r"got \(2, 20, 20, 3\); pass one image at a time"),
        (noise(20, 20, 2), r"got \(20, 20, 2\); give height, width and the channels"),
        (noise(15, 20, 3), r"^shot must be at least 16 px on each side, got 20×15 \(width×height"),
        (noise(0, 20, 3), r"at least 16 px on each side, got 20×0"),
    ],
)
def test_check_image_says_what_is_wrong_and_how_to_cure_it(array: object, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        check_image(array, "shot")


sides = st.integers(16, 20_000)


@given(sides, sides, st.integers(10_000, 400_000), st.sampled_from([1, 4, 8, 14]))
def test_fit_size_keeps_the_area_and_divides_evenly(
    height: int, width: int, area_px: int, multiple: int
) -> None:
    rows, columns = fit_size(height, width, area_px=area_px, multiple=multiple)
    assert rows % multiple == columns % multiple == 0
    assert min(rows, columns) >= MIN_MULTIPLES * multiple
    # Rounding moves each side by half a multiple at most.
    slack = (1 + multiple / 2 / rows) * (1 + multiple / 2 / columns) + 0.05
    assert area_px / slack <= rows * columns <= area_px * slack


@given(sides, sides)
def test_fit_size_keeps_the_aspect_of_ordinary_images(height: int, width: int) -> None:
    rows, columns = fit_size(height, width, area_px=300 * 300, multiple=1)
    aspect = min(max(width / height, 16 / 90_000), 90_000 / 16)
    assert math.isclose(columns / rows, aspect, rel_tol=0.02 + 1 / min(rows, columns))


def test_fit_size_on_hand_made_examples() -> None:
    assert fit_size(600, 800, area_px=300 * 400, multiple=4) == (300, 400)
    assert fit_size(800, 600, area_px=300 * 400, multiple=4) == (400, 300)
    assert fit_size(64, 64, area_px=256 * 256, multiple=8) == (256, 256)
    # 16×5000: squeezed to four multiples on the short side, the area kept
    assert fit_size(16, 5000, area_px=256 * 256, multiple=8) == (32, 2048)
    # an area for fewer than four multiples on a side
    assert fit_size(100, 100, area_px=10, multiple=8) == (32, 32)


def test_fit_size_refuses_nonsense() -> None:
    with pytest.raises(ValueError, match=r"must be positive, got 0, 5, 100, 8"):
        fit_size(0, 5, area_px=100, multiple=8)


def test_shrinking_by_a_whole_factor_is_the_mean_of_blocks() -> None:
    image = noise(40, 60, 3)
    blocks = image.reshape(10, 4, 20, 3, 3).mean(axis=(1, 3))
    assert np.abs(resize(image, (10, 20)) - blocks).max() <= 0.5 + 1e-6


def test_shrinking_one_axis_while_the_other_grows_still_averages() -> None:
    image = noise(64, 16, 3)
    rows = image.reshape(8, 8, 16, 3).mean(axis=1).round().astype(np.uint8)
    expected = cv2.resize(rows, (32, 8), interpolation=cv2.INTER_LINEAR)
    got = resize(image, (8, 32))
    assert got.shape == (8, 32, 3)
    assert np.abs(got.astype(int) - expected).max() <= 1


def test_enlarging_stays_between_the_colours_that_exist() -> None:
    image = np.full((16, 16, 3), 100, np.uint8)
    image[:, 8:] = 150
    larger = resize(image, (50, 70))
    assert larger.shape == (50, 70, 3)
    assert larger.min() == 100
    assert larger.max() == 150


def test_resizing_to_the_same_size_changes_nothing() -> None:
    image = noise(20, 30, 3)
    np.testing.assert_array_equal(resize(image, (20, 30)), image)


class TestLight:
    def test_is_the_median_of_lightness_and_colour(self) -> None:
        image = noise(60, 40, 3)
        np.testing.assert_allclose(
            light_of(image), np.median(to_lab(image).reshape(-1, 3), axis=0), atol=1e-4
        )

    def test_a_few_pixels_tell_that_of_a_large_image(self) -> None:
        image = noise(700, 900, 3) // 4 + 90
        whole = np.median(to_lab(image).reshape(-1, 3), axis=0)
        np.testing.assert_allclose(light_of(image), whole, atol=1)

    def test_glare_does_not_move_it(self) -> None:
        image = np.full((64, 64, 3), (120, 100, 90), dtype=np.uint8)
        lit = image.copy()
        lit[:24] = 255
        np.testing.assert_allclose(light_of(lit), light_of(image), atol=1e-4)

    @pytest.mark.parametrize("shape", [(16, 16, 3), (1, 4000, 3), (301, 17, 3)])
    def test_any_shape_has_one(self, shape: tuple[int, ...]) -> None:
        assert np.isfinite(light_of(noise(*shape))).all()

    @pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (255, 0, 0), (90, 120, 150)])
    def test_that_of_one_colour_is_the_colour(self, colour: tuple[int, int, int]) -> None:
        image = np.full((20, 20, 3), colour, dtype=np.uint8)
        np.testing.assert_allclose(light_of(image), to_lab(image)[0, 0], atol=1e-4)

    def test_an_image_is_brought_to_another(self) -> None:
        image = noise(64, 64, 3) // 3 + 80
        wanted = light_of(image) + np.array([10, -6, 8], dtype=np.float32)
        found = with_light(image, light_of(image), wanted)
        assert found.dtype == np.uint8
        np.testing.assert_allclose(light_of(found), wanted, atol=0.5)

    def test_its_own_light_changes_nothing(self) -> None:
        image = noise(64, 64, 3)
        own = light_of(image)
        found = with_light(image, own, own)
        assert np.abs(found.astype(int) - image).max() <= 1

    def test_what_no_pixel_can_show_is_cut_off(self) -> None:
        image = np.full((20, 20, 3), 250, dtype=np.uint8)
        own = light_of(image)
        brighter = with_light(image, own, own + np.array([40, 0, 0], dtype=np.float32))
        darker = with_light(image, own, own - np.array([200, 0, 0], dtype=np.float32))
        assert (brighter == 255).all()
        assert (darker == 0).all()
