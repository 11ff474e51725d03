"""Table of the classes between two edits, with the checks and words edits need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from alignment.aligned import NO_COUNT_RULE, AlignedParts
from alignment.classes import PartClasses
from alignment.painted_classes import PaintedClass
from alignment.sample import Sample
from engine.class_edits import (
    Add,
    Base,
    ClassEditError,
    Count,
    Edit,
    Ignore,
    Merge,
    Remove,
    Rename,
    Split,
)
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
    descriptors: Float[np.ndarray, "prototypes 5"]
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
            np.full(n_classes, NO_COUNT_RULE),
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
            tolerance=np.append(self.tolerance, NO_COUNT_RULE),
            is_retired=np.append(self.is_retired, False),
        )

    def to_align(self, like: PartClasses, painted: Sequence[PaintedClass] = ()) -> PartClasses:
        """Write the classes down as images are aligned to them."""
        made = PartClasses(like.config).restore(
            {
                "looks": self.descriptors,
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
    """What a replay of edits may use: the references with the parts as cut, and their pose."""

    samples: Sequence[Sample]
    classes: PartClasses
    has_pose: bool


def as_cut(
    classes: Classes, references: References, painted: Sequence[PaintedClass] = ()
) -> list[AlignedParts]:
    """Give the parts that were cut their classes; what was painted is not looked for."""
    part_classes = classes.to_align(references.classes, painted)
    return [part_classes.align(each.aligned.parts, each.image) for each in references.samples]


def check_class(classes: Classes, class_id: int) -> None:
    """Refuse a number that no class has.

    Raises:
        ClassEditError: There is no such class, or no longer.
    """
    live = np.flatnonzero(~classes.is_retired).tolist()
    if class_id not in live:
        raise ClassEditError(
            f"there is no class {class_id}; expected one of {', '.join(map(str, live))}: "
            "`partwise classes list` shows them"
        )


def check_free(classes: Classes, name: str, own: set[int]) -> None:
    """Refuse a name that another class has; ``own`` are the classes that may have it.

    Raises:
        ClassEditError: Another class has that name.
    """
    for class_id, other in enumerate(classes.names):
        if other == name and class_id not in own and not classes.is_retired[class_id]:
            raise ClassEditError(
                f"class {class_id} is called {name!r} already; choose another name, "
                "or merge the two"
            )


def called(classes: Classes, class_id: int) -> str:
    """Return what to call a class in a message."""
    name = classes.names[class_id]
    return f"class {class_id}" if name is None or name.startswith("class ") else f"{name!r}"


def with_name(
    names: tuple[str | None, ...], class_id: int, name: str | None
) -> tuple[str | None, ...]:
    """Give one class another name; None lets its looks decide."""
    return (*names[:class_id], name, *names[class_id + 1 :])


def with_value(values: np.ndarray, index: int, value: int | bool) -> np.ndarray:
    """Copy values with another one at an index."""
    changed = values.copy()
    changed[index] = value
    return changed


def told(edit: Edit, names: Sequence[str], references: Sequence[str]) -> str:
    """Put an edit into words, with the names that classes had before it."""
    match edit:
        case Rename():
            return f"renamed {names[edit.class_id]!r} to {edit.name!r}"
        case Merge():
            listed = " and ".join(repr(names[each]) for each in edit.class_ids)
            called = "" if edit.name is None else f" as {edit.name!r}"
            return f"merged {listed}{called}"
        case Split():
            return f"split {names[edit.class_id]!r} into {edit.n}"
        case Ignore():
            done = "took {} for background" if edit.is_ignored else "took {} for things"
            return done.format(repr(names[edit.class_id]))
        case Count():
            name = repr(names[edit.class_id])
            if edit.tolerance is None:
                return f"learn the count of {name} again"
            return f"allowed ±{edit.tolerance} on the count of {name}"
        case Add():
            return (
                f"painted {edit.name!r} on {references[edit.reference]}: {edit.region.area_px} px"
            )
        case Remove():
            return f"removed {names[edit.class_id]!r}"
