"""Painted part classes: where else what a person painted on one reference is.

What was painted and a rim around it are a template. With the local descriptors F of an image,
those T of the template, and weights W inside and on the rim, the normalised cross-correlation
(NCC) at a place d is

    Σ_x W(x) F(x + d) · T(x) / √(Σ_x W(x) |F(x + d)|² · Σ_x W(x) |T(x)|²),

for all places at once by FFT, in several rotations: 1 where the image shows exactly this, less
where it does not. How high it must be follows from the references. What is detected gets a border
that follows the image, and lies on top of the parts that were cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
import scipy.fft
from jaxtyping import Float32, Int

from alignment.aligned import AlignedParts
from alignment.template_matching import (
    LocalDescriptors,
    Template,
    TemplateSpectrum,
    local_descriptors,
)
from features.images import AnyMask, Image, Mask, to_lab
from features.parts import Parts

# units of CIELAB that weigh as much as the whole way to the other side of the border
_CLEAR_DIFFERENCE = 6.0
# of the part: two detections share at most this
_MAX_OVERLAP = 0.3
# of the part: what the frame cuts off more of cannot be told
_MIN_SHOWN = 0.5
# correlation below which nothing is ever taken for the part, and above which everything is
MIN_NCC, CLEAR_NCC = 0.45, 0.8
# of the template's power: where an image has less, it is even, and correlation with noise is none
_MIN_POWER = 0.2
_MAX_DETECTIONS = 64
# of a part that something was painted over: who keeps less is a remnant of the painted part
_REMNANT = 0.2
# of a detection: what shares more with what was painted by hand is the same
_SAME = 0.3


@dataclass(frozen=True)
class PaintedClass:
    """A class that was painted: its templates, and how high their correlation must be."""

    class_id: int
    templates: tuple[Template, ...]
    rotations_deg: tuple[float, ...] = (0.0,)
    min_ncc: float = (MIN_NCC + CLEAR_NCC) / 2

    @cached_property
    def rotated(self) -> list[Template]:
        """All templates in all rotations."""
        return [each.rotated(angle) for each in self.templates for angle in self.rotations_deg]

    @cached_property
    def _spectra(self) -> dict[tuple[int, int], list[TemplateSpectrum]]:
        return {}

    def spectra(self, grid: tuple[int, int]) -> list[TemplateSpectrum]:
        """All templates in all rotations, ready for images of one size."""
        if grid not in self._spectra:
            self._spectra[grid] = [TemplateSpectrum.of(each, grid) for each in self.rotated]
        return self._spectra[grid]

    def state(self) -> dict[str, np.ndarray]:
        """Return what the class consists of."""
        state = {
            "class_id": np.array([self.class_id]),
            "turns_deg": np.array(self.rotations_deg),
            "least_likeness": np.array([self.min_ncc]),
        }
        for index, each in enumerate(self.templates):
            state |= {f"looks{index}": each.descriptors, f"inside{index}": each.mask}
        return state

    @classmethod
    def restore(cls, state: Mapping[str, np.ndarray]) -> PaintedClass:
        """Take the class from a stored state."""
        n_templates = sum(key.startswith("looks") for key in state)
        return cls(
            int(state["class_id"][0]),
            tuple(Template(state[f"looks{i}"], state[f"inside{i}"]) for i in range(n_templates)),
            tuple(state["turns_deg"].tolist()),
            float(state["least_likeness"][0]),
        )


@dataclass(frozen=True)
class Detection:
    """Where something like a painted part is: its pixels, and its correlation."""

    ncc: float
    mask: Mask


def detect(
    painted: PaintedClass, image: Image, is_valid: Mask, *, min_ncc: float | None = None
) -> list[Detection]:
    """Detect all places that are like what was painted, the likest first."""
    least = painted.min_ncc if min_ncc is None else min_ncc
    stride = painted.templates[0].stride
    ncc, which, origin = _ncc(painted, local_descriptors(image, is_valid, stride))
    is_peak = (ncc >= cv2.dilate(ncc, np.ones((5, 5), np.uint8))) & (ncc >= least)
    rows, columns = np.nonzero(is_peak)
    order = np.argsort(-ncc[rows, columns], kind="stable")[:_MAX_DETECTIONS]
    taken = np.zeros(image.shape[:2], dtype=bool)
    found: list[Detection] = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        template = painted.rotated[which[row, column]]
        corner = ((row - origin[0]) * stride, (column - origin[1]) * stride)
        mask = _placed(template.mask, corner, taken.shape) & is_valid
        whole = np.count_nonzero(template.mask)
        is_shown = np.count_nonzero(mask) >= _MIN_SHOWN * whole
        if not is_shown or np.count_nonzero(mask & taken) > _MAX_OVERLAP * whole:
            continue
        mask = refine_border(image, mask) & ~taken
        taken |= mask
        found.append(Detection(float(ncc[row, column]), mask))
    return found


def _ncc(
    painted: PaintedClass, descriptors: LocalDescriptors
) -> tuple[Float32[np.ndarray, "_ _"], Int[np.ndarray, "_ _"], tuple[int, int]]:
    """Return the best correlation at each place, the template that gives it, and where 0, 0 is.

    A place is that of the template's first corner, which may lie outside the image.
    """
    rows, columns = descriptors.shape[:2]
    high, wide = np.max([each.descriptors.shape[:2] for each in painted.rotated], axis=0).tolist()
    grid = (
        scipy.fft.next_fast_len(rows + high, True),
        scipy.fft.next_fast_len(columns + wide, True),
    )
    spectrum = scipy.fft.rfft2(np.moveaxis(descriptors, -1, 0), grid, axes=(-2, -1))
    power = scipy.fft.rfft2(np.einsum("hwc,hwc->hw", descriptors, descriptors), grid)
    # places from half a template before the image on; what lies before it wraps around
    origin = (high // 2, wide // 2)
    window = np.ix_(np.arange(-origin[0], rows) % grid[0], np.arange(-origin[1], columns) % grid[1])
    best = np.full((rows + origin[0], columns + origin[1]), -np.inf, dtype=np.float32)
    which = np.zeros(best.shape, dtype=np.int64)
    for index, each in enumerate(painted.spectra(grid)):
        cross = scipy.fft.irfft2((each.weighted * spectrum).sum(axis=0), grid)[window]
        there = scipy.fft.irfft2(each.weight * power, grid)[window]
        scale = np.sqrt(np.maximum(there, _MIN_POWER * each.power) * each.power)
        ncc = (cross / scale).astype(np.float32)
        is_better = ncc > best
        best[is_better], which[is_better] = ncc[is_better], index
    return best, which, origin


def _placed(mask: AnyMask, corner: tuple[int, int], size: tuple[int, ...]) -> Mask:
    """Lay a template's mask over an image of (height, width)."""
    placed = np.zeros(size, dtype=bool)
    (y, x), (height, width) = corner, mask.shape
    top, left = max(0, y), max(0, x)
    bottom, right = min(size[0], y + height), min(size[1], x + width)
    if top < bottom and left < right:
        placed[top:bottom, left:right] = mask[top - y : bottom - y, left - x : right - x]
    return placed


