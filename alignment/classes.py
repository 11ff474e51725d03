"""Part classes: which there are, and of which class each part of an image is.

Classes are found once, by clustering the parts of all references together: parts that resemble each
other are one class, however many there are. A part of a test image is then matched to the nearest
class (many-to-one), or one-to-one to the instances that the references lead to expect (Hungarian
method, Kuhn, 1955), with a cost for staying unmatched; a part that resembles no class is extra.

Parts are compared with *prototypes*, one for each class as it is found. Whoever edits classes says
which class a prototype stands for: merging two classes gives one class two prototypes, and a
prototype whose class was removed stands for none, so that its parts go to the next. Classes that
were painted are found by their templates (``alignment.painted_classes``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal, Self

import cv2
import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from alignment.aligned import NO_COUNT_RULE, AlignedParts
from alignment.painted_classes import PaintedClass, with_painted
from features.config_fields import Range
from features.images import Image, Mask, to_lab
from features.parts import Parts

NO_CLASS = -1


@dataclass(frozen=True)
class ClassesConfig:
    """How parts are grouped into classes and matched to them."""

    method: Literal["nearest", "hungarian", "propagate"] = "nearest"
    """How parts get their class: the nearest, one-to-one, or (on judged images, instead of cutting
    them into parts of their own) as ``alignment.propagation`` does; measured best: nearest."""
    max_spread: Annotated[float, Range(0, 100, "(]")] = 1.0
    """Parts of one class differ by at most this, in units of ``describe_parts``."""
    unmatched_cost: Annotated[float, Range(0, 100, "(]")] = 1.5
    """A part farther than this from every class is extra."""


class PartClasses:
    """The classes that the references agree on, as they were edited since.

    ``prototypes_`` are descriptors of ``describe_parts``, ``counts_`` how many parts of each the
    references have, and ``class_of_prototype_`` the class that each stands for, -1 for none. Of
    each class, ``is_background_`` says whether it is background, and ``tolerance_`` how far its
    count may lie outside the range of the references, ``NO_COUNT_RULE`` where that is learnt.
    """

    def __init__(self, config: ClassesConfig) -> None:
        self.config = config
        self.class_of_prototype_: Int[np.ndarray, " prototypes"]
        self.tolerance_: Int[np.ndarray, " classes"]
        self.painted_: tuple[PaintedClass, ...] = ()

    def fit(self, parts: Sequence[Parts], images: Sequence[Image]) -> Self:
        """Group the parts of all references into classes, largest class first."""
        described = [describe_parts(one, image) for one, image in zip(parts, images, strict=True)]
        descriptors = np.concatenate(described)
        groups = _group(descriptors, self.config.max_spread)
        area_px = np.concatenate([one.area_px for one in parts])
        background = np.concatenate([one.is_background for one in parts])
        n_groups = int(groups.max(initial=-1)) + 1
        by_area = np.argsort(
            [-area_px[groups == group].sum() for group in range(n_groups)], kind="stable"
        )
        self.prototypes_ = np.array(
            [descriptors[groups == group].mean(axis=0) for group in by_area]
        ).reshape(n_groups, descriptors.shape[1])
        self.is_background_ = np.array(
            [
                area_px[(groups == group) & background].sum() * 2 > area_px[groups == group].sum()
                for group in by_area
            ],
            dtype=bool,
        )
        rank = np.argsort(by_area)
        image_of = np.repeat(np.arange(len(parts)), [len(one) for one in parts])
        self.counts_ = np.zeros((len(parts), n_groups), dtype=np.int64)
        np.add.at(self.counts_, (image_of, rank[groups]), 1)
        self._as_found()
        return self

    def align(self, parts: Parts, image: Image) -> AlignedParts:
        """Give each part of an image its class, or -1; painted classes are not looked for."""
        descriptors = describe_parts(parts, image)
        if self.config.method == "hungarian":
            slots = self.counts_.max(axis=0)
            prototype, cost = match_slots(
                descriptors, self.prototypes_, slots, self.config.unmatched_cost
            )
        else:
            prototype, cost = match_nearest(
                descriptors, self.prototypes_, self.config.unmatched_cost
            )
        return self.aligned_parts(parts, self._classes_of(descriptors, prototype), cost)

    def find_painted(self, aligned: AlignedParts, image: Image, is_valid: Mask) -> AlignedParts:
        """Find the painted classes, and take their pixels from the other parts."""
        return with_painted(aligned, self.painted_, image, is_valid)

    def none(self, size: tuple[int, int]) -> AlignedParts:
        """Stand for the parts of an image of (height, width) that are not known yet."""
        parts = Parts(np.full(size, -1), np.zeros(0, dtype=bool))
        return self.aligned_parts(parts, np.zeros(0, dtype=np.int64), np.zeros(0))

    def aligned_parts(
        self,
        parts: Parts,
        class_of_part: Int[np.ndarray, " parts"],
        cost: Float[np.ndarray, " parts"],
    ) -> AlignedParts:
        """Put parts together with what is known of their classes."""
        is_painted = np.zeros(len(self.is_background_), dtype=bool)
        is_painted[[painted.class_id for painted in self.painted_]] = True
        return AlignedParts(
            parts, class_of_part, cost, self.is_background_, self.tolerance_, is_painted
        )

    def state(self) -> dict[str, np.ndarray]:
        """Return what ``fit`` learnt, and what editing made of it."""
        state = {
            "looks": self.prototypes_,
            "is_background": self.is_background_,
            "counts": self.counts_,
            "class_of_prototype": self.class_of_prototype_,
            "tolerance": self.tolerance_,
        }
        for index, painted in enumerate(self.painted_):
            state |= {f"painted{index}.{key}": value for key, value in painted.state().items()}
        return state

    def restore(self, state: dict[str, np.ndarray]) -> Self:
        """Take the classes from a stored state instead of fitting."""
        self.prototypes_, self.counts_ = state["looks"], state["counts"]
        self.is_background_ = state["is_background"]
        self._as_found()
        # models of the first release know no edits
        self.class_of_prototype_ = state.get("class_of_prototype", self.class_of_prototype_)
        self.tolerance_ = state.get("tolerance", self.tolerance_)
        n_painted = sum(key.startswith("painted") and key.endswith(".class_id") for key in state)
        self.painted_ = tuple(
            PaintedClass.restore(
                {
                    key.removeprefix(f"painted{index}."): value
                    for key, value in state.items()
                    if key.startswith(f"painted{index}.")
                }
            )
            for index in range(n_painted)
        )
        return self

    def _as_found(self) -> None:
        self.class_of_prototype_ = np.arange(len(self.prototypes_))
        self.tolerance_ = np.full(len(self.is_background_), NO_COUNT_RULE)
        self.painted_ = ()

    def _classes_of(
        self, descriptors: Float[np.ndarray, "parts 5"], prototype: Int[np.ndarray, " parts"]
    ) -> Int[np.ndarray, " parts"]:
        """Give the class of each part's prototype; of one that stands for none, the next."""
        class_of_part: np.ndarray = np.append(self.class_of_prototype_, NO_CLASS)[prototype]
        is_orphan = (class_of_part == NO_CLASS) & (prototype >= 0)
        is_live = self.class_of_prototype_ >= 0
        if is_orphan.any() and is_live.any():
            nearest = cdist(descriptors[is_orphan], self.prototypes_[is_live]).argmin(axis=1)
            class_of_part[is_orphan] = self.class_of_prototype_[is_live][nearest]
        return class_of_part


