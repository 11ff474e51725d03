"""Replay of edits of classes.

What are the classes after these edits? The same base and edits give the same classes, whatever was
done and undone in between. A class is split by average linkage of the descriptors of its parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import fcluster, linkage

from alignment.aligned import NO_COUNT_RULE
from alignment.classes import NO_CLASS, describe_parts
from engine.class_edits import (
    MAX_TOLERANCE,
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
    clean_name,
)
from engine.editing.table import (
    Classes,
    Painting,
    References,
    as_cut,
    called,
    check_class,
    check_free,
    with_name,
    with_value,
)

# a square of 4 px: what is smaller has no look of its own
MIN_PAINTED_PX = 16


def replay(base: Base, edits: Sequence[Edit], references: References) -> Classes:
    """Apply edits in their order.

    Raises:
        ClassEditError: One of them cannot be made.
    """
    classes = Classes.of(base)
    for edit in edits:
        classes = _applied(classes, edit, references)
    return classes


def _applied(classes: Classes, edit: Edit, references: References) -> Classes:
    match edit:
        case Rename():
            return _renamed(classes, edit)
        case Merge():
            return _merged(classes, edit)
        case Split():
            return _split(classes, edit, references)
        case Ignore():
            check_class(classes, edit.class_id)
            is_background = with_value(classes.is_background, edit.class_id, edit.is_ignored)
            return replace(classes, is_background=is_background)
        case Count():
            return _ruled(classes, edit)
        case Add():
            return _added(classes, edit, references)
        case Remove():
            return _removed(classes, edit)


def _renamed(classes: Classes, edit: Rename) -> Classes:
    check_class(classes, edit.class_id)
    name = clean_name(edit.name)
    check_free(classes, name, {edit.class_id})
    return replace(classes, names=with_name(classes.names, edit.class_id, name))


def _merged(classes: Classes, edit: Merge) -> Classes:
    ids = list(dict.fromkeys(edit.class_ids))
    if len(ids) < 2:
        raise ClassEditError(
            f"merging needs two different classes or more, got {list(edit.class_ids)}; name another"
        )
    for class_id in ids:
        check_class(classes, class_id)
    target, rest = ids[0], ids[1:]
    names = classes.names
    if edit.name is not None:
        name = clean_name(edit.name)
        check_free(classes, name, set(ids))
        names = with_name(names, target, name)
    paintings = tuple(
        replace(each, class_id=target) if each.class_id in rest else each
        for each in classes.paintings
    )
    return replace(
        classes,
        names=names,
        class_of_prototype=np.where(
            np.isin(classes.class_of_prototype, rest), target, classes.class_of_prototype
        ),
        is_retired=classes.is_retired | np.isin(np.arange(len(names)), rest),
        paintings=paintings,
    )


def _split(classes: Classes, edit: Split, references: References) -> Classes:
    """Divide a class; the largest kind keeps the number, the others get new ones.

    Raises:
        ClassEditError: Its parts on the references do not differ enough, or were painted.
    """
    check_class(classes, edit.class_id)
    if edit.class_id in classes.painted_ids:
        raise ClassEditError(
            f"{called(classes, edit.class_id)} was painted and cannot be split by looks; "
            "remove it and paint its kinds one by one"
        )
    descriptors, area_px, image_of = _parts_of(classes, edit.class_id, references)
    n_distinct = len(np.unique(descriptors, axis=0))
    if not 2 <= edit.n <= n_distinct:
        raise ClassEditError(
            f"{called(classes, edit.class_id)} can be split into 2 … {n_distinct} by the looks of "
            f"its {len(descriptors)} parts on the references, got {edit.n}; choose another number"
            if n_distinct > 1
            else f"{called(classes, edit.class_id)} has only {len(descriptors)} part on the "
            "references and cannot be split; paint what it should consist of instead"
        )
    kinds = fcluster(linkage(descriptors, "average"), edit.n, "maxclust") - 1
    n_kinds = int(kinds.max()) + 1
    order = np.argsort([-area_px[kinds == kind].sum() for kind in range(n_kinds)], kind="stable")
    is_other = classes.class_of_prototype != edit.class_id
    first_new = len(classes.names)
    ids = [edit.class_id, *range(first_new, first_new + n_kinds - 1)]
    n_parts = np.zeros((len(references.samples), n_kinds), dtype=np.int64)
    np.add.at(n_parts, (image_of, np.argsort(order)[kinds]), 1)
    is_background = bool(classes.is_background[edit.class_id])
    for _ in ids[1:]:
        classes = classes.with_class(None, is_background=is_background)
    return replace(
        classes,
        names=with_name(classes.names, edit.class_id, None),
        descriptors=np.concatenate(
            [
                classes.descriptors[is_other],
                [descriptors[kinds == kind].mean(axis=0) for kind in order],
            ]
        ),
        n_parts=np.concatenate([classes.n_parts[:, is_other], n_parts], axis=1),
        class_of_prototype=np.append(classes.class_of_prototype[is_other], ids),
    )


def _parts_of(
    classes: Classes, class_id: int, references: References
) -> tuple[Float[np.ndarray, "parts 5"], Int[np.ndarray, " parts"], Int[np.ndarray, " parts"]]:
    """Return descriptors, areas and images of all parts of a class."""
    descriptors, area_px, image_of = [], [], []
    for index, (sample, aligned) in enumerate(
        zip(references.samples, as_cut(classes, references), strict=True)
    ):
        is_own = aligned.class_of_part == class_id
        descriptors.append(describe_parts(aligned.parts, sample.image)[is_own])
        area_px.append(aligned.parts.area_px[is_own])
        image_of.append(np.full(np.count_nonzero(is_own), index))
    return np.concatenate(descriptors), np.concatenate(area_px), np.concatenate(image_of)


def _ruled(classes: Classes, edit: Count) -> Classes:
    check_class(classes, edit.class_id)
    tolerance = NO_COUNT_RULE if edit.tolerance is None else edit.tolerance
    if edit.tolerance is not None and not 0 <= edit.tolerance <= MAX_TOLERANCE:
        raise ClassEditError(
            f"a count tolerance must lie in 0 … {MAX_TOLERANCE}, got {edit.tolerance}; "
            "0 accepts what the references show and nothing else"
        )
    if edit.tolerance is not None and classes.is_background[edit.class_id]:
        raise ClassEditError(
            f"{called(classes, edit.class_id)} is background and not counted; "
            "let it count as things first (no longer ignore it)"
        )
    return replace(classes, tolerance=with_value(classes.tolerance, edit.class_id, tolerance))


def _added(classes: Classes, edit: Add, references: References) -> Classes:
    name = clean_name(edit.name)
    n_references = len(references.samples)
    if not 0 <= edit.reference < n_references:
        raise ClassEditError(
            f"reference must lie in 0 … {n_references - 1}, got {edit.reference}; "
            "`partwise info` lists the references"
        )
    height, width = references.samples[edit.reference].is_valid.shape
    left, top, right, bottom = edit.region.box_xyxy
    if left < 0 or top < 0 or right > width or bottom > height:
        raise ClassEditError(
            f"what is painted must lie in the reference's {width}×{height} px (width×height), "
            f"got {edit.region.box_xyxy}; paint on the picture that the model keeps of it"
        )
    if edit.region.area_px < MIN_PAINTED_PX:
        raise ClassEditError(
            f"what is painted must have {MIN_PAINTED_PX} px or more, got {edit.region.area_px}; "
            "paint all of the thing"
        )
    live = {each: i for i, each in enumerate(classes.names) if not classes.is_retired[i]}
    class_id = live.get(name, len(classes.names))
    if class_id < len(classes.names) and class_id not in classes.painted_ids:
        raise ClassEditError(
            f"{called(classes, class_id)} was not painted and cannot be painted on; "
            "paint under another name, and merge the two"
        )
    if class_id == len(classes.names):
        classes = classes.with_class(name)
    painting = Painting(class_id, edit.reference, edit.region)
    return replace(classes, paintings=(*classes.paintings, painting))


def _removed(classes: Classes, edit: Remove) -> Classes:
    check_class(classes, edit.class_id)
    left = np.where(
        classes.class_of_prototype == edit.class_id, NO_CLASS, classes.class_of_prototype
    )
    if not (left >= 0).any():
        raise ClassEditError(
            f"{called(classes, edit.class_id)} is the last class and cannot be removed; "
            "ignore it instead"
        )
    return replace(
        classes,
        class_of_prototype=left,
        is_retired=with_value(classes.is_retired, edit.class_id, True),
        paintings=tuple(each for each in classes.paintings if each.class_id != edit.class_id),
    )
