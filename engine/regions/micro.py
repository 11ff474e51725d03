"""Which taught class does each cell of a region resemble, if any?

Step 1, micro: nearest neighbours among the taught tokens, with a reject option: a token is of a
class if it is clearly nearer to a token taught for it than to all that is normal (the ratio test of
Lowe, 2004). Step 2, multi-scale: the tokens of each scale vote on their own; how much they disagree
is the classification error, the generalised Jensen-Shannon divergence of the votes (Lin, 1991) as a
share of its largest possible value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

Tokens = Float32[np.ndarray, "scales tokens dim"]


@dataclass(frozen=True)
class MicroConfig:
    """When a token counts as one that was taught."""

    ratio: float = 0.75
    """Largest distance to a taught token, as a share of the distance to what is normal."""
    softness: float = 0.1
    """Change of that share which makes certain (e-fold) what was even."""
    n_neighbours: int = 3
    """Taught tokens of a class whose distances are averaged, where it has as many."""
    n_scales: int = 3
    """Scales that vote, from the finest on; those of ``engine.regions.tokens.WINDOWS``."""

    def problems(self) -> list[str]:
        """Name every value out of range."""
        found = []
        for name, low, high in (
            ("ratio", 0.01, 10),
            ("softness", 0.001, 10),
            ("n_neighbours", 1, 100),
            ("n_scales", 1, 3),
        ):
            if not low <= getattr(self, name) <= high:
                found.append(
                    f"regions.micro.{name} must lie in {low} … {high}, got {getattr(self, name)}"
                )
        return found


@dataclass(frozen=True)
class TokenBank:
    """All taught tokens with their classes, and tokens of normal cells, at each scale."""

    taught: Tokens
    class_of_token: Int[np.ndarray, " tokens"]
    n_classes: int
    normal: Float32[np.ndarray, "scales cells dim"]

    def votes(self, asked: Tokens, config: MicroConfig) -> Float[np.ndarray, "voting cells kinds"]:
        """Return the probability of each class, and of "unknown" at last, as each scale sees it."""
        return np.stack(
            [
                _votes(asked[s], self.taught[s], self.normal[s], self, config)
                for s in range(min(config.n_scales, len(asked)))
            ]
        )


def _votes(
    asked: Float32[np.ndarray, "cells dim"],
    taught: Float32[np.ndarray, "tokens dim"],
    normal: Float32[np.ndarray, "_ dim"],
    bank: TokenBank,
    config: MicroConfig,
) -> Float[np.ndarray, "cells kinds"]:
    to_taught = _distances(asked, taught)
    to_normal = np.maximum(_distances(asked, normal).min(axis=1), 1e-6)
    log_odds = np.zeros((len(asked), bank.n_classes + 1))
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
    asked: Float32[np.ndarray, "cells dim"], known: Float32[np.ndarray, "tokens dim"]
) -> Float32[np.ndarray, "cells tokens"]:
    squared = (
        np.einsum("cd,cd->c", asked, asked)[:, None]
        + np.einsum("td,td->t", known, known)
        - 2 * asked @ known.T
    )
    return np.asarray(np.sqrt(np.maximum(squared, 0)), dtype=np.float32)


def agreed(votes: Float[np.ndarray, "scales cells kinds"]) -> Float[np.ndarray, "cells kinds"]:
    """Return the mean vote of the scales."""
    return np.asarray(votes.mean(axis=0))


def disagreement(votes: Float[np.ndarray, "scales cells kinds"]) -> Float[np.ndarray, " cells"]:
    """Return how much the scales disagree, 0 (not at all) … 1 (each says something else)."""
    n_scales, _, n_kinds = votes.shape
    most = np.log(min(n_scales, n_kinds))
    if most == 0:
        return np.zeros(votes.shape[1])
    divergence = _entropy(votes.mean(axis=0)) - _entropy(votes).mean(axis=0)
    return np.asarray(np.clip(divergence / most, 0, 1))


def _entropy(shares: Float[np.ndarray, "*places kinds"]) -> Float[np.ndarray, "*places"]:
    return np.asarray(-(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=-1))