def match_nearest(
    descriptors: Float[np.ndarray, "parts dim"],
    classes: Float[np.ndarray, "classes dim"],
    unmatched_cost: float,
) -> tuple[Int[np.ndarray, " parts"], Float[np.ndarray, " parts"]]:
    """Give each part the nearest class, many-to-one; return classes and distances.

    A part farther than ``unmatched_cost`` from every class gets -1, at that cost.
    """
    if not len(descriptors) or not len(classes):
        return np.full(len(descriptors), -1), np.full(len(descriptors), float(unmatched_cost))
    distance = cdist(descriptors, classes)
    nearest = distance.argmin(axis=1)
    cost = distance.min(axis=1)
    is_matched = cost <= unmatched_cost
    return np.where(is_matched, nearest, -1), np.minimum(cost, unmatched_cost)


def match_slots(
    descriptors: Float[np.ndarray, "parts dim"],
    classes: Float[np.ndarray, "classes dim"],
    slots: Int[np.ndarray, " classes"],
    unmatched_cost: float,
) -> tuple[Int[np.ndarray, " parts"], Float[np.ndarray, " parts"]]:
    """Give parts to the instances expected of each class, one-to-one (Hungarian method).

    ``slots`` says how many instances each class offers. Minimises the summed distance, where a
    part left over costs ``unmatched_cost`` and gets -1: surplus parts become visible as extra, and
    slots left empty as missing.
    """
    slot_class = np.repeat(np.arange(len(classes)), slots)
    if not len(descriptors) or not len(slot_class):
        return np.full(len(descriptors), -1), np.full(len(descriptors), float(unmatched_cost))
    distance = cdist(descriptors, classes)[:, slot_class]
    # one private dummy a part: staying unmatched is always possible, at a price
    dummies = np.where(np.eye(len(descriptors), dtype=bool), unmatched_cost, 1e6)
    rows, columns = linear_sum_assignment(np.hstack([distance, dummies]))
    class_of_part = np.append(slot_class, np.full(len(descriptors), -1))[columns]
    cost = np.hstack([distance, dummies])[rows, columns]
    return class_of_part, cost


