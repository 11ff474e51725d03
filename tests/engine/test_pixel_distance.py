from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.pixel_distance import (
    LEAST_FLAT,
    LEAST_SPREAD,
    LIGHT_CELL_PX,
    LIKE_COLOR,
    N_AT_ONCE,
    N_COLORS,
    N_PROTOTYPES,
    Detail,
    describe,
    learn_detail,
    light_of,
)

SIZE = (96, 128)
EVERYWHERE = np.ones(SIZE, dtype=bool)
# in CIELAB, of which nobody sees less (Mahy et al., 1994)
JUST_NOTICEABLE = 2.3


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


def cells_of(lab: np.ndarray) -> np.ndarray:
    """Average over the cells of the light, one after the other."""
    height, width = lab.shape[:2]
    size = LIGHT_CELL_PX
    return np.array(
        [
            [
                lab[top : top + size, left : left + size].mean(axis=(0, 1))
                for left in range(0, width, size)
            ]
            for top in range(0, height, size)
        ]
    )


def colors_of(lab: np.ndarray) -> np.ndarray:
    """Return the colour of every cell: nothing in the image is new."""
    return cells_of(lab).reshape(-1, 3).astype(np.float32)


def naive_light(
    lab: np.ndarray, is_valid: np.ndarray, colors: np.ndarray, least_flat: float = LEAST_FLAT
) -> np.ndarray:
    """Fit one colour channel after the other; the ridge is six more equations."""
    cells, is_seen = cells_of(lab), cells_of(is_valid[..., None]).ravel() > 0.5
    rows, columns = cells.shape[:2]
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    cells = cells.reshape(-1, 3)
    away = np.array([min(np.linalg.norm(cell - color) for color in colors) for cell in cells])
    known = np.where(is_seen, (1 + (away / LIKE_COLOR) ** 2) ** -2.0, 0)
    known = known / known.max()
    weights = known
    for _ in range(5):
        flat = np.diag(np.sqrt(1e-3 + least_flat * weights.sum() * np.array([0, 1, 1, 1, 1, 1])))
        equations = np.vstack([np.sqrt(weights)[:, None] * terms, flat])
        values = np.vstack([np.sqrt(weights)[:, None] * cells, np.zeros((6, 3))])
        factors = np.stack(
            [np.linalg.lstsq(equations, channel, rcond=None)[0] for channel in values.T], axis=1
        )
        misfit = np.linalg.norm(cells - terms @ factors, axis=1)
        half = min(each for each in misfit if 2 * known[misfit <= each].sum() >= known.sum())
        weights = known / (1 + (misfit / (1.5 * (half + LEAST_SPREAD))) ** 2)
    at_y, at_x = (
        (np.arange(n_cells * LIGHT_CELL_PX) + 0.5) / LIGHT_CELL_PX - 0.5
        for n_cells in (rows, columns)
    )
    light = (terms @ factors).reshape(rows, columns, 3)
    light = np.apply_along_axis(lambda line: np.interp(at_y, np.arange(rows), line), 0, light)
    return np.apply_along_axis(lambda line: np.interp(at_x, np.arange(columns), line), 1, light)


