"""Clustering of unknown regions by density, for one name a group.

Regions of many images are clustered by HDBSCAN (Campello, Moulavi and Sander, 2013), which needs no
number of groups and leaves out what resembles nothing. As a distance is the probability that two
regions differ, one has a meaning of its own: regions that are connected by none below
``max_distance`` are told apart beforehand, and those of which no pair exceeds it are one group,
however few they are. Only what is neither is left to the densities, which part chains but see
groups within groups where there are few regions; these are united again if their members are more
likely the same than not (average linkage).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse.csgraph import connected_components

from engine.regions_config import GroupingConfig


def group(
    distance: Float[np.ndarray, "regions regions"], config: GroupingConfig | None = None
) -> list[Int[np.ndarray, " _"]]:
    """Give the groups of regions that look alike, the biggest first.

    ``distance`` is 1 - the probability that two regions are of one kind: symmetric, 0 … 1. Members
    are listed from the most central to the least; regions that resemble no other are in no group.
    The order of the regions does not matter.
    """
    config = config or GroupingConfig()
    if not len(distance):
        return []
    # ties between clusterings are resolved by position, which must come from the distances alone
    order = np.lexsort(np.sort(distance, axis=1).T[::-1])
    sorted_distance = distance[np.ix_(order, order)].astype(np.float64)
    groups = [
        order[_from_center(sorted_distance, members)]
        for alike in _connected(sorted_distance, config.max_distance)
        for members in _dense(sorted_distance, alike, config)
    ]
    return sorted(groups, key=lambda members: (-len(members), _spread(distance, members)))


def _connected(
    distance: Float[np.ndarray, "regions regions"], below: float
) -> list[Int[np.ndarray, " _"]]:
    n_groups, labels = connected_components(distance < below, directed=False)
    return [np.flatnonzero(labels == label) for label in range(n_groups)]


def _dense(
    distance: Float[np.ndarray, "regions regions"],
    members: Int[np.ndarray, " members"],
    config: GroupingConfig,
) -> list[Int[np.ndarray, " _"]]:
    """Part connected regions where they are sparse."""
    from sklearn.cluster import HDBSCAN

    if len(members) < config.min_members:
        return []
    own = distance[np.ix_(members, members)]
    if own.max() < config.max_distance:
        return [members]
    clustering = HDBSCAN(
        min_cluster_size=config.min_members,
        min_samples=min(2, len(members)),
        metric="precomputed",
        allow_single_cluster=bool(own.mean() < config.max_distance),
        copy=True,
    )
    labels = clustering.fit_predict(own)
    cores = [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]
    lone = list(np.flatnonzero(labels < 0)[:, None])
    return [
        members[indices]
        for indices in _merged(own, cores + lone, config.max_distance)
        if len(indices) >= config.min_members
    ]


def _merged(
    distance: Float[np.ndarray, "regions regions"],
    groups: list[Int[np.ndarray, " _"]],
    below: float,
) -> list[Int[np.ndarray, " _"]]:
    """Unite what is on average nearer than this, the nearest first."""
    sizes = np.array([len(members) for members in groups])
    owner = np.zeros((len(groups), len(distance)))
    for index, members in enumerate(groups):
        owner[index, members] = 1
    mean = owner @ distance @ owner.T / np.outer(sizes, sizes)
    np.fill_diagonal(mean, np.inf)
    while mean.min() < below:
        one, other = np.unravel_index(mean.argmin(), mean.shape)
        groups[one] = np.concatenate([groups[one], groups[other]])
        mean[one] = (sizes[one] * mean[one] + sizes[other] * mean[other]) / (
            sizes[one] + sizes[other]
        )
        mean[:, one], mean[one, one] = mean[one], np.inf
        mean[other], mean[:, other] = np.inf, np.inf
        sizes[one], groups[other] = sizes[one] + sizes[other], groups[other][:0]
    return groups


def _from_center(
    distance: Float[np.ndarray, "regions regions"], members: Int[np.ndarray, " members"]
) -> Int[np.ndarray, " members"]:
    mean = distance[np.ix_(members, members)].mean(axis=1)
    return members[np.argsort(mean, kind="stable")]


def _spread(
    distance: Float[np.ndarray, "regions regions"], members: Int[np.ndarray, " members"]
) -> float:
    return float(distance[np.ix_(members, members)].mean())
