from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.regions.detail import (
    N_AT_ONCE,
    N_PROTOTYPES,
    Detail,
    describe,
    learn_detail,
    light_of,
)

SIZE = (96, 128)
EVERYWHERE = np.ones(SIZE, dtype=bool)


def cloth(seed: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A checked fabric with a little noise."""
    y, x = np.mgrid[: size[0], : size[1]]
    check = 18 * ((x // 4 + y // 4) % 2)[..., None] + np.array([120, 110, 140])
    noise = np.random.default_rng(seed).normal(0, 3, (*size, 3))
    return np.asarray(check + noise).clip(0, 255).astype(np.uint8)


def lab_of(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def surface(seed: int) -> np.ndarray:
    """A quadratic one, of CIELAB."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : SIZE[0] * 1j, -1 : 1 : SIZE[1] * 1j]
    terms = np.stack([np.ones(SIZE), x, y, x * x, x * y, y * y], axis=-1)
    factors = rng.normal(0, np.array([3, 8, 8, 4, 4, 4])[:, None], (6, 3))
    factors[0, 0] += 50
    return (terms @ factors).astype(np.float32)


class TestLight:
    @pytest.mark.parametrize("seed", range(4))
    def test_a_quadratic_surface_is_its_own_light(self, seed: int) -> None:
        lab = surface(seed)
        # but for half a cell at the rim, where the grid of the fit ends
        error = np.abs(light_of(lab, EVERYWHERE) - lab)
        assert error[8:-8, 8:-8].max() < 1
        assert error.mean() < 0.3

    def test_a_bright_blob_does_not_pull_it(self) -> None:
        lab = lab_of(cloth(0))
        spotted = lab.copy()
        spotted[30:60, 40:75] += [60, 30, -40]
        shift = np.abs(light_of(spotted, EVERYWHERE) - light_of(lab, EVERYWHERE))
        # one unit of CIELAB is hardly seen, and a plain mean moves by five
        assert shift.max() < 1.5
        plain = np.abs(spotted.mean(axis=(0, 1)) - lab.mean(axis=(0, 1)))
        assert plain.max() > 4

    def test_what_is_not_valid_has_no_say(self) -> None:
        lab, is_valid = lab_of(cloth(0)), EVERYWHERE.copy()
        is_valid[:, :48] = False
        other = lab.copy()
        other[:, :48] = [90, 40, 40]
        np.testing.assert_allclose(
            light_of(lab, is_valid), light_of(other, is_valid), rtol=0, atol=1e-4
        )

    def test_without_a_valid_pixel_it_is_finite(self) -> None:
        assert np.isfinite(light_of(lab_of(cloth(0)), ~EVERYWHERE)).all()


class TestDescription:
    def test_seven_features_a_pixel(self) -> None:
        described = describe(cloth(0), EVERYWHERE)
        assert described.shape == (*SIZE, 7)
        assert described.dtype == np.float32

    def test_slanting_light_hardly_matters(self) -> None:
        x = np.linspace(-1, 1, SIZE[1])[None, :, None]
        flat = np.full((*SIZE, 3), 128.0)
        slanted = (flat + 40 * x).round().astype(np.uint8)
        described = describe(slanted, EVERYWHERE)[8:-8, 8:-8]
        assert np.abs(described).max() < 1.5
        assert np.ptp(lab_of(slanted)[..., 0]) > 25

    def test_one_colour_is_nothing_but_light(self) -> None:
        described = describe(np.full((*SIZE, 3), 77, np.uint8), EVERYWHERE)
        assert np.abs(described).max() < 0.1

    def test_roughness_is_what_the_last_feature_tells(self) -> None:
        smooth = np.full((*SIZE, 3), 128, np.uint8)
        rough = smooth.copy()
        rough[:, 64:] = np.random.default_rng(0).integers(98, 158, (SIZE[0], 64, 1), np.uint8)
        roughness = describe(rough, EVERYWHERE)[..., 6]
        assert roughness[:, 72:].min() > 5 * roughness[:, :56].max()


@pytest.fixture(scope="module")
def learnt() -> Detail:
    images = [cloth(seed) for seed in range(2)]
    return learn_detail(images, [EVERYWHERE] * 2, np.random.default_rng(0))


class TestDistance:
    def test_it_is_that_to_the_nearest_prototype(self, learnt: Detail) -> None:
        """One prototype after the other, over more pixels than are computed at once."""
        image = cloth(7)
        image[20:30, 20:30] = (250, 0, 0)
        assert image[..., 0].size > N_AT_ONCE
        whitened = (describe(image, EVERYWHERE) - learnt.mean) @ learnt.whiten
        naive = np.min(
            [np.linalg.norm(whitened - each, axis=-1) for each in learnt.prototypes], axis=0
        )
        np.testing.assert_allclose(learnt(image, EVERYWHERE), naive, rtol=1e-3, atol=2e-3)

    def test_what_is_new_is_far(self, learnt: Detail) -> None:
        image = cloth(7)
        image[40:44, 60:64] = (20, 160, 40)
        distance = learnt(image, EVERYWHERE)
        assert distance[40:44, 60:64].min() > 2 * np.quantile(distance, 0.99)

    def test_a_thread_is_seen(self, learnt: Detail) -> None:
        image = cloth(7)
        image[50, 20:100] = 30
        distance = learnt(image, EVERYWHERE)
        assert np.median(distance[50, 20:100]) > 2 * np.median(distance)

    def test_what_is_not_valid_is_not_new(self, learnt: Detail) -> None:
        is_valid = np.random.default_rng(0).random(SIZE) < 0.5
        distance = learnt(cloth(9), is_valid)
        assert (distance[~is_valid] == 0).all()
        assert distance.dtype == np.float32

    def test_what_was_learnt_can_be_kept(self, learnt: Detail) -> None:
        again = Detail(**{name: array.copy() for name, array in learnt.state().items()})
        image = cloth(3)
        np.testing.assert_array_equal(learnt(image, EVERYWHERE), again(image, EVERYWHERE))


class TestLearning:
    def test_the_same_seed_learns_the_same(self) -> None:
        one, same = (
            learn_detail([cloth(0)], [EVERYWHERE], np.random.default_rng(4)) for _ in range(2)
        )
        assert len(one.prototypes) == N_PROTOTYPES
        for name, array in one.state().items():
            np.testing.assert_array_equal(array, same.state()[name])

    def test_whitened_pixels_have_no_larger_spread_than_one(self) -> None:
        image = cloth(0)
        learnt = learn_detail([image], [EVERYWHERE], np.random.default_rng(0))
        pixels = (describe(image, EVERYWHERE).reshape(-1, 7) - learnt.mean) @ learnt.whiten
        covariance = np.cov(pixels.T)
        assert np.linalg.eigvalsh(covariance).max() <= 1
        # no correlation is left
        assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 0.01

    @pytest.mark.parametrize("n_colors", [1, 2, 3])
    def test_references_of_few_colours(self, n_colors: int) -> None:
        image = np.full((*SIZE, 3), 90, np.uint8)
        for color in range(1, n_colors):
            image[:, 40 * color : 40 * color + 40] = 90 + 50 * color
        learnt = learn_detail([image] * 2, [EVERYWHERE] * 2, np.random.default_rng(0))
        distance = learnt(image, EVERYWHERE)
        assert np.isfinite(distance).all()
        spotted = image.copy()
        spotted[10:20, 10:20] = (255, 0, 0)
        assert learnt(spotted, EVERYWHERE)[15, 15] > 3 * distance.max()

    def test_only_valid_pixels_are_learnt(self) -> None:
        image, is_valid = cloth(0), EVERYWHERE.copy()
        is_valid[:, 64:] = False
        other = image.copy()
        # beyond the reach of the averages
        other[:, 80:] = (255, 0, 0)
        one, same = (
            learn_detail([each], [is_valid], np.random.default_rng(0)) for each in (image, other)
        )
        np.testing.assert_allclose(one.mean, same.mean, atol=1e-3)
        np.testing.assert_allclose(one.whiten, same.whiten, rtol=1e-2, atol=1e-3)
