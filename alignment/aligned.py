"""Parts with their classes: the outcome of alignment.

Part classes are agreed over the references. Several instances of one class are counted; a part
that resembles no class is extra and has class -1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from features.parts import Parts

# in place of a count tolerance: what deviates is learnt, not ruled
NO_COUNT_RULE = -1


@dataclass(frozen=True)
class AlignedParts:
    """Parts of one image with the class of each, and what each assignment cost."""

    parts: Parts
    class_of_part: Int[np.ndarray, " parts"]
    cost: Float[np.ndarray, " parts"]
    is_background_class: Bool[np.ndarray, " classes"]
    count_tolerance: Int[np.ndarray, " classes"] | None = None
    """How far the count of each class may lie outside the references' range; ``NO_COUNT_RULE`` for
    those whose count is judged by what was learnt, as all are by default."""
    counts_parts_separately: Bool[np.ndarray, " classes"] | None = None
    """Classes of which each part is one instance, even where two touch: those that were painted."""

    @property
    def n_classes(self) -> int:
        """Number of classes that the references agreed on."""
        return len(self.is_background_class)

    @property
    def is_ruled(self) -> Bool[np.ndarray, " classes"]:
        """Whether the count of a class is judged by a tolerance that was set by hand."""
        if self.count_tolerance is None:
            return np.zeros(self.n_classes, dtype=bool)
        is_ruled: np.ndarray = (self.count_tolerance != NO_COUNT_RULE) & ~self.is_background_class
        return is_ruled

    @cached_property
    def class_map(self) -> Int[np.ndarray, "height width"]:
        """Class of every working pixel, -1 where no class is known."""
        class_map: np.ndarray = np.append(self.class_of_part, -1)[self.parts.labels]
        return class_map

    @cached_property
    def instance_of_part(self) -> Int[np.ndarray, " parts"]:
        """Number of the instance that each part belongs to.

        Touching parts of a class are one instance, unless ``counts_parts_separately``.
        """
        labels, n_parts = self.parts.labels, len(self.parts)
        pairs = [
            np.stack([here[here != there], there[here != there]])
            for here, there in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1]))
        ]
        first, second = np.concatenate(pairs, axis=1)
        is_inside = (first >= 0) & (second >= 0)
        first, second = first[is_inside], second[is_inside]
        is_same = self.class_of_part[first] == self.class_of_part[second]
        if self.counts_parts_separately is not None:
            is_same &= ~np.append(self.counts_parts_separately, False)[self.class_of_part[first]]
        first, second = first[is_same], second[is_same]
        touching = coo_array((np.ones(len(first)), (first, second)), shape=(n_parts, n_parts))
        instance_of_part: np.ndarray = connected_components(touching, directed=False)[1]
        return instance_of_part

    @cached_property
    def counts(self) -> Int[np.ndarray, " classes"]:
        """Number of instances of each class."""
        _, some_part = np.unique(self.instance_of_part, return_index=True)
        classes = self.class_of_part[some_part]
        counts: np.ndarray = np.bincount(classes[classes >= 0], minlength=self.n_classes)
        return counts
