from __future__ import annotations

import numpy as np
import pytest

from engine.regions.decision import LEAST_DOUBT, best, pooled, token_shares


def test_odds_are_multiplied_by_weight() -> None:
    rng = np.random.default_rng(0)
    tokens, objects = rng.uniform(0.01, 0.99, (2, 6, 4))
    for weight in (0.0, 0.25, 0.9, 1.0):
        odds = (tokens / (1 - tokens)) ** (1 - weight) * (objects / (1 - objects)) ** weight
        np.testing.assert_allclose(pooled(tokens, objects, weight), odds / (1 + odds))


def test_opinions_that_agree_are_kept() -> None:
    shares = np.array([[0.2, 0.5, 0.97]])
    for weight in (0.0, 0.4, 1.0):
        np.testing.assert_allclose(pooled(shares, shares, weight), shares)


def test_a_weight_of_zero_or_one_hears_one_side_only() -> None:
    tokens, objects = np.array([[0.1, 0.8]]), np.array([[0.7, 0.3]])
    np.testing.assert_allclose(pooled(tokens, objects, 0), tokens)
    np.testing.assert_allclose(pooled(tokens, objects, 1), objects)


def test_opposite_certainties_cancel() -> None:
    even = pooled(np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]]), 0.5)
    np.testing.assert_allclose(even, 0.5)


def test_nothing_is_quite_certain() -> None:
    shares = np.array([[0.0, 1.0]])
    np.testing.assert_allclose(pooled(shares, shares, 0.5), [[LEAST_DOUBT, 1 - LEAST_DOUBT]])


def test_more_of_either_never_gives_less() -> None:
    share = np.linspace(0, 1, 21)[None]
    for fixed in (0.0, 0.3, 1.0):
        other = np.full_like(share, fixed)
        assert (np.diff(pooled(share, other, 0.6)) >= 0).all()
        assert (np.diff(pooled(other, share, 0.6)) >= 0).all()


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
