"""Memory bank of the taught region classes and their examples' descriptors.

Examples keep their descriptors in the units of the backbone, not in those that a model has learnt
from its references: so they outlive a new fit, and only another backbone makes them useless.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Float32, Int

from alignment.sample import Sample
from engine.library.errors import LibraryError
from engine.library.records import Features, RegionClass
from engine.regions.embedding import RegionEmbedder, demands_of
from engine.regions.token_classifier import LEAST_DOUBT, TokenBank
from engine.regions.tokens import WINDOWS, windowed
from engine.regions_config import RegionsConfig
from features.dense import Backbone

if TYPE_CHECKING:
    from engine.library import Library

# normal cells that the tokens of a region are compared with; more make them hardly any nearer
N_NORMAL = 2048
# taught tokens of one class: thousands of examples of it hardly differ
N_TOKENS_OF_CLASS = 2048
# descriptors of regions have length one, or nearly
MAX_VIEW = 1e4


@dataclass(frozen=True)
class Bank:
    """The classes of a library and the descriptors of their examples.

    ``class_of_example`` counts ``classes``; ``example_ids`` are those of the library.
    """

    classes: tuple[RegionClass, ...]
    example_ids: Int[np.ndarray, " examples"]
    class_of_example: Int[np.ndarray, " examples"]
    views: Float32[np.ndarray, "examples views dim"]
    demands: Float32[np.ndarray, " classes"]
    """Log-odds that a region must exceed to be of each class, as its examples are more or less
    alike."""
    tokens: TokenBank

    def __len__(self) -> int:
        return len(self.example_ids)

    def above(self, config: RegionsConfig) -> Float[np.ndarray, " classes"]:
        """Return the probability, beyond what is demanded, from which a region is of each class."""
        limits = {"accepted": 0.5, "defect": config.same_above}
        return np.array([limits[each.kind] for each in self.classes])


class TokenScale:
    """Takes tokens of a backbone to the units in which they are kept, and back."""

    def __init__(self, backbone: Backbone) -> None:
        state = backbone.state()
        self._center = state.get("center", np.float32(0))
        self._scale = state.get("scale", np.float32(1))

    def to_stored(self, tokens: Float32[np.ndarray, "*places dim"]) -> np.ndarray:
        """Return tokens as examples keep them."""
        return np.asarray(tokens * self._scale + self._center).astype(np.float16)

    def from_stored(self, tokens: np.ndarray) -> Float32[np.ndarray, "*places dim"]:
        """Return stored tokens as this backbone describes."""
        return np.asarray((tokens.astype(np.float32) - self._center) / self._scale)


def normal_tokens(
    references: Sequence[Sample], rng: np.random.Generator
) -> Float32[np.ndarray, "scales cells dim"]:
    """Draw cells of the references, at each scale."""
    every = [windowed(each.dense.tokens, each.dense.is_valid) for each in references]
    valid = [np.flatnonzero(each.dense.is_valid) for each in references]
    joined = np.concatenate(
        [planes[:, cells] for planes, cells in zip(every, valid, strict=True)], axis=1
    )
    chosen = rng.permutation(joined.shape[1])[:N_NORMAL]
    return np.ascontiguousarray(joined[:, chosen])


def load_bank(
    library: Library,
    scale: TokenScale,
    normal: Float32[np.ndarray, "scales cells dim"],
    embedder: RegionEmbedder,
    known: dict[int, Features],
    accepted_above: float,
) -> Bank:
    """Read what a library holds; ``known`` keeps features by example, and takes up new ones.

    ``accepted_above`` is the least probability that an accepted class demands.
    """
    classes = tuple(library.classes())
    index_of = {each.id: index for index, each in enumerate(classes)}
    class_of = {
        example: index_of[class_id]
        for example, class_id in library.example_classes().items()
        if class_id in index_of
    }
    missing = sorted(set(class_of) - set(known))
    if missing:
        read = library.features(missing)
        _check_features(known | read, read, normal.shape[-1])
        known |= read
    ids = sorted(example for example in class_of if example in known)
    features = [known[example] for example in ids]
    class_of_example = np.array([class_of[example] for example in ids], dtype=np.int64)
    stored = np.stack([each["views"] for each in features]) if ids else np.zeros((0, 1, 1))
    views = stored.astype(np.float32)
    return Bank(
        classes,
        np.array(ids, dtype=np.int64),
        class_of_example,
        views,
        _demands(embedder, views, class_of_example, classes, accepted_above),
        _token_bank(features, class_of_example, len(classes), scale, normal),
    )


def _check_features(
    every: Mapping[int, Features], new: Mapping[int, Features], token_dim: int
) -> None:
    """Refuse what nobody could compare with a region, before it is kept.

    Raises:
        LibraryError: Arrays of an example are missing, of another shape, or not finite.
    """
    shape = next((each["views"].shape for each in every.values() if "views" in each), ())
    for example, features in new.items():
        views, tokens = features.get("views"), features.get("tokens")
        is_sound = (
            views is not None
            and tokens is not None
            and views.ndim == 2
            and views.shape == shape
            and tokens.shape[:1] + tokens.shape[2:] == (len(WINDOWS), token_dim)
            and all(each.dtype.kind == "f" and np.isfinite(each).all() for each in (views, tokens))
            and views.size > 0
            and float(np.abs(views).max()) <= MAX_VIEW
        )
        if not is_sound:
            shapes = {name: array.shape for name, array in features.items()}
            raise LibraryError(
                f"the features of example {example} must be finite numbers of the shapes of the "
                f"others, got {shapes}; bring back a copy of the library"
            )


def check_views(views: Float32[np.ndarray, "queries views dim"], bank: Bank) -> None:
    """Refuse to compare regions with examples of another length.

    Raises:
        LibraryError: The examples were described by other means.
    """
    if len(bank) and views.shape[1:] != bank.views.shape[1:]:
        raise LibraryError(
            f"the features of its examples must have the shape {views.shape[1:]}, got "
            f"{bank.views.shape[1:]}; bring back a copy of the library"
        )


def _demands(
    embedder: RegionEmbedder,
    views: Float32[np.ndarray, "examples views dim"],
    class_of_example: Int[np.ndarray, " examples"],
    classes: Sequence[RegionClass],
    accepted_above: float,
) -> Float32[np.ndarray, " classes"]:
    """Return what each class demands by its examples, an accepted one at least so much."""
    demands = demands_of(embedder, views, class_of_example, len(classes))
    share = min(accepted_above, 1 - LEAST_DOUBT)
    least = np.log(max(share, LEAST_DOUBT) / (1 - share))
    is_accepted = np.array([each.kind == "accepted" for each in classes], dtype=bool)
    return np.where(is_accepted, np.maximum(demands, np.float32(least)), demands)


def _token_bank(
    features: Sequence[Features],
    class_of_example: Int[np.ndarray, " examples"],
    n_classes: int,
    scale: TokenScale,
    normal: Float32[np.ndarray, "scales cells dim"],
) -> TokenBank:
    dim = normal.shape[-1]
    taught = [each["tokens"] for each in features]
    owner = np.repeat(class_of_example, [each.shape[1] for each in taught])
    joined = (
        np.concatenate(taught, axis=1) if taught else np.zeros((len(WINDOWS), 0, dim), np.float16)
    )
    # the newest speak for a class of which there are very many
    kept = np.sort(
        np.concatenate(
            [
                np.flatnonzero(owner == class_id)[-N_TOKENS_OF_CLASS:]
                for class_id in range(n_classes)
            ]
            or [np.zeros(0, dtype=np.int64)]
        )
    ).astype(np.int64)
    return TokenBank(scale.from_stored(joined[:, kept]), owner[kept], n_classes, normal)
