"""Token classifier: nearest neighbours with a reject option, pooled over a region.

Step 1, micro: nearest neighbours among the taught tokens, with a reject option: a token is of a
class if it is clearly nearer to a token taught for it than to all that is normal (the ratio test of
Lowe, 2004). Step 2, multi-scale: the tokens of each scale vote on their own; how much they disagree
is the classification error, the generalised Jensen-Shannon divergence of the votes (Lin, 1991) as a
share of its largest possible value.

The class probabilities that a region's tokens and the region as a whole give are pooled: their
log-odds are averaged by weight, as in a logarithmic opinion pool (Genest and Zidek, 1986), to find
the likeliest class. A region for which even that is not likely enough is unknown.

The labels of a vote are the classes, and "unknown" at last.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

from engine.regions_config import MicroConfig

Tokens = Float32[np.ndarray, "scales tokens dim"]

# nothing is more certain than a thousand to one
LEAST_DOUBT = 1e-3

Shares = Float[np.ndarray, "regions classes"]


@dataclass(frozen=True)
class TokenBank:
    """All taught tokens with their classes, and tokens of normal cells, at each scale."""

    taught: Tokens
    class_of_token: Int[np.ndarray, " tokens"]
    n_classes: int
    normal: Float32[np.ndarray, "scales cells dim"]

    def votes(self, query: Tokens, config: MicroConfig) -> Float[np.ndarray, "voting cells labels"]:
        """Return the probability of each class, and of "unknown" at last, as each scale sees it."""
        return np.stack(
            [
                _votes(query[s], self.taught[s], self.normal[s], self, config)
                for s in range(min(config.n_scales, len(query)))
            ]
        )


def _votes(
    query: Float32[np.ndarray, "cells dim"],
    taught: Float32[np.ndarray, "tokens dim"],
    normal: Float32[np.ndarray, "_ dim"],
    bank: TokenBank,
    config: MicroConfig,
) -> Float[np.ndarray, "cells labels"]:
    to_taught = _distances(query, taught)
    to_normal = np.maximum(_distances(query, normal).min(axis=1), 1e-6)
    log_odds = np.zeros((len(query), bank.n_classes + 1))
    for class_id in range(bank.n_classes):
        own = to_taught[:, bank.class_of_token == class_id]
        n_nearest = min(config.n_neighbours, own.shape[1])
        if not n_nearest:
            log_odds[:, class_id] = -np.inf
            continue
        nearest = np.partition(own, n_nearest - 1, axis=1)[:, :n_nearest].mean(axis=1)
        log_odds[:, class_id] = (config.ratio - nearest / to_normal) / config.softness
    odds = np.exp(log_odds - log_odds.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def _distances(
    query: Float32[np.ndarray, "cells dim"], known: Float32[np.ndarray, "tokens dim"]
) -> Float32[np.ndarray, "cells tokens"]:
    squared = (
        np.einsum("cd,cd->c", query, query)[:, None]
        + np.einsum("td,td->t", known, known)
        - 2 * query @ known.T
    )
    return np.asarray(np.sqrt(np.maximum(squared, 0)), dtype=np.float32)


def agreed(votes: Float[np.ndarray, "scales cells labels"]) -> Float[np.ndarray, "cells labels"]:
    """Return the mean vote of the scales."""
    return np.asarray(votes.mean(axis=0))


def disagreement(votes: Float[np.ndarray, "scales cells labels"]) -> Float[np.ndarray, " cells"]:
    """Return how much the scales disagree, 0 (not at all) … 1 (each says something else)."""
    n_scales, _, n_labels = votes.shape
    most = np.log(min(n_scales, n_labels))
    if most == 0:
        return np.zeros(votes.shape[1])
    divergence = _entropy(votes.mean(axis=0)) - _entropy(votes).mean(axis=0)
    return np.asarray(np.clip(divergence / most, 0, 1))


def _entropy(shares: Float[np.ndarray, "*places labels"]) -> Float[np.ndarray, "*places"]:
    return np.asarray(-(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=-1))


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
    votes: Float[np.ndarray, "cells labels"], region_of_cell: Int[np.ndarray, " cells"], n: int
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
