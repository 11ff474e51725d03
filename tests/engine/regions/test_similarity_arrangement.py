import numpy as np
import pytest
from jaxtyping import TypeCheckError

from engine.regions.similarity import Arrangement
from features.region import Region

GROUND, SPOT, GLOW = (120, 110, 100), (60, 40, 50), (230, 220, 190)


def picture(color: tuple[int, int, int], shape: np.ndarray, at: tuple[int, int]) -> tuple:
    """A plain ground with a shape on it, and the shape's region."""
    image = np.full((256, 256, 3), GROUND, np.uint8)
    mask = np.zeros((256, 256), dtype=bool)
    mask[at[1] : at[1] + shape.shape[0], at[0] : at[0] + shape.shape[1]] = shape
    image[mask] = color
    return image, Region.of(mask)


def disc(radius: int) -> np.ndarray:
    y, x = np.indices((2 * radius + 1, 2 * radius + 1)) - radius
    return x * x + y * y <= radius * radius


def hook() -> np.ndarray:
    shape = np.zeros((40, 30), dtype=bool)
    shape[:, :8] = shape[-8:] = True
    return shape


def same(first: tuple, second: tuple) -> float:
    embedder = Arrangement()
    asked, taught = (embedder.describe(image, [region]) for image, region in (first, second))
    return float(embedder.same(asked, taught)[0, 0])


def test_a_region_is_the_same_as_itself() -> None:
    shown = picture(SPOT, disc(12), (50, 60))
    assert same(shown, shown) > 0.75


def test_place_does_not_matter() -> None:
    here, there = picture(SPOT, hook(), (60, 70)), picture(SPOT, hook(), (150, 140))
    assert same(here, there) == pytest.approx(same(here, here), abs=1e-3)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_photograph_shows_the_same(quarters: int) -> None:
    image, region = picture(SPOT, hook(), (100, 90))
    turned = np.ascontiguousarray(np.rot90(image, quarters))
    whole = np.ascontiguousarray(np.rot90(region.over((256, 256)), quarters))
    itself = same((image, region), (image, region))
    assert same((image, region), (turned, Region.of(whole))) == pytest.approx(itself, abs=0.02)


def test_dark_and_bright_are_told_apart() -> None:
    dark, other = picture(SPOT, disc(12), (50, 60)), picture(SPOT, disc(14), (90, 40))
    bright = picture(GLOW, disc(12), (50, 60))
    assert same(dark, other) > 0.5 > same(dark, bright)


def test_a_line_and_a_disc_are_told_apart() -> None:
    line = picture(SPOT, np.ones((3, 200), dtype=bool), (20, 100))
    assert same(line, picture(SPOT, disc(15), (80, 80))) < 0.5


def test_a_little_larger_is_still_the_same() -> None:
    assert same(picture(SPOT, disc(20), (50, 60)), picture(SPOT, disc(24), (90, 40))) > 0.6


@pytest.mark.parametrize(
    "box", [(0, 0, 6, 6), (250, 250, 256, 256), (0, 100, 256, 103), (0, 0, 256, 256), (5, 5, 6, 6)]
)
def test_regions_of_any_size_and_place_are_described(box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    image = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    region = Region(box, np.ones((bottom - top, right - left), dtype=bool))
    rows = Arrangement().describe(image, [region, region])
    assert rows.shape[0] == 2
    assert np.isfinite(rows).all()
    np.testing.assert_array_equal(rows[0], rows[1])


def test_no_regions_give_no_rows() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    embedder = Arrangement()
    nothing = embedder.describe(image, [])
    assert nothing.shape[0] == 0
    assert embedder.same(nothing, nothing).shape == (0, 0)


def test_an_image_of_floats_is_refused() -> None:
    with pytest.raises(TypeCheckError):
        Arrangement().describe(np.zeros((32, 32, 3)), [])
