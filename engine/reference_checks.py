"""Checks of references: do the photographs that are to be references fit together?

Two that are the same photograph say the same twice; one that differs from all others may show
another product, or a defect; one of another shape was turned or cropped. Whether photographs show
the same product must not depend on pose and light, so there colours, sharpness at several scales
and the rough place of detail are compared. Whether one is defective is asked of the others, each of
which is judged by the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import cv2
import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter

from alignment.twins import find_copies, find_twins
from engine.fitted_state import ReferenceWarning
from engine.scores import SCORES, Reading
from features.images import AnyImage, few_levels_text, resize

# photographs of one product lie within 0.45 of others of it, in whatever light and pose
FAR_ABOVE = 0.47
# and further than these multiples of what is usual among the others: altogether, and in structure
FAR_RATIO, STRUCTURE_RATIO = 1.2, 1.2
LEAST_FOR_OUTLIER = 3
# the sides of photographs of one camera hardly differ; a crop by hand does by more
SHAPE_RATIO = 1.1
# how many times as much as the others a reference may differ from the rest, before it is named:
# of eight real products, one good set in thirty has such a reference, and of those into which a
# defective photograph was put one in ten (of three), one in five (of four), two in five (of eight)
ODD_RATIO = 1.6

_STRUCTURE_PX, _COLOR_PX = 256, 64
_GRID = 12


def check_references(
    images: Sequence[AnyImage], names: Sequence[str], twins: Mapping[int, int] | None = None
) -> list[ReferenceWarning]:
    """Warn of photographs that are there twice, of other shape, unlike all others, or too dark.

    ``twins`` are those that ``alignment.twins.find_twins`` found; they are looked for if not given.
    An outlier is looked for among three or more. Takes some hundredths of a second an image.
    """
    if twins is None:
        twins = find_twins(images)
    # a photograph and its double agree with each other, whatever the others show
    single = [index for index in range(len(images)) if index not in twins]
    few = few_levels_text(images)
    return [
        *([ReferenceWarning("few-levels", (), few)] if few else []),
        *(_near_duplicate(names[kept], names[index]) for index, kept in twins.items()),
        *_shapes([images[index] for index in single], [names[index] for index in single]),
        *_outliers(images, names, single),
    ]


def without_copies(
    validation: Sequence[AnyImage], references: Sequence[AnyImage]
) -> tuple[list[AnyImage], list[ReferenceWarning]]:
    """Leave out images that are references, which tell nothing about other images, and warn."""
    copies = find_copies(validation, references)
    others = [image for index, image in enumerate(validation) if index not in copies]
    return others, [_copied(len(copies), len(validation))] if copies else []


def _copied(n_copies: int, n_images: int) -> ReferenceWarning:
    are = "is a copy of a reference" if n_copies == 1 else "are copies of references"
    return ReferenceWarning(
        "near-duplicate",
        (),
        f"{n_copies} of {n_images} validation images {are}, and did not count; use photographs of "
        "other good parts",
    )


def odd_references(
    readings: Sequence[Mapping[str, Reading]], names: Sequence[str]
) -> list[ReferenceWarning]:
    """Warn of a reference that the others find odd, by the readings of each beside the rest.

    Asked of the scores that compare places, on the geometric mean; needs three references or more.
    """
    if len(readings) < LEAST_FOR_OUTLIER:
        return []
    asked = [each.name for each in SCORES if each.cell_map]
    values = np.array([[each[name].value for name in asked] for each in readings])
    logs = np.log(np.maximum(values, 1e-6)).mean(axis=1)
    odd = int(np.argmax(logs))
    ratio = float(np.exp(logs[odd] - np.delete(logs, odd).mean()))
    if ratio < ODD_RATIO:
        return []
    return [
        ReferenceWarning(
            "odd",
            (names[odd],),
            f"{names[odd]} differs from the other references {ratio:.1f} times as much as they do "
            "from each other; make sure that it shows a good product",
        )
    ]


def _near_duplicate(kept: str, copy: str) -> ReferenceWarning:
    return ReferenceWarning(
        "near-duplicate",
        (kept, copy),
        f"{copy} is the same photograph as {kept}, and does not count; one of another part "
        "teaches more",
    )


def _shapes(images: Sequence[AnyImage], names: Sequence[str]) -> list[ReferenceWarning]:
    """Warn of those that have to be squeezed into the shape of the others."""
    shapes = [image.shape[:2] for image in images]
    height, width = sorted(shapes, key=lambda shape: shape[1] / shape[0])[len(shapes) // 2]
    warnings = []
    for name, (own_height, own_width) in zip(names, shapes, strict=True):
        ratio = (own_width / own_height) / (width / height)
        if max(ratio, 1 / ratio) <= SHAPE_RATIO:
            continue
        is_turned = (own_width - own_height) * (width - height) < 0
        others = "most others are" if len(images) > 2 else "the other is"
        text = (
            f"{name} is {own_width}×{own_height} px while {others} {width}×{height} "
            "(width×height), and is squeezed to that shape; was it "
            f"{'turned' if is_turned else 'cropped'}?"
        )
        warnings.append(ReferenceWarning("shape", (name,), text))
    return warnings


def _outliers(
    images: Sequence[AnyImage], names: Sequence[str], single: Sequence[int]
) -> list[ReferenceWarning]:
    if len(single) < LEAST_FOR_OUTLIER:
        return []
    chosen = [images[index] for index in single]
    structure = 2 * _distances([_scales(each) for each in chosen])
    structure += _distances([_detail(each) for each in chosen])
    whole = structure + _distances([_colors(each) for each in chosen])
    odd = int(np.argmax(np.nanmedian(whole, axis=1)))
    nearest, usual = _to_others(whole, odd)
    nearest_structure, usual_structure = _to_others(structure, odd)
    is_far = nearest > max(FAR_ABOVE, FAR_RATIO * usual)
    if not is_far or nearest_structure <= STRUCTURE_RATIO * usual_structure:
        return []
    name = names[single[odd]]
    text = f"{name} looks unlike all others; does it show the same product?"
    return [ReferenceWarning("outlier", (name,), text)]


def _to_others(distances: Float[np.ndarray, "n n"], odd: int) -> tuple[float, float]:
    """Return the distance of one to its nearest, and the largest usual one among the others."""
    others = np.delete(np.delete(distances, odd, axis=0), odd, axis=1)
    return float(np.nanmin(distances[odd])), float(np.nanmedian(others, axis=1).max())


def _distances(shares: Sequence[Float[np.ndarray, " bins"]]) -> Float[np.ndarray, "n n"]:
    """Hellinger distance of each pair of distributions; NaN of one to itself."""
    roots = np.sqrt(np.stack(shares))
    distances = np.sqrt(np.maximum(0.0, 1 - roots @ roots.T))
    np.fill_diagonal(distances, np.nan)
    return np.asarray(distances)


# What is compared


def _colors(image: AnyImage) -> Float[np.ndarray, " bins"]:
    """Distribution of colours as under white light: each channel in units of its median."""
    small = resize(image, (_COLOR_PX, _COLOR_PX)).reshape(-1, 3)
    red, green, blue = (np.log(small + 16.0) - np.log(np.median(small, axis=0) + 16.0)).T
    planes = np.stack([(red + green + blue) / 3, red - green, blue - (red + green) / 2], axis=1)
    limits = np.array([2.4, 1.4, 1.4])
    counts, _ = np.histogramdd(
        np.clip(planes, -limits, limits),
        bins=(12, 15, 15),
        range=[(-float(limit), float(limit)) for limit in limits],
    )
    smooth = gaussian_filter(counts, 1, mode="nearest")
    return np.asarray(smooth / smooth.sum()).ravel()


def _scales(image: AnyImage) -> Float[np.ndarray, " bins"]:
    """Share of contrast at details of 1, 2, 4, 8 and 16 px of a picture of 256."""
    small = cv2.cvtColor(resize(image, (_STRUCTURE_PX, _STRUCTURE_PX)), cv2.COLOR_RGB2GRAY)
    light = np.log(small.astype(np.float32) + 16)
    blurred = [cv2.GaussianBlur(light, (0, 0), 2.0**scale) for scale in range(6)]
    contrast = [float(np.abs(fine - rough).mean()) for fine, rough in pairwise(blurred)]
    return _shares(np.array(contrast))


def _detail(image: AnyImage) -> Float[np.ndarray, " bins"]:
    """Share of edges in each field of a coarse grid over the photograph."""
    small = cv2.cvtColor(resize(image, (96, 96)), cv2.COLOR_RGB2GRAY).astype(np.float32)
    smooth = cv2.GaussianBlur(small, (0, 0), 1.2)
    edges = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    spread = cv2.GaussianBlur(edges, (0, 0), 6)
    fields = cv2.resize(spread, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
    return _shares(fields.astype(np.float64).ravel())


def _shares(amounts: Float[np.ndarray, " bins"]) -> Float[np.ndarray, " bins"]:
    total = amounts.sum()
    return amounts / total if total > 0 else np.full(len(amounts), 1 / len(amounts))
