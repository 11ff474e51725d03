import numpy as np
import pytest

from engine.regions.canonical import MEASURES, N_TURNS, SIDE_PX, Views, cut
from features.region import Region

GROUND = (120, 110, 100)


def shown(mask: np.ndarray, color: tuple[int, int, int] = (60, 40, 50)) -> tuple:
    image = np.full((*mask.shape, 3), GROUND, np.uint8)
    image[mask] = color
    return image, Region.of(mask)


def bar(width: int, height: int, side: int = 256) -> np.ndarray:
    mask = np.zeros((side, side), dtype=bool)
    mask[60 : 60 + height, 40 : 40 + width] = True
    return mask


def measured(image: np.ndarray, region: Region) -> dict[str, float]:
    return dict(zip(MEASURES, cut(image, [region]).measures[0].tolist(), strict=True))


def one(image: np.ndarray, region: Region) -> Views:
    return cut(image, [region])


def test_each_view_is_the_one_before_turned_by_a_quarter() -> None:
    views = one(*shown(bar(60, 20)))
    assert views.pixels.shape == (1, N_TURNS, SIDE_PX, SIDE_PX, 4)
    for turn in range(1, N_TURNS):
        before, now = views.pixels[0, turn - 1], views.pixels[0, turn]
        np.testing.assert_array_equal(np.rot90(before), now)


def test_surroundings_do_not_differ_from_themselves() -> None:
    pixels = one(*shown(bar(60, 20))).pixels[0, 0]
    outside = pixels[pixels[..., 3] == 0]
    assert np.abs(outside[:, :3]).max() < 1e-3


def test_the_region_fills_two_thirds_of_the_square() -> None:
    mask = one(*shown(bar(60, 20))).pixels[0, 0, ..., 3]
    columns = np.flatnonzero((mask > 0.5).any(axis=0))
    assert columns[-1] - columns[0] + 1 == pytest.approx(SIDE_PX / 1.5, abs=1.5)


def test_size_is_taken_away_and_told_in_numbers() -> None:
    small, large = shown(bar(30, 12)), shown(bar(120, 48))
    assert np.abs(one(*small).pixels - one(*large).pixels).mean() < 0.03
    first, second = measured(*small), measured(*large)
    assert second["log_size"] - first["log_size"] == pytest.approx(np.log(4), abs=0.01)
    assert second["log_thickness"] - first["log_thickness"] == pytest.approx(np.log(4), abs=0.05)
    assert second["log_elongation"] == pytest.approx(first["log_elongation"], abs=0.05)


@pytest.mark.parametrize(("width", "height"), [(40, 40), (80, 20), (200, 4)])
def test_elongation_is_that_of_a_bar(width: int, height: int) -> None:
    found = measured(*shown(bar(width, height)))
    assert found["log_elongation"] == pytest.approx(np.log(width / height), abs=0.05)
    assert found["fill"] == 1
    assert found["solidity"] == pytest.approx(1, abs=0.02)


def test_contrast_has_a_sign_and_says_where() -> None:
    dark, bright = (measured(*shown(bar(40, 30), each)) for each in ((40,) * 3, (240,) * 3))
    assert dark["middle"] < dark["halo"] - 0.5 < bright["middle"] - 1
    assert bright["core"] > 1 > 0 > dark["core"]


def test_a_ring_is_less_solid_than_a_disc() -> None:
    y, x = np.indices((256, 256)) - 120
    disc, hole = x * x + y * y < 40**2, x * x + y * y < 25**2
    solid, hollow = measured(*shown(disc)), measured(*shown(disc & ~hole))
    assert hollow["solidity"] == pytest.approx(1 - 25**2 / 40**2, abs=0.05)
    assert solid["solidity"] > 0.95


def test_roughness_is_that_of_the_region_against_its_surroundings() -> None:
    image, region = shown(bar(60, 60))
    noise = np.random.default_rng(0).normal(0, 12, (60, 60, 1))
    rough = image.copy()
    rough[60:120, 40:100] = np.clip(rough[60:120, 40:100] + noise, 0, 255).astype(np.uint8)
    assert measured(rough, region)["log_fine"] > measured(image, region)["log_fine"] + 0.5


def test_beyond_the_border_nothing_differs() -> None:
    mask = np.zeros((128, 128), dtype=bool)
    mask[:20, :20] = True
    pixels = one(*shown(mask)).pixels[0, 0]
    np.testing.assert_allclose(pixels[:3, :3], 0, atol=1e-3)