class TestLight:
    @pytest.mark.parametrize("n_new", [0, 24, 80])
    def test_as_its_definition_says(self, n_new: int) -> None:
        lab, is_valid = lab_of(cloth(0)) + surface(1) / 4, EVERYWHERE.copy()
        colors = colors_of(lab)[::5]
        lab[:, :n_new] += [30, 20, -20]
        # parts of cells, too
        is_valid[:21, 75:] = False
        np.testing.assert_allclose(
            light_of(lab, is_valid, colors), naive_light(lab, is_valid, colors), rtol=0, atol=1e-3
        )

    @pytest.mark.parametrize("seed", range(4))
    def test_a_quadratic_surface_is_its_own_light(self, seed: int) -> None:
        lab = surface(seed)
        error = np.abs(light_of(lab, EVERYWHERE, colors_of(lab)) - lab)
        # but for half a cell at the rim, where the grid of the fit ends, and for the ridge: slopes
        # of about ten units lose less than half of one
        assert error[8:-8, 8:-8].max() < 0.5
        assert error.mean() < 0.3

    def test_a_bright_blob_does_not_pull_it(self) -> None:
        lab = lab_of(cloth(0))
        spotted = lab.copy()
        spotted[30:60, 40:75] += [60, 30, -40]
        light = light_of(lab, EVERYWHERE, colors_of(lab))
        # one unit of CIELAB is hardly seen, and a plain mean moves by five; not even a blob of a
        # colour that references have pulls it
        for colors in (colors_of(lab), colors_of(spotted)):
            assert np.abs(light_of(spotted, EVERYWHERE, colors) - light).max() < 1
        plain = np.abs(spotted.mean(axis=(0, 1)) - lab.mean(axis=(0, 1)))
        assert plain.max() > 4

    @pytest.mark.parametrize("n_new", [64, 80, 96])
    def test_something_new_over_half_of_the_image_does_not_pull_it(self, n_new: int) -> None:
        lab = lab_of(cloth(0))
        covered = lab.copy()
        covered[:, :n_new] += [30, 20, -20]
        light = light_of(lab, EVERYWHERE, colors_of(lab))
        pulled = np.abs(light_of(covered, EVERYWHERE, colors_of(lab)) - light)
        assert pulled.max() < 1.5
        # it is the ground, where the references have that colour
        followed = np.abs(light_of(covered, EVERYWHERE, colors_of(covered)) - light)
        assert followed.max() > 20

    @pytest.mark.parametrize(
        ("away", "least", "most"),
        [(JUST_NOTICEABLE, 0.9, 1), (LIKE_COLOR, 0.7, 0.95), (6 * LIKE_COLOR, -0.05, 0.05)],
    )
    @pytest.mark.parametrize("axis", range(3))
    def test_colours_like_known_ones_have_nearly_as_much_say(
        self, away: float, least: float, most: float, axis: int
    ) -> None:
        """One half is of another colour: how far does the light follow, next to a known one?"""
        lab = lab_of(cloth(0))
        shifted = lab.copy()
        shifted[:, :64, axis] += away
        light = light_of(lab, EVERYWHERE, colors_of(lab))
        new, known = (
            (light_of(shifted, EVERYWHERE, colors) - light)[:, :64, axis].mean()
            for colors in (colors_of(lab), colors_of(shifted))
        )
        assert known > 0.8 * away
        assert least <= new / known <= most

    @pytest.mark.parametrize("n_seen", [16, 24, 32])
    def test_it_does_not_rear_up_where_little_is_known(self, n_seen: int) -> None:
        lab, is_valid = lab_of(cloth(0)), EVERYWHERE.copy()
        is_valid[:, n_seen:] = False
        colors = colors_of(lab)
        light = light_of(lab, EVERYWHERE, colors)
        assert np.abs(light_of(lab, is_valid, colors) - light).max() < JUST_NOTICEABLE
        without_ridge = naive_light(lab, is_valid, colors, least_flat=0)
        assert np.abs(without_ridge - light).max() > 3 * JUST_NOTICEABLE

    def test_what_is_not_valid_has_no_say(self) -> None:
        lab, is_valid = lab_of(cloth(0)), EVERYWHERE.copy()
        is_valid[:, :48] = False
        other = lab.copy()
        other[:, :48] = [90, 40, 40]
        one, same = (light_of(each, is_valid, colors_of(other)) for each in (lab, other))
        np.testing.assert_allclose(one, same, rtol=0, atol=1e-4)

    def test_without_a_valid_pixel_it_is_finite(self) -> None:
        lab = lab_of(cloth(0))
        assert np.isfinite(light_of(lab, ~EVERYWHERE, colors_of(lab))).all()

    def test_without_a_known_colour_it_is_finite(self) -> None:
        far = np.array([[0, 120, -120]], np.float32)
        assert np.isfinite(light_of(lab_of(cloth(0)), EVERYWHERE, far)).all()


def describe_known(image: np.ndarray) -> np.ndarray:
    """Describe an image whose colours are all known."""
    return describe(image, EVERYWHERE, colors_of(lab_of(image)))


