from __future__ import annotations

import numpy as np
import pytest

from engine.regions.token_classifier import TokenBank, agreed, disagreement
from engine.regions_config import MicroConfig
from features.config_fields import problems_of


def bank_of(taught: list[float], classes: list[int], n_classes: int, normal: float) -> TokenBank:
    """Tokens at these places of one axis, alike at three scales."""
    return TokenBank(
        np.tile(np.array(taught, dtype=np.float32)[:, None], (3, 1, 1)),
        np.array(classes, dtype=np.int64),
        n_classes,
        np.full((3, 1, 1), normal, dtype=np.float32),
    )


def asked_at(*places: float) -> np.ndarray:
    return np.tile(np.array(places, dtype=np.float32)[:, None], (3, 1, 1))


def naive_votes(asked: np.ndarray, bank: TokenBank, config: MicroConfig) -> np.ndarray:
    """One cell, one scale and one class after the other."""
    votes = np.zeros((*asked.shape[:2], bank.n_classes + 1))
    for scale, cell in np.ndindex(asked.shape[:2]):
        token = asked[scale, cell]
        to_normal = min(np.linalg.norm(token - each) for each in bank.normal[scale])
        weights = []
        for class_id in range(bank.n_classes):
            own = bank.taught[scale][bank.class_of_token == class_id]
            nearest = sorted(np.linalg.norm(token - each) for each in own)[: config.n_neighbours]
            share = np.mean(nearest) / to_normal
            weights.append(np.exp((config.ratio - share) / config.softness))
        weights.append(1.0)
        votes[scale, cell] = np.array(weights) / sum(weights)
    return votes


@pytest.mark.parametrize("n_neighbours", [1, 3, 50])
def test_votes_are_those_of_the_naive_rule(n_neighbours: int) -> None:
    rng = np.random.default_rng(n_neighbours)
    taught, normal, asked = (rng.normal(size=(3, n, 8)).astype(np.float32) for n in (40, 25, 12))
    bank = TokenBank(taught, rng.integers(0, 4, 40), 4, normal)
    config = MicroConfig(n_neighbours=n_neighbours)
    votes = bank.votes(asked, config)
    np.testing.assert_allclose(votes, naive_votes(asked, bank, config), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(votes.sum(axis=-1), 1)


class TestRatio:
    CONFIG = MicroConfig(ratio=0.5, softness=0.1, n_neighbours=1)

    def test_at_the_ratio_a_class_is_as_good_as_none(self) -> None:
        # 1 from what was taught, 2 from what is normal
        votes = bank_of([0], [0], 1, normal=3).votes(asked_at(1), self.CONFIG)
        np.testing.assert_allclose(votes, 0.5, atol=1e-5)

    def test_softness_is_the_step_of_a_factor_e(self) -> None:
        votes = bank_of([0], [0], 1, normal=10).votes(asked_at(4), self.CONFIG)
        # 4 from what was taught, 6 from what is normal
        odds = np.exp((0.5 - 4 / 6) / 0.1)
        np.testing.assert_allclose(votes[..., 0] / votes[..., 1], odds, rtol=1e-4)

    def test_what_was_taught_is_recognised_and_what_is_normal_is_not(self) -> None:
        taught, normal = bank_of([0], [0], 1, normal=3).votes(asked_at(0, 3), self.CONFIG)[0]
        assert taught[0] > 0.99
        assert normal[0] < 0.01

    def test_what_is_far_from_everything_is_unknown(self) -> None:
        votes = bank_of([0], [0], 1, normal=3).votes(asked_at(1000), self.CONFIG)
        assert (votes[..., -1] > 0.98).all()

    def test_two_classes_that_are_equally_near_share(self) -> None:
        votes = bank_of([-1, 1], [0, 1], 2, normal=50).votes(asked_at(0), self.CONFIG)
        np.testing.assert_allclose(votes[..., 0], votes[..., 1])
        assert (votes[..., 2] < 0.02).all()


def test_a_class_without_tokens_gets_no_vote() -> None:
    votes = bank_of([0], [1], 3, normal=5).votes(asked_at(0, 4), MicroConfig())
    assert (votes[..., [0, 2]] == 0).all()
    np.testing.assert_allclose(votes.sum(axis=-1), 1)


def test_without_classes_all_votes_are_for_unknown() -> None:
    empty = TokenBank(
        np.zeros((3, 0, 1), np.float32), np.zeros(0, np.int64), 0, np.ones((3, 1, 1), np.float32)
    )
    assert (empty.votes(asked_at(0, 1, 2), MicroConfig()) == 1).all()


@pytest.mark.parametrize("n_scales", [1, 2, 3])
def test_fewer_scales_may_vote_the_finest_first(n_scales: int) -> None:
    rng = np.random.default_rng(3)
    taught, asked = (rng.normal(size=(3, n, 4)).astype(np.float32) for n in (9, 6))
    bank = TokenBank(taught, rng.integers(0, 2, 9), 2, taught[:, :3] + 1)
    some = bank.votes(asked, MicroConfig(n_scales=n_scales))
    np.testing.assert_array_equal(some, bank.votes(asked, MicroConfig())[:n_scales])


def test_no_cells_no_votes() -> None:
    votes = bank_of([0], [0], 1, normal=5).votes(asked_at(), MicroConfig())
    assert votes.shape == (3, 0, 2)
    assert agreed(votes).shape == (0, 2)
    assert disagreement(votes).shape == (0,)


def test_the_order_of_the_lessons_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    taught, asked = (rng.normal(size=(3, n, 4)).astype(np.float32) for n in (20, 6))
    classes, order = rng.integers(0, 3, 20), rng.permutation(20)
    normal = rng.normal(size=(3, 5, 4)).astype(np.float32)
    one = TokenBank(taught, classes, 3, normal).votes(asked, MicroConfig())
    other = TokenBank(taught[:, order], classes[order], 3, normal).votes(asked, MicroConfig())
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-7)


