"""Which classes are there, and what is known of each, between two edits?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from alignment.aligned import LEARNT, AlignedParts
from alignment.classes import PartClasses
from alignment.painted_classes import PaintedClass
from alignment.sample import Sample
from engine.classes.history import Base
from features.region import Region


@dataclass(frozen=True)
class Painting:
    """What was painted of a class on one reference."""

    class_id: int
    reference: int
    region: Region


@dataclass(frozen=True)
class Classes:
    """All classes that ever were, by their numbers; ``names`` is None where looks decide."""

    names: tuple[str | None, ...]
    looks: Float[np.ndarray, "prototypes 5"]
    n_parts: Int[np.ndarray, "references prototypes"]
    class_of_prototype: Int[np.ndarray, " prototypes"]
    is_background: Bool[np.ndarray, " classes"]
    tolerance: Int[np.ndarray, " classes"]
    is_retired: Bool[np.ndarray, " classes"]
    paintings: tuple[Painting, ...] = ()

    @classmethod
    def of(cls, base: Base) -> Classes:
        """Begin with what fitting has found."""
        n_classes = len(base.classes["is_background"])
        return cls(
            tuple(base.names),
            base.classes["looks"],
            base.classes["counts"],
            np.arange(len(base.classes["looks"])),
            base.classes["is_background"],
            np.full(n_classes, LEARNT),
            np.zeros(n_classes, dtype=bool),
        )

    @property
    def painted_ids(self) -> list[int]:
        """The classes of which something was painted, in order."""
        return sorted({each.class_id for each in self.paintings})

    def with_class(self, name: str | None, *, is_background: bool = False) -> Classes:
        """Append a class that has nothing yet."""
        return replace(
            self,
            names=(*self.names, name),
            is_background=np.append(self.is_background, is_background),
            tolerance=np.append(self.tolerance, LEARNT),
            is_retired=np.append(self.is_retired, False),
        )

    def to_align(self, like: PartClasses, painted: Sequence[PaintedClass] = ()) -> PartClasses:
        """Write the classes down as images are aligned to them."""
        made = PartClasses(like.config).restore(
            {
                "looks": self.looks,
                "counts": self.n_parts,
                "is_background": self.is_background,
                "class_of_prototype": self.class_of_prototype,
                "tolerance": self.tolerance,
            }
        )
        made.painted_ = tuple(painted)
        return made


@dataclass(frozen=True)
class References:
    """What the fold may look at: the references with the parts that were cut, and their pose."""

    samples: Sequence[Sample]
    classes: PartClasses
    has_pose: bool


def as_cut(
    classes: Classes, references: References, painted: Sequence[PaintedClass] = ()
) -> list[AlignedParts]:
    """Give the parts that were cut their classes; what was painted is not looked for."""
    part_classes = classes.to_align(references.classes, painted)
    return [part_classes.align(each.aligned.parts, each.image) for each in references.samples]
