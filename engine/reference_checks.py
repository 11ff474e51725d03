"""Checks of references: near duplicates, and photographs unlike all others.

Do the photographs that are to be references fit together?

Two that are nearly the same say the same twice; one that differs from all others may show another
product. Whether two are the same is seen where they are laid on each other; whether they show the
same product must not depend on pose and light, so there colours, sharpness at several scales and
the rough place of detail are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float, Float32
from scipy.ndimage import gaussian_filter

from features.images import AnyImage, resize
from features.levels import few_levels_text

# compressed again, moved by 3 % or noisy: at most 0.002; different photographs: 0.012 and more
SAME_BELOW = 0.006
# photographs of one product lie within 0.45 of others of it, in whatever light and pose
FAR_ABOVE = 0.47
# and further than these multiples of what is usual among the others: altogether, and in structure
FAR_RATIO, STRUCTURE_RATIO = 1.2, 1.2
LEAST_FOR_OUTLIER = 3

_OVERLAY_PX, _STRUCTURE_PX, _COLOR_PX = 128, 256, 64
_MAX_SHIFT = 0.06
# no such shift makes one photograph of two that differ as much
_HOPELESS = 0.7
_GRID = 12

Overlay = Float32[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class ReferenceWarning:
    """What a person should look at before fitting; ``indices`` and ``names`` say which images.

    There are none where all are meant.
    """

    kind: Literal["near-duplicate", "outlier", "few-levels"]
    indices: tuple[int, ...]
    names: tuple[str, ...]
    text: str


def check_references(images: Sequence[AnyImage], names: Sequence[str]) -> list[ReferenceWarning]:
    """Warn of photographs that are nearly the same, and of one that differs from the others.

    An outlier is looked for among three or more. Takes a few hundredths of a second an image.
    """
    few = few_levels_text(images)
    dark = [ReferenceWarning("few-levels", (), (), few)] if few else []
    doubles = _near_duplicates(images, names)
    # a photograph and its double agree with each other, whatever the others show
    second = {each.indices[1] for each in doubles}
    single = [index for index in range(len(images)) if index not in second]
    return dark + doubles + _outliers(images, names, single)


def difference(one: AnyImage, other: AnyImage) -> float:
    """Return what two photographs do not have in common once laid on each other, 0 … 2.

    It is 1 less the correlation of their colours, after the best shift of up to 6 %.
    """
    return _difference(_overlay(one), _overlay(other))


def _near_duplicates(images: Sequence[AnyImage], names: Sequence[str]) -> list[ReferenceWarning]:
    overlays = [_overlay(image) for image in images]
    return [
        ReferenceWarning(
            "near-duplicate",
            (i, j),
            (names[i], names[j]),
            f"{names[i]} and {names[j]} are nearly the same photograph; a second one of another "
            "part teaches more",
        )
        for i, j in combinations(range(len(images)), 2)
        if _difference(overlays[i], overlays[j]) < SAME_BELOW
    ]


def _difference(one: Overlay, other: Overlay) -> float:
    unmoved = _uncorrelated(one, other, (0.0, 0.0))
    if unmoved > _HOPELESS:
        return unmoved
    window = cv2.createHanningWindow((_OVERLAY_PX, _OVERLAY_PX), cv2.CV_32F)
    light = [np.ascontiguousarray(each[..., 0]) for each in (one, other)]
    (x, y), _ = cv2.phaseCorrelate(light[0], light[1], window)
    if max(abs(x), abs(y)) > _MAX_SHIFT * _OVERLAY_PX:
        return unmoved
    return min(unmoved, _uncorrelated(one, other, (float(x), float(y))))


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
    return [ReferenceWarning("outlier", (single[odd],), (name,), text)]


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


def _overlay(image: AnyImage) -> Overlay:
    small = cv2.cvtColor(resize(image, (_OVERLAY_PX, _OVERLAY_PX)), cv2.COLOR_RGB2LAB)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 1.0), np.float32)


def _uncorrelated(
    one: Overlay,
    other: Overlay,
    shift_xy: tuple[float, float],
) -> float:
    x, y = shift_xy
    moved = cv2.warpAffine(
        one,
        np.array([[1, 0, x], [0, 1, y]], np.float32),
        (_OVERLAY_PX, _OVERLAY_PX),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    rim = int(np.ceil(max(abs(x), abs(y)))) + 2
    a, b = (each[rim:-rim, rim:-rim].reshape(-1, 3) for each in (moved, other))
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    size = np.sqrt(np.sum(a * a) * np.sum(b * b))
    # two even photographs have nothing to differ in
    return float(1 - np.sum(a * b) / size) if size > 0 else 0.0


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
