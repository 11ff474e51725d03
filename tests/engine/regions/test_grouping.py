from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from engine.regions.grouping import group
from engine.regions_config import GroupingConfig
from features.config_fields import problems_of


def planted(
    kinds: list[int], rng: np.random.Generator, *, same: float = 0.2, other: float = 0.85
) -> np.ndarray:
    """Distances of regions of these kinds; those of kind -1 resemble nothing."""
    kind = np.array(kinds)
    is_same = (kind[:, None] == kind) & (kind >= 0)
    noise = np.triu(rng.normal(0, 0.06, is_same.shape), 1)
    distance = np.clip(np.where(is_same, same, other) + noise + noise.T, 0, 1)
    np.fill_diagonal(distance, 0)
    return distance


def as_sets(groups: list[np.ndarray]) -> list[set[int]]:
    return [set(members.tolist()) for members in groups]


@pytest.mark.parametrize("seed", range(5))
def test_planted_groups_are_found_the_biggest_first(seed: int) -> None:
    kinds = [0] * 5 + [1] * 12 + [2] * 8 + [-1] * 6
    groups = group(planted(kinds, np.random.default_rng(seed)))
    assert as_sets(groups) == [set(range(5, 17)), set(range(17, 25)), set(range(5))]


@pytest.mark.parametrize("seed", range(5))
def test_groups_that_a_chain_connects_come_apart(seed: int) -> None:
    kinds = [0] * 10 + [1] * 10
    distance = planted(kinds, np.random.default_rng(seed))
    # one region of either group could be one of the other
    distance[9, 10] = distance[10, 9] = 0.45
    assert sorted(map(sorted, group(distance))) == [list(range(10)), list(range(10, 20))]


def test_order_of_the_regions_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    distance = planted([0] * 9 + [1] * 7 + [2] * 3 + [-1] * 4, rng, same=0.3, other=0.6)
    expected = as_sets(group(distance))
    assert expected
    for _ in range(10):
        order = rng.permutation(len(distance))
        groups = group(distance[np.ix_(order, order)])
        assert [set(order[members].tolist()) for members in groups] == expected


def test_the_most_central_comes_first() -> None:
    place = np.array([0.0, 0.1, 0.2, 0.3, 0.4])
    distance = np.abs(place[:, None] - place)
    (members,) = group(distance)
    mean = distance.mean(axis=1)[members]
    assert members[0] == 2
    assert (np.diff(mean) >= -1e-12).all()


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([], []),
        ([0], []),
        ([0, 0], [{0, 1}]),
        ([-1, -1], []),
        ([0, 0, -1], [{0, 1}]),
        ([0, 0, 0], [{0, 1, 2}]),
        ([-1, -1, -1], []),
        ([0, 0, 0, 1, 1], [{0, 1, 2}, {3, 4}]),
        ([-1, 0, -1, 0, -1], [{1, 3}]),
    ],
)
def test_a_few_regions_are_enough(kinds: list[int], expected: list[set[int]]) -> None:
    distance = planted(kinds, np.random.default_rng(1)).reshape(len(kinds), len(kinds))
    assert as_sets(group(distance)) == expected


def test_identical_regions_are_one_group() -> None:
    assert as_sets(group(np.zeros((7, 7)))) == [set(range(7))]
    assert group(1 - np.eye(7)) == []


def test_groups_may_be_asked_to_be_larger() -> None:
    distance = planted([0, 0, 1, 1, 1], np.random.default_rng(0))
    assert as_sets(group(distance, GroupingConfig(min_members=3))) == [{2, 3, 4}]


def test_values_out_of_range_are_named() -> None:
    assert problems_of(GroupingConfig(), "regions.grouping") == []
    assert problems_of(GroupingConfig(min_members=1, max_distance=0), "regions.grouping") == [
        "regions.grouping.min_members must lie in 2 … 1000, got 1",
        "regions.grouping.max_distance must lie in 0.01 … 1, got 0",
    ]


def test_the_clustering_library_is_loaded_when_needed_only() -> None:
    code = "import sys, engine.regions.grouping; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