class TestDisagreement:
    def test_none_where_all_scales_say_the_same(self) -> None:
        votes = np.random.default_rng(0).dirichlet(np.ones(5), size=7)
        np.testing.assert_allclose(disagreement(np.stack([votes] * 3)), 0, atol=1e-9)

    def test_all_of_it_where_each_is_certain_of_something_else(self) -> None:
        votes = np.eye(4)[[0, 1, 2]][:, None]
        np.testing.assert_allclose(disagreement(votes), 1)

    def test_in_between_it_is_the_divergence_of_lin(self) -> None:
        votes = np.random.default_rng(1).dirichlet(np.ones(4), size=(3, 9))
        mean = votes.mean(axis=0)
        # mean Kullback-Leibler divergence from the mean
        expected = (votes * np.log(votes / mean)).sum(axis=-1).mean(axis=0) / np.log(3)
        np.testing.assert_allclose(disagreement(votes), expected)

    def test_two_kinds_reach_their_most_at_a_tie(self) -> None:
        two = disagreement(np.eye(2)[[0, 1]][:, None])
        np.testing.assert_allclose(two, 1)

    def test_one_kind_cannot_be_disputed(self) -> None:
        assert (disagreement(np.ones((3, 4, 1))) == 0).all()

    def test_the_mean_vote_is_what_is_agreed(self) -> None:
        votes = np.random.default_rng(3).dirichlet(np.ones(4), size=(3, 5))
        np.testing.assert_allclose(agreed(votes), sum(votes) / 3)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (MicroConfig(ratio=0), "regions.micro.ratio must lie in 0.01 … 10, got 0"),
        (MicroConfig(softness=0), "regions.micro.softness must lie in 0.001 … 10, got 0"),
        (MicroConfig(n_neighbours=0), "regions.micro.n_neighbours must lie in 1 … 100, got 0"),
        (MicroConfig(n_scales=4), "regions.micro.n_scales must lie in 1 … 3, got 4"),
    ],
)
def test_settings_out_of_range(config: MicroConfig, problem: str) -> None:
    assert problems_of(config, "regions.micro") == [problem]
    assert problems_of(MicroConfig(), "regions.micro") == []
