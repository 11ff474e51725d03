from __future__ import annotations

import numpy as np
import pytest

from engine.regions.token_classifier import LEAST_DOUBT, best, pooled, token_shares


def joint(tokens: np.ndarray, objects: np.ndarray, weight: float) -> np.ndarray:
    """Multiply odds, naively."""
    odds = (tokens / (1 - tokens)) ** (1 - weight) * (objects / (1 - objects)) ** weight
    return odds / (1 + odds)


@pytest.mark.parametrize("weight", [0.25, 0.9, 1.0])
def test_both_say_which_and_the_object_how_likely(weight: float) -> None:
    rng = np.random.default_rng(0)
    tokens, objects = rng.uniform(0.01, 0.99, (2, 40, 4))
    found, both = pooled(tokens, objects, weight), joint(tokens, objects, weight)
    likeliest = both.argmax(axis=1)
    np.testing.assert_array_equal(found.argmax(axis=1), likeliest)
    for region, best_class in enumerate(likeliest):
        assert found[region, best_class] == pytest.approx(objects[region, best_class])
        # the others behind it, as far as both say
        expected = both[region] / both[region, best_class]
        np.testing.assert_allclose(found[region] / found[region, best_class], expected)


def test_opinions_that_agree_are_kept() -> None:
    shares = np.array([[0.2, 0.5, 0.97]])
    for weight in (0.0, 0.4, 1.0):
        np.testing.assert_allclose(pooled(shares, shares, weight), shares)


def test_a_weight_of_zero_or_one_hears_one_side_only() -> None:
    tokens, objects = np.array([[0.1, 0.8]]), np.array([[0.7, 0.3]])
    np.testing.assert_allclose(pooled(tokens, objects, 0), tokens)
    np.testing.assert_allclose(pooled(tokens, objects, 1), objects)


def test_tokens_alone_make_nothing_likely() -> None:
    certain, doubtful = np.array([[1.0, 0.0]]), np.array([[0.3, 0.2]])
    assert pooled(certain, doubtful, 0.9).max() == pytest.approx(0.3)


def test_tokens_decide_between_classes_that_look_alike() -> None:
    objects = np.array([[0.80, 0.78]])
    assert pooled(np.array([[0.1, 0.9]]), objects, 0.9).argmax() == 1
    assert pooled(np.array([[0.9, 0.1]]), objects, 0.9).argmax() == 0


def test_no_certainty_outweighs_all_else() -> None:
    # tokens are heard as no more certain than a thousand to one
    sure, objects = np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])
    limited = np.array([[LEAST_DOUBT, 1 - LEAST_DOUBT]])
    np.testing.assert_allclose(pooled(sure, objects, 0.9), pooled(limited, objects, 0.9))


def test_without_classes_there_is_nothing_to_pool() -> None:
    assert pooled(np.zeros((3, 0)), np.zeros((3, 0)), 0.9).shape == (3, 0)


def test_the_shares_of_a_region_are_the_mean_of_its_cells() -> None:
    rng = np.random.default_rng(1)
    votes = rng.dirichlet(np.ones(4), size=30)
    region_of_cell = rng.permutation(np.arange(30) % 4)
    region_of_cell[region_of_cell == 2] = 4
    shares = token_shares(votes, region_of_cell, 6)
    assert shares.shape == (6, 3)
    for region in (0, 1, 3, 4):
        np.testing.assert_allclose(
            shares[region], votes[region_of_cell == region].mean(axis=0)[:-1]
        )
    # of regions without a cell nothing is known
    assert (shares[[2, 5]] == 0.5).all()


def test_nothing_asked_nothing_said() -> None:
    assert token_shares(np.zeros((0, 3)), np.zeros(0, dtype=np.int64), 0).shape == (0, 2)


def test_the_best_class_needs_enough() -> None:
    shares = np.array([0.1, 0.6, 0.55])
    assert best(shares, np.array([0.5, 0.5, 0.5])) == (1, pytest.approx(0.6))
    assert best(shares, np.array([0.5, 0.6, 0.5])) == (1, pytest.approx(0.6))
    # only the likeliest class is asked, whatever the others would need
    assert best(shares, np.array([0.0, 0.61, 0.0])) == (-1, pytest.approx(0.4))


def test_without_classes_everything_is_unknown() -> None:
    assert best(np.zeros(0), np.zeros(0)) == (-1, 1.0)


def test_even_classes_are_told_apart_by_their_order() -> None:
    assert best(np.array([0.7, 0.7]), np.array([0.5, 0.5]))[0] == 0
