"""The outcome of alignment: which part is of which class.

Classes are kinds of part, agreed over the references. Several instances of one kind are one class
with a count; a part that resembles no class is extra and has class -1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from features.parts import Parts


@dataclass(frozen=True)
class AlignedParts:
    """Parts of one image with the class of each, and what each assignment cost."""

    parts: Parts
    class_of_part: Int[np.ndarray, " parts"]
    cost: Float[np.ndarray, " parts"]
    is_background_class: Bool[np.ndarray, " classes"]

    @property
    def n_classes(self) -> int:
        """Number of classes that the references agreed on."""
        return len(self.is_background_class)

    @cached_property
    def class_map(self) -> Int[np.ndarray, "height width"]:
        """Class of every working pixel, -1 where no class is known."""
        class_map: np.ndarray = np.append(self.class_of_part, -1)[self.parts.labels]
        return class_map

    @cached_property
    def counts(self) -> Int[np.ndarray, " classes"]:
        """Number of instances of each class."""
        known = self.class_of_part[self.class_of_part >= 0]
        return np.bincount(known, minlength=self.n_classes)