def learn_min_ncc(
    painted: PaintedClass,
    images: Sequence[Image],
    is_valid: Sequence[Mask],
    painted_on: frozenset[int],
) -> PaintedClass:
    """Say how high the correlation must be, by what the references show.

    The threshold lies in the widest gap between the correlations of all places, but not above the
    best place of any reference that clearly shows the part.
    """
    correlations = [
        [each.ncc for each in detect(painted, image, valid, min_ncc=MIN_NCC / 2)]
        for image, valid in zip(images, is_valid, strict=True)
    ]
    shown = [each[0] for i, each in enumerate(correlations) if each and i not in painted_on]
    shown = [each for each in shown if each >= MIN_NCC]
    highest = min([CLEAR_NCC, *shown])
    values = np.sort([each for one in correlations for each in one])
    edges = np.clip(np.r_[MIN_NCC, values, highest], MIN_NCC, highest)
    edges = np.sort(edges)
    widest = int(np.argmax(np.diff(edges)))
    least = float(edges[widest] + edges[widest + 1]) / 2
    return replace(painted, min_ncc=least)


def with_painted(
    aligned: AlignedParts,
    classes: Sequence[PaintedClass],
    image: Image,
    is_valid: Mask,
    given: Mapping[int, Sequence[Mask]] | None = None,
) -> AlignedParts:
    """Find painted classes, and take their pixels from the other parts.

    ``given`` are masks of a class that need not be found, because they were painted here.
    """
    for painted in classes:
        masks = list((given or {}).get(painted.class_id, ()))
        known = np.logical_or.reduce(masks) if masks else np.zeros(is_valid.shape, dtype=bool)
        found = [(each.mask, 1 - each.ncc) for each in detect(painted, image, is_valid)]
        new = [(mask & is_valid, 0.0) for mask in masks]
        new += [each for each in found if (each[0] & known).sum() <= _SAME * each[0].sum()]
        for mask, cost in new:
            if mask.any():
                aligned = _with_part(aligned, mask, painted.class_id, max(0.0, cost))
    return aligned