def describe_parts(parts: Parts, image: Image) -> Float[np.ndarray, "parts 5"]:
    """What each part looks like: colour (L, a, b), size, elongation.

    Colour is relative to the image's median, in units of 10 CIELAB (lightness 20, as shading
    changes it); size is the logarithm of the area, in units of a factor 4; elongation the
    logarithm of the axes' ratio, in units of a factor 4.
    """
    lab = to_lab(image)
    lab = lab - np.median(lab[parts.labels >= 0].reshape(-1, 3), axis=0) if len(parts) else lab
    flat = parts.labels.ravel() + 1
    n_bins = len(parts) + 1
    planes = [*cv2.split(lab), *_moment_planes(parts.labels.shape[0], parts.labels.shape[1])]
    sums = np.stack([np.bincount(flat, plane.ravel(), n_bins)[1:] for plane in planes], axis=1)
    area = np.maximum(parts.area_px, 1)
    means = sums / area[:, None]
    y, x, yy, xx, yx = means[:, 3:].T
    # the second moment of one pixel keeps thin parts from having no width
    yy, xx, yx = yy - y * y + 1 / 12, xx - x * x + 1 / 12, yx - y * x
    spread = np.sqrt(((yy - xx) / 2) ** 2 + yx**2)
    major, minor = (yy + xx) / 2 + spread, np.maximum((yy + xx) / 2 - spread, 1 / 12)
    color = means[:, :3] / np.array([20.0, 10.0, 10.0])
    size, elongation = np.log(area) / np.log(4), np.log(major / minor) / 2 / np.log(4)
    return np.column_stack([color, size, elongation])


@lru_cache(maxsize=4)
def _moment_planes(height: int, width: int) -> tuple[Float[np.ndarray, "height width"], ...]:
    """Return y, x, y², x² and xy of every pixel."""
    y, x = np.indices((height, width)).astype(np.float64)
    return y, x, y * y, x * x, x * y


def _group(
    descriptors: Float[np.ndarray, "parts dim"], max_spread: float
) -> Int[np.ndarray, " parts"]:
    """Group by average linkage; the result does not depend on the order of the parts."""
    if len(descriptors) < 2:
        return np.zeros(len(descriptors), dtype=np.int64)
    groups: np.ndarray = fcluster(linkage(descriptors, "average"), max_spread, "distance")
    return groups.astype(np.int64) - 1