class TestDescription:
    def test_seven_features_a_pixel(self) -> None:
        described = describe_known(cloth(0))
        assert described.shape == (*SIZE, 7)
        assert described.dtype == np.float32

    def test_slanting_light_hardly_matters(self) -> None:
        x = np.linspace(-1, 1, SIZE[1])[None, :, None]
        flat = np.full((*SIZE, 3), 128.0)
        slanted = (flat + 40 * x).round().astype(np.uint8)
        even = colors_of(lab_of(flat.astype(np.uint8)))
        # whether or not the references' light slants
        for colors in (even, colors_of(lab_of(slanted))):
            assert np.abs(describe(slanted, EVERYWHERE, colors)[8:-8, 8:-8]).max() < 1.5
        assert np.ptp(lab_of(slanted)[..., 0]) > 25

    def test_one_colour_is_nothing_but_light(self) -> None:
        described = describe_known(np.full((*SIZE, 3), 77, np.uint8))
        assert np.abs(described).max() < 0.1

    def test_roughness_is_what_the_last_feature_tells(self) -> None:
        smooth = np.full((*SIZE, 3), 128, np.uint8)
        rough = smooth.copy()
        rough[:, 64:] = np.random.default_rng(0).integers(98, 158, (SIZE[0], 64, 1), np.uint8)
        roughness = describe_known(rough)[..., 6]
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
        whitened = (describe(image, EVERYWHERE, learnt.colors) - learnt.mean) @ learnt.whiten
        naive = np.min(
            [np.linalg.norm(whitened - each, axis=-1) for each in learnt.prototypes], axis=0
        )
        np.testing.assert_allclose(learnt(image, EVERYWHERE), naive, rtol=1e-3, atol=2e-3)

    def test_what_is_new_is_far(self, learnt: Detail) -> None:
        image = cloth(7)
        image[40:44, 60:64] = (20, 160, 40)
        distance = learnt(image, EVERYWHERE)
        assert distance[40:44, 60:64].min() > 2 * np.quantile(distance, 0.99)

    @pytest.mark.parametrize("n_new", [64, 96])
    def test_it_is_the_new_that_is_far_even_over_half_of_the_image(
        self, learnt: Detail, n_new: int
    ) -> None:
        image = cloth(7)
        usual = learnt(image, EVERYWHERE)[:, n_new + 8 :]
        image[:, :n_new] += np.array([60, 0, 20], np.uint8)
        distance = learnt(image, EVERYWHERE)
        # but for the reach of the averages
        new, rest = distance[:, : n_new - 8], distance[:, n_new + 8 :]
        assert new.min() > 10 * usual.max()
        np.testing.assert_allclose(
            np.quantile(rest, [0.5, 0.99]), np.quantile(usual, [0.5, 0.99]), rtol=0.2
        )

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
        described = describe(image, EVERYWHERE, learnt.colors).reshape(-1, 7)
        pixels = (described - learnt.mean) @ learnt.whiten
        covariance = np.cov(pixels.T)
        assert np.linalg.eigvalsh(covariance).max() <= 1
        # no correlation is left
        assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 0.01

    def test_every_cell_of_the_references_is_near_one_of_the_colours(self) -> None:
        images = [cloth(seed) for seed in range(2)]
        images[1][:, :40] = (200, 40, 40)
        colors = learn_detail(images, [EVERYWHERE] * 2, np.random.default_rng(0)).colors
        cells = np.concatenate([colors_of(lab_of(image)) for image in images])
        away = np.linalg.norm(cells[:, None] - colors, axis=2)
        assert len(colors) <= N_COLORS
        assert away.min(axis=1).max() < JUST_NOTICEABLE
        # and none is of a colour that no reference has
        assert away.min(axis=0).max() < JUST_NOTICEABLE

    @pytest.mark.parametrize("n_colors", [1, 2, 3])
    def test_references_of_few_colours(self, n_colors: int) -> None:
        image = np.full((*SIZE, 3), 90, np.uint8)
        for color in range(1, n_colors):
            image[:, 40 * color : 40 * color + 40] = 90 + 50 * color
        learnt = learn_detail([image] * 2, [EVERYWHERE] * 2, np.random.default_rng(0))
        assert len(learnt.colors) == n_colors
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
        np.testing.assert_allclose(one.colors, same.colors, atol=1e-3)
        np.testing.assert_allclose(one.mean, same.mean, atol=1e-3)
        np.testing.assert_allclose(one.whiten, same.whiten, rtol=1e-2, atol=1e-3)
