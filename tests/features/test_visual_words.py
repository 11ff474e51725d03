from __future__ import annotations

import numpy as np
import pytest

from engine.synthetic.scenes import render
from features.config_fields import problems_of
from features.images import resize
from features.visual_words import VisualWords, VisualWordsConfig

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
def visual_words() -> VisualWords:
    return VisualWords(VisualWordsConfig()).fit([REFERENCE], [ALL])


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Share of the image whose word changed, in the mean over vocabularies."""
    return float(np.abs(one - other).sum(axis=1).mean() / 2)


class TestShares:
    def test_every_vocabulary_sums_to_one(self, visual_words: VisualWords) -> None:
        for image in (REFERENCE, things(), np.zeros((*SIZE, 3), dtype=np.uint8)):
            shares = visual_words(image, ALL)
            assert shares.shape == (VisualWordsConfig().n_vocabularies, VisualWordsConfig().n_words)
            np.testing.assert_allclose(shares.sum(axis=1), 1)
            assert (shares >= 0).all()

    def test_vocabularies_differ(self, visual_words: VisualWords) -> None:
        assert not np.array_equal(visual_words.words_[0], visual_words.words_[1])

    @pytest.mark.parametrize("category", ["meal", "bag"])
    def test_upside_down_is_the_same(self, category: str) -> None:
        image = resize(render(category, np.random.default_rng(0)).image, SIZE)
        fitted = VisualWords(VisualWordsConfig()).fit([image], [ALL])
        shares = fitted(image, ALL)
        for turned in (image[::-1, ::-1], image[:, ::-1]):
            assert distance(fitted(np.ascontiguousarray(turned), ALL), shares) < 0.005

    def test_place_does_not_matter(self, visual_words: VisualWords) -> None:
        here, there = visual_words(things(RED), ALL), visual_words(things((60, 90)), ALL)
        assert distance(here, there) < 0.01

    def test_twice_the_things_are_twice_the_share(self, visual_words: VisualWords) -> None:
        none, one, two = (
            visual_words(things(*boxes), ALL) for boxes in ((), (RED,), (RED, (60, 90)))
        )
        first, both = one - none, two - none
        assert distance(one, none) > 0.02
        assert distance(both, 2 * first) < 0.1 * distance(two, none)

    def test_another_colour_of_the_same_amount_is_seen(self, visual_words: VisualWords) -> None:
        red, blue = visual_words(things(RED), ALL), visual_words(things(blues=(RED,)), ALL)
        assert distance(red, blue) > 0.02

    def test_light_hardly_matters(self, visual_words: VisualWords) -> None:
        shares = visual_words(REFERENCE, ALL)
        by_one_square = distance(visual_words(things(RED, (60, 90), blues=(BLUE,)), ALL), shares)
        for light in (0.9, 1.1, np.array([0.96, 1, 1.03])):
            changed = np.clip(REFERENCE * light, 0, 255).astype(np.uint8)
            assert distance(visual_words(changed, ALL), shares) < by_one_square / 2


class TestValidity:
    def test_only_valid_pixels_are_counted(self, visual_words: VisualWords) -> None:
        """What lies beyond the reach of the widest average changes nothing."""
        is_valid = ALL.copy()
        is_valid[:, 96:] = False
        near = things(RED)
        far = near.copy()
        far[:, 150:] = (40, 60, 200)
        np.testing.assert_array_equal(visual_words(near, is_valid), visual_words(far, is_valid))
        np.testing.assert_allclose(visual_words(near, is_valid).sum(axis=1), 1)

    def test_nothing_valid_counts_as_everything(self, visual_words: VisualWords) -> None:
        nothing = np.zeros(SIZE, dtype=bool)
        np.testing.assert_array_equal(
            visual_words(REFERENCE, nothing), visual_words(REFERENCE, ALL)
        )


class TestFit:
    def test_twice_equals_once(self, visual_words: VisualWords) -> None:
        again = VisualWords(VisualWordsConfig()).fit([things()], [ALL]).fit([REFERENCE], [ALL])
        np.testing.assert_array_equal(again.words_, visual_words.words_)

    def test_the_seed_settles_the_words(self, visual_words: VisualWords) -> None:
        other = VisualWords(VisualWordsConfig(), seed=1).fit([REFERENCE], [ALL])
        assert not np.array_equal(other.words_, visual_words.words_)

    def test_restored_from_its_state(self, visual_words: VisualWords) -> None:
        restored = VisualWords(VisualWordsConfig()).restore(visual_words.state())
        np.testing.assert_array_equal(restored(things(), ALL), visual_words(things(), ALL))

    def test_fewer_looks_than_words(self) -> None:
        flat = np.full((*SIZE, 3), 80, dtype=np.uint8)
        fitted = VisualWords(VisualWordsConfig()).fit([flat], [ALL])
        assert np.isfinite(fitted.words_).all()
        np.testing.assert_array_equal(fitted(flat, ALL).max(axis=1), 1)
        np.testing.assert_allclose(fitted(REFERENCE, ALL).sum(axis=1), 1)


def test_config_names_its_problems() -> None:
    assert problems_of(VisualWordsConfig(), "visual_words") == []
    assert problems_of(VisualWordsConfig(n_words=1, n_vocabularies=0), "visual_words") == [
        "visual_words.n_words must lie in 2 … 256, got 1",
        "visual_words.n_vocabularies must lie in 1 … 32, got 0",
    ]
