"""Region embedder, and classification by the examples of each class.

An embedder describes regions and says of two whether they are of one class. The taught examples of
a class speak for it together; how alike they are among themselves says how alike to them a region
must be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int

from engine.regions.siamese import Siamese
from engine.regions.similarity import probability
from features.images import Image
from features.region import Region

# log-odds by which an example must lag behind the best of its class to lose most of its say
LAG = 0.3
# a class is trusted to reach as far as its examples lie apart, times this
REACH = 2.0
# the reach that holds for every class counts as much as this many examples
PRIOR_EXAMPLES = 4
LEAST_REACH, MAX_REACH = 0.5, 1.5  # times the distance at which two regions are the same or not
# the more classes there are, the more easily something unknown resembles one of them: log-odds for
# each factor e; a fair bet among equally frequent classes would be 1, and refuse too much
COMPETITION = 0.25
# examples of a class that are compared among themselves; more tell little and cost their square
MAX_COMPARED = 64
_LEAST = np.float32(1e-6)  # probability; keeps its log-odds finite


@runtime_checkable
class RegionEmbedder(Protocol):
    """Describes regions of any size and compares them."""

    def describe(
        self, image: Image, regions: Sequence[Region]
    ) -> Float32[np.ndarray, "regions views dim"]:
        """Describe regions of one image; view 0 is as photographed, the others are turned."""

    def same(
        self,
        query: Float32[np.ndarray, "queries views dim"],
        taught: Float32[np.ndarray, "examples views dim"],
    ) -> Float32[np.ndarray, "queries examples"]:
        """Probability that they are of one class, 0 … 1; below 0.5 they are not."""

    def identity(self) -> dict[str, str]:
        """Name what must be the same for teaching and asking: embedder and hashes of weights."""


def default_embedder() -> RegionEmbedder:
    """Return the embedder that did best on classes of regions it had never seen.

    Area under the ROC curve over pairs: 0.93, without learnt weights 0.80 (``Arrangement``); fitted
    together they reach no more. The record beside the weights has all figures.
    """
    return Siamese()


def classify(
    same: Float32[np.ndarray, "queries examples"],
    class_of_example: Int[np.ndarray, " examples"],
    n_classes: int,
    demands: Float32[np.ndarray, " classes"] | None = None,
) -> Float32[np.ndarray, "queries classes"]:
    """Probability that a region is of each class, 0 … 1; none reaching 0.5 means unknown.

    ``demands`` are those of ``demands_of``. They decide whether the most probable class is
    accepted, never which one is the most probable. A class without examples has probability 0.
    """
    result = np.zeros((len(same), n_classes), np.float32)
    classes = np.unique(class_of_example)
    if not len(classes) or not len(same):
        return result
    log_odds = _log_odds(same)
    evidence = np.stack([_pool(log_odds[:, class_of_example == c]) for c in classes], axis=1)
    best = evidence.argmax(axis=1)
    highest = evidence[np.arange(len(same)), best]
    demanded = np.float32(0) if demands is None else demands[classes[best]]
    relative = probability(evidence) / probability(highest)[:, None]
    result[:, classes] = relative * probability(highest - demanded)[:, None]
    return result


def demands_of(
    embedder: RegionEmbedder,
    taught: Float32[np.ndarray, "examples views dim"],
    class_of_example: Int[np.ndarray, " examples"],
    n_classes: int,
) -> Float32[np.ndarray, " classes"]:
    """Log-odds that a region must exceed to be of each class; 0 where one example is all.

    Examples that are all alike raise what is demanded, a class of many looks lowers it.
    """
    result = np.zeros(n_classes, np.float32)
    classes = np.unique(class_of_example)
    for each in classes:
        examples = taught[class_of_example == each][-MAX_COMPARED:]
        result[each] = demand(embedder.same(examples, examples), len(classes))
    return result


def demand(same: Float32[np.ndarray, "examples examples"], n_classes: int) -> float:
    """Demand of one of so many classes, from how probably its examples are the same as each other.

    Distances are log-odds below those of an example and itself. The reach is the geometric mean of
    the usual one and those that the examples suggest, as with a log-normal prior on the reach.
    """
    log_odds = _log_odds(same)
    itself = float(np.diag(log_odds).mean())
    usual = max(itself - COMPETITION * math.log(n_classes), LEAST_REACH * itself)
    if len(same) == 1:
        return itself - usual
    np.fill_diagonal(log_odds, -np.inf)
    apart = np.maximum(itself - log_odds.max(axis=1), 0.02 * itself)
    suggested = np.log(REACH * apart)
    weight = PRIOR_EXAMPLES + len(same)
    reach = math.exp((PRIOR_EXAMPLES * math.log(usual) + float(suggested.sum())) / weight)
    return itself - min(reach, MAX_REACH * itself)


def _pool(log_odds: Float32[np.ndarray, "queries examples"]) -> Float32[np.ndarray, " queries"]:
    """Soft maximum: one example of many looks is enough, but a second one like it helps."""
    highest = log_odds.max(axis=1)
    share = np.exp((log_odds - highest[:, None]) / LAG).mean(axis=1)
    return np.asarray(highest + LAG * np.log(share), np.float32)


def _log_odds(share: Float32[np.ndarray, "*axes"]) -> Float32[np.ndarray, "*axes"]:
    clipped = np.clip(share, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(clipped / (1 - clipped)), np.float32)