def _with_part(aligned: AlignedParts, mask: Mask, class_id: int, cost: float) -> AlignedParts:
    """Put a part on top of the others; those of which little is left are part of it."""
    parts = aligned.parts
    left_px = np.bincount(parts.labels[~mask & (parts.labels >= 0)], minlength=len(parts))
    is_covered = np.bincount(parts.labels[mask & (parts.labels >= 0)], minlength=len(parts)) > 0
    is_kept = ~is_covered | (left_px > _REMNANT * parts.area_px)
    number = np.append(np.where(is_kept, np.cumsum(is_kept) - 1, np.count_nonzero(is_kept)), -1)
    labels = number[parts.labels]
    labels[mask] = np.count_nonzero(is_kept)
    return replace(
        aligned,
        parts=Parts(labels, np.append(parts.is_background[is_kept], False)),
        class_of_part=np.append(aligned.class_of_part[is_kept], class_id),
        cost=np.append(aligned.cost[is_kept], cost),
    )


def refine_border(image: Image, mask: Mask) -> Mask:
    """Move the border of a mask to where the colour changes, by a tenth of its size at most.

    A pixel near the border goes to the side whose colour nearby it resembles; where both sides look
    alike, the border stays.
    """
    if not mask.any():
        return mask
    reach = max(2.0, 0.1 * float(np.sqrt(np.count_nonzero(mask))))
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    margin = int(3 * reach) + 1
    window = (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1),
    )
    lab = to_lab(image[window])
    inside = mask[window].astype(np.uint8)
    within = cv2.distanceTransform(np.pad(inside, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    depth = within - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
    apart = [_apart(lab, (side * depth > reach).astype(np.float32), reach) for side in (1, -1)]
    evidence = np.clip((apart[1] - apart[0]) / _CLEAR_DIFFERENCE, -2, 2) + depth / reach
    sharp = mask.copy()
    sharp[window] = np.where(np.abs(depth) <= reach, evidence > 0, inside > 0)
    opened = cv2.morphologyEx(sharp[window].astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3)))
    if opened.any():
        sharp[window] = opened > 0
    return sharp


def _apart(
    lab: Float32[np.ndarray, "rows columns 3"],
    side: Float32[np.ndarray, "rows columns"],
    reach: float,
) -> Float32[np.ndarray, "rows columns"]:
    """Distance of each pixel to the mean colour of one side of the border nearby."""
    share = cv2.GaussianBlur(side, (0, 0), reach)
    mean = cv2.GaussianBlur(lab * side[..., None], (0, 0), reach)
    mean /= np.maximum(share, np.float32(1e-4))[..., None]
    distance: np.ndarray = np.sqrt(((lab - mean) ** 2).sum(axis=2))
    return np.where(share > 1e-3, distance, np.float32(0))
