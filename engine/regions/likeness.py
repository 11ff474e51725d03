"""Which of the taught classes does a region look like, whatever they demand to be recognised?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from engine.regions.decision import pooled, token_shares
from engine.regions.embedding import classify
from engine.regions.library.records import RegionClass
from engine.regions.micro import agreed
from engine.regions.tokens import RegionTokens

if TYPE_CHECKING:
    from engine.regions.recogniser import Recogniser


@dataclass(frozen=True)
class Likeness:
    """How probable it is, 0 … 1, that a region is of a class, and its most similar example."""

    known: RegionClass
    probability: float
    example_id: int


def likenesses(
    recogniser: Recogniser, tokens: RegionTokens, views: Float32[np.ndarray, "1 views dim"]
) -> list[Likeness]:
    """Compare a described region with every class of the library, the likeliest first."""
    bank, config = recogniser.bank, recogniser.config
    if not len(bank):
        return []
    same = recogniser.embedder.same(views, bank.views)
    votes = agreed(bank.tokens.votes(tokens.tokens, config.micro))
    shares = pooled(
        token_shares(votes, np.zeros(len(votes), dtype=np.int64), 1),
        # as such, whatever a class demands
        classify(same, bank.class_of_example, len(bank.classes)),
        config.object_weight,
    )[0]
    found = []
    for index in np.argsort(-shares, kind="stable").tolist():
        own = np.flatnonzero(bank.class_of_example == index)
        nearest = int(bank.example_ids[own[same[0, own].argmax()]])
        found.append(Likeness(bank.classes[index], float(shares[index]), nearest))
    return found
