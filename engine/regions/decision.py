"""Of which class is a region, if its tokens say one thing and its whole another?

Both are probabilities; their log-odds are averaged by weight, as in a logarithmic opinion pool
(Genest and Zidek, 1986), to find the likeliest class. A region for which even that is not likely
enough is unknown.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

# nothing is more certain than a thousand to one
LEAST_DOUBT = 1e-3

Shares = Float[np.ndarray, "regions classes"]


def pooled(by_tokens: Shares, by_object: Shares, object_weight: float) -> Shares:
    """Return how probable each class is for each region, 0 … 1, on its own.

    Both together say which class is the likeliest; how likely it is, the whole object says, unless
    it has no weight at all: tokens of a thing in another colour are like nothing that was taught.
    """
    if object_weight == 0 or not by_object.size:
        return by_tokens
    log_odds = (1 - object_weight) * _logit(by_tokens) + object_weight * _logit(by_object)
    joint = 1 / (1 + np.exp(-log_odds))
    likeliest = joint.argmax(axis=1)[:, None]
    relative = joint / np.take_along_axis(joint, likeliest, axis=1)
    return np.asarray(relative * np.take_along_axis(by_object, likeliest, axis=1))


def token_shares(
    votes: Float[np.ndarray, "cells kinds"], region_of_cell: Int[np.ndarray, " cells"], n: int
) -> Shares:
    """Average the votes of each region's cells; even odds for a region without a cell."""
    counts = np.bincount(region_of_cell, minlength=n)
    sums = np.zeros((n, votes.shape[1]))
    np.add.at(sums, region_of_cell, votes)
    mean = sums / np.maximum(counts, 1)[:, None]
    return np.where(counts[:, None] > 0, mean, 0.5)[:, :-1]


def best(
    probabilities: Float[np.ndarray, " classes"], above: Float[np.ndarray, " classes"]
) -> tuple[int, float]:
    """Return the likeliest class and its probability, if it is at least that of ``above``.

    Else -1, and the probability of being none of them.
    """
    if not len(probabilities):
        return -1, 1.0
    index = int(np.argmax(probabilities))
    if probabilities[index] >= above[index]:
        return index, float(probabilities[index])
    return -1, float(1 - probabilities[index])


def _logit(share: Shares) -> Shares:
    clipped = np.clip(share, LEAST_DOUBT, 1 - LEAST_DOUBT)
    return np.asarray(np.log(clipped / (1 - clipped)))
