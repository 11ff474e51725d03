"""Which classes are there, as a table, and how do the references look with them?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, UInt8

from alignment.aligned import LEARNT
from engine.classes.edits import ClassEditError
from engine.palette import class_colors
from engine.pictures import NO_PART, draw_parts
from features.images import resize

if TYPE_CHECKING:
    from engine.inspector import Inspector


@dataclass(frozen=True)
class ClassRow:
    """One class: counts on each reference, the tolerance if one was set, and what is accepted.

    ``share`` is the class's mean share of the references' area, 0 … 1.
    """

    id: int
    name: str
    color: str
    is_background: bool
    is_ignored: bool
    is_painted: bool
    counts: tuple[int, ...]
    tolerance: int | None
    low: int
    high: int
    share: float


def class_rows(inspector: Inspector) -> list[ClassRow]:
    """List the classes that there are; retired ones are left out."""
    counts = np.stack([sample.aligned.counts for sample in inspector.samples_])
    shares = np.mean(
        [sample.class_area_px / max(1, sample.is_valid.sum()) for sample in inspector.samples_],
        axis=0,
    )
    colors = class_colors(len(inspector.class_names_)).tolist()
    classes, is_retired = inspector.classes, retired(inspector)
    painted = {each.class_id for each in classes.painted_}
    rows = []
    for index, name in enumerate(inspector.class_names_):
        if is_retired[index]:
            continue
        tolerance = int(classes.tolerance_[index])
        own = tuple(counts[:, index].tolist())
        spare = max(tolerance, 0)
        rows.append(
            ClassRow(
                index,
                name,
                "#{:02x}{:02x}{:02x}".format(*colors[index]),
                bool(classes.is_background_[index]),
                bool(classes.is_background_[index] and not _was_background(inspector, index)),
                index in painted,
                own,
                None if tolerance == LEARNT else tolerance,
                max(0, min(own) - spare),
                max(own) + spare,
                float(shares[index]),
            )
        )
    return rows


def retired(inspector: Inspector) -> Bool[np.ndarray, " classes"]:
    """Tell which numbers stand for no class any more: it was merged into another, or removed."""
    classes = inspector.classes
    is_retired = np.ones(len(inspector.class_names_), dtype=bool)
    is_retired[classes.class_of_prototype_[classes.class_of_prototype_ >= 0]] = False
    is_retired[[each.class_id for each in classes.painted_]] = False
    return is_retired


def _was_background(inspector: Inspector, class_id: int) -> bool:
    if inspector.edited_ is None:
        return True
    found = inspector.edited_.base.classes["is_background"]
    return class_id < len(found) and bool(found[class_id])


def find_class(inspector: Inspector, text: str) -> int:
    """Return the number of the class called so; a number, or a name.

    Raises:
        ClassEditError: There is none.
    """
    rows = class_rows(inspector)
    named = [row.id for row in rows if row.name == text.strip()]
    named = named or [row.id for row in rows if row.name.casefold() == text.strip().casefold()]
    if named:
        return named[0]
    if text.strip().isdecimal() and int(text) in {row.id for row in rows}:
        return int(text)
    listed = ", ".join(f"{row.id} {row.name!r}" for row in rows)
    raise ClassEditError(f"there is no class {text!r}; expected one of {listed}")


def reference_picture(
    inspector: Inspector, index: int, *, class_id: int | None = None, scale: int = 1
) -> UInt8[np.ndarray, "_ _ 3"]:
    """Draw a reference, upright, with its classes coloured and numbered, or with one of them.

    The picture is ``scale`` times as high and wide as the reference in working size.

    Raises:
        ClassEditError: There is no such reference.
    """
    if not 0 <= index < len(inspector.samples_):
        raise ClassEditError(
            f"reference must lie in 0 … {len(inspector.samples_) - 1}, got {index}; "
            "`partwise info` lists the references"
        )
    sample = inspector.samples_[index]
    class_map, is_background = sample.valid_class_map, inspector.classes.is_background_
    is_part = sample.aligned.parts.labels >= 0
    class_map = np.where(is_part & sample.is_valid, class_map, NO_PART)
    if class_id is not None:
        class_map = np.where(class_map == class_id, class_id, NO_PART)
        is_background = np.arange(len(is_background)) != class_id
    height, width = class_map.shape
    image = resize(sample.image, (height * scale, width * scale))
    return draw_parts(image, class_map, is_background)
