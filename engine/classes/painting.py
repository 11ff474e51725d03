"""Where on the references is what was painted on some of them?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alignment.aligned import AlignedParts
from alignment.painted_classes import PaintedClass, learn_likeness, with_painted
from alignment.template_matching import Template, step_for
from engine.classes.table import Classes, References, as_cut

# parts turn by some degrees even where the product has a pose, and by any where it has none
POSED_TURNS_DEG = (-12.0, 0.0, 12.0)
FREE_TURNS_DEG = tuple(float(turn) for turn in range(0, 360, 30))


def painted_classes(classes: Classes, references: References) -> list[PaintedClass]:
    """Learn from the references what was painted, and how much likeness is enough."""
    samples = references.samples
    turns = POSED_TURNS_DEG if references.has_pose else FREE_TURNS_DEG
    found = []
    for class_id in classes.painted_ids:
        own = [each for each in classes.paintings if each.class_id == class_id]
        step = step_for([each.region.area_px for each in own])
        templates = tuple(
            Template.of(
                samples[each.reference].image,
                samples[each.reference].is_valid,
                each.region.over(samples[each.reference].is_valid.shape),
                step,
            )
            for each in own
        )
        found.append(
            learn_likeness(
                PaintedClass(class_id, templates, turns),
                [each.image for each in samples],
                [each.is_valid for each in samples],
                frozenset(each.reference for each in own),
            )
        )
    return found


def aligned_references(
    classes: Classes, painted: Sequence[PaintedClass], references: References
) -> list[AlignedParts]:
    """Give the references' parts their classes, what was painted on top."""
    given: list[dict[int, list[np.ndarray]]] = [{} for _ in references.samples]
    for each in classes.paintings:
        size = references.samples[each.reference].is_valid.shape
        given[each.reference].setdefault(each.class_id, []).append(each.region.over(size))
    return [
        with_painted(aligned, painted, sample.image, sample.is_valid, masks)
        for aligned, sample, masks in zip(
            as_cut(classes, references, painted), references.samples, given, strict=True
        )
    ]
