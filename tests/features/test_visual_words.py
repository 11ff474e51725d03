from __future__ import annotations

import numpy as np
import pytest

from engine.benchmark.scenes import render
from features.palette import Palette, PaletteConfig
from features.pixels import resize

SIZE = (128, 192)
ALL = np.ones(SIZE, dtype=bool)
Box = tuple[int, int]  # top and left of a square of 24 pixels


def things(*reds: Box, blues: tuple[Box, ...] = (), seed: int = 0) -> np.ndarray:
    """Paint squares on a grey ground with a little noise."""
    rng = np.random.default_rng(seed)
    image = np.full((*SIZE, 3), 120.0)
    for color, boxes in (((200, 40, 40), reds), ((40, 60, 200), blues)):
        for top, left in boxes:
            image[top : top + 24, left : left + 24] = color
    return (image + rng.normal(0, 2, image.shape)).clip(0, 255).astype(np.uint8)


RED, BLUE = (16, 16), (80, 150)
REFERENCE = things(RED, blues=(BLUE,))


@pytest.fixture(scope="module")
def palette() -> Palette:
    return Palette(PaletteConfig()).fit([REFERENCE], [ALL])


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Share of the image whose word changed, in the mean over vocabularies."""
    return float(np.abs(one - other).sum(axis=1).mean() / 2)


class TestShares:
    def test_every_vocabulary_sums_to_one(self, palette: Palette) -> None:
        for image in (REFERENCE, things(), np.zeros((*SIZE, 3), dtype=np.uint8)):
            shares = palette(image, ALL)
            assert shares.shape == (PaletteConfig().n_vocabularies, PaletteConfig().n_words)
            np.testing.assert_allclose(shares.sum(axis=1), 1)
            assert (shares >= 0).all()

    def test_vocabularies_differ(self, palette: Palette) -> None:
        assert not np.array_equal(palette.words_[0], palette.words_[1])

    @pytest.mark.parametrize("category", ["meal", "bag"])
    def test_upside_down_is_the_same(self, category: str) -> None:
        image = resize(render(category, np.random.default_rng(0)).image, SIZE)
        fitted = Palette(PaletteConfig()).fit([image], [ALL])
        shares = fitted(image, ALL)
        for turned in (image[::-1, ::-1], image[:, ::-1]):
            assert distance(fitted(np.ascontiguousarray(turned), ALL), shares) < 0.005

    def test_place_does_not_matter(self, palette: Palette) -> None:
        here, there = palette(things(RED), ALL), palette(things((60, 90)), ALL)
        assert distance(here, there) < 0.01

    def test_twice_the_things_are_twice_the_share(self, palette: Palette) -> None:
        none, one, two = (palette(things(*boxes), ALL) for boxes in ((), (RED,), (RED, (60, 90))))
        first, both = one - none, two - none
        assert distance(one, none) > 0.02
        assert distance(both, 2 * first) < 0.1 * distance(two, none)

    def test_another_colour_of_the_same_amount_is_seen(self, palette: Palette) -> None:
        red, blue = palette(things(RED), ALL), palette(things(blues=(RED,)), ALL)
        assert distance(red, blue) > 0.02

    def test_light_hardly_matters(self, palette: Palette) -> None:
        shares = palette(REFERENCE, ALL)
        by_one_square = distance(palette(things(RED, (60, 90), blues=(BLUE,)), ALL), shares)
        for light in (0.9, 1.1, np.array([0.96, 1, 1.03])):
            changed = np.clip(REFERENCE * light, 0, 255).astype(np.uint8)
            assert distance(palette(changed, ALL), shares) < by_one_square / 2


class TestValidity:
    def test_only_valid_pixels_are_counted(self, palette: Palette) -> None:
        """What lies beyond the reach of the widest average changes nothing."""
        is_valid = ALL.copy()
        is_valid[:, 96:] = False
        near = things(RED)
        far = near.copy()
        far[:, 150:] = (40, 60, 200)
        np.testing.assert_array_equal(palette(near, is_valid), palette(far, is_valid))
        np.testing.assert_allclose(palette(near, is_valid).sum(axis=1), 1)

    def test_nothing_valid_counts_as_everything(self, palette: Palette) -> None:
        nothing = np.zeros(SIZE, dtype=bool)
        np.testing.assert_array_equal(palette(REFERENCE, nothing), palette(REFERENCE, ALL))


class TestFit:
    def test_twice_equals_once(self, palette: Palette) -> None:
        again = Palette(PaletteConfig()).fit([things()], [ALL]).fit([REFERENCE], [ALL])
        np.testing.assert_array_equal(again.words_, palette.words_)

    def test_the_seed_settles_the_words(self, palette: Palette) -> None:
        other = Palette(PaletteConfig(), seed=1).fit([REFERENCE], [ALL])
        assert not np.array_equal(other.words_, palette.words_)

    def test_restored_from_its_state(self, palette: Palette) -> None:
        restored = Palette(PaletteConfig()).restore(palette.state())
        np.testing.assert_array_equal(restored(things(), ALL), palette(things(), ALL))

    def test_fewer_looks_than_words(self) -> None:
        flat = np.full((*SIZE, 3), 80, dtype=np.uint8)
        fitted = Palette(PaletteConfig()).fit([flat], [ALL])
        assert np.isfinite(fitted.words_).all()
        np.testing.assert_array_equal(fitted(flat, ALL).max(axis=1), 1)
        np.testing.assert_allclose(fitted(REFERENCE, ALL).sum(axis=1), 1)


def test_config_names_its_problems() -> None:
    assert PaletteConfig().problems() == []
    assert PaletteConfig(n_words=1, n_vocabularies=0).problems() == [
        "palette.n_words must lie in 2 … 256, got 1",
        "palette.n_vocabularies must lie in 1 … 32, got 0",
    ]
