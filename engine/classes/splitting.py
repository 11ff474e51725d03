"""How does one class become several, by the looks of its parts?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import fcluster, linkage

from alignment.classes import describe_parts
from engine.classes.checks import called, check_class, with_name
from engine.classes.edits import ClassEditError, Split
from engine.classes.table import Classes, References, as_cut


def split(classes: Classes, edit: Split, references: References) -> Classes:
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
    looks, area_px, image_of = _parts_of(classes, edit.class_id, references)
    n_looks = len(np.unique(looks, axis=0))
    if not 2 <= edit.n <= n_looks:
        raise ClassEditError(
            f"{called(classes, edit.class_id)} can be split into 2 … {n_looks} by the looks of its "
            f"{len(looks)} parts on the references, got {edit.n}; choose another number"
            if n_looks > 1
            else f"{called(classes, edit.class_id)} has only {len(looks)} part on the references "
            "and cannot be split; paint what it should consist of instead"
        )
    kinds = fcluster(linkage(looks, "average"), edit.n, "maxclust") - 1
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
        looks=np.concatenate(
            [classes.looks[is_other], [looks[kinds == kind].mean(axis=0) for kind in order]]
        ),
        n_parts=np.concatenate([classes.n_parts[:, is_other], n_parts], axis=1),
        class_of_prototype=np.append(classes.class_of_prototype[is_other], ids),
    )


def _parts_of(
    classes: Classes, class_id: int, references: References
) -> tuple[Float[np.ndarray, "parts 5"], Int[np.ndarray, " parts"], Int[np.ndarray, " parts"]]:
    """Return looks, areas and images of all parts of a class."""
    looks, area_px, image_of = [], [], []
    for index, (sample, aligned) in enumerate(
        zip(references.samples, as_cut(classes, references), strict=True)
    ):
        is_own = aligned.class_of_part == class_id
        looks.append(describe_parts(aligned.parts, sample.image)[is_own])
        area_px.append(aligned.parts.area_px[is_own])
        image_of.append(np.full(np.count_nonzero(is_own), index))
    return np.concatenate(looks), np.concatenate(area_px), np.concatenate(image_of)
