"""Where else is the thing that a person has painted on one reference?

The painted thing and a rim around it are a template. With the looks F of an image, those T of the
template, and weights W inside and on the rim, the *likeness* of a place d is the cosine

    Σ_x W(x) F(x + d) · T(x) / √(Σ_x W(x) |F(x + d)|² · Σ_x W(x) |T(x)|²),

for all places at once by FFT, in several turns: 1 where the thing is exactly, less where it is
missing. How much is enough follows from the references.

Where exactly does a thing end whose place is known?

Which parts has an image once painted things lie on top of the parts that were cut?
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
from alignment.template_matching import Looks, Template, TemplateSpectrum, looks_of
from features.images import AnyMask, Image, Mask
from features.parts import Parts

# units of CIELAB that weigh as much as the whole way to the other side of the border
_CLEAR_DIFFERENCE = 6.0


def sharpened(image: Image, mask: Mask) -> Mask:
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
    crop = image[window].astype(np.float32) * np.float32(1 / 255)
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB)
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


# of the thing: two finds share at most this
_MAX_OVERLAP = 0.3
# of the thing: what the frame cuts off more of cannot be told
_MIN_SHOWN = 0.5
# likeness below which nothing is ever taken for the thing, and above which everything is
LEAST_LIKENESS, CLEAR_LIKENESS = 0.45, 0.8
# of the template's power: where an image has less, it is even, and likeness to noise means nothing
_LEAST_POWER = 0.2
_MOST_FINDS = 64


@dataclass(frozen=True)
class PaintedClass:
    """A class that was painted: its templates, and how much likeness is enough."""

    class_id: int
    templates: tuple[Template, ...]
    turns_deg: tuple[float, ...] = (0.0,)
    least_likeness: float = (LEAST_LIKENESS + CLEAR_LIKENESS) / 2

    @cached_property
    def turned(self) -> list[Template]:
        """All templates in all turns."""
        return [each.turned(angle) for each in self.templates for angle in self.turns_deg]

    @cached_property
    def _spectra(self) -> dict[tuple[int, int], list[TemplateSpectrum]]:
        return {}

    def spectra(self, grid: tuple[int, int]) -> list[TemplateSpectrum]:
        """All templates in all turns, ready for images of one size."""
        if grid not in self._spectra:
            self._spectra[grid] = [TemplateSpectrum.of(each, grid) for each in self.turned]
        return self._spectra[grid]

    def state(self) -> dict[str, np.ndarray]:
        """Return what the class consists of."""
        state = {
            "class_id": np.array([self.class_id]),
            "turns_deg": np.array(self.turns_deg),
            "least_likeness": np.array([self.least_likeness]),
        }
        for index, each in enumerate(self.templates):
            state |= {f"looks{index}": each.looks, f"inside{index}": each.inside}
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
class Find:
    """Where something like a painted thing is: its pixels, and how like it is."""

    likeness: float
    mask: Mask


def find(
    painted: PaintedClass, image: Image, is_valid: Mask, *, least_likeness: float | None = None
) -> list[Find]:
    """Find all places that are like what was painted, the likest first."""
    least = painted.least_likeness if least_likeness is None else least_likeness
    step = painted.templates[0].step
    likeness, which, origin = _likeness(painted, looks_of(image, is_valid, step))
    is_peak = (likeness >= cv2.dilate(likeness, np.ones((5, 5), np.uint8))) & (likeness >= least)
    rows, columns = np.nonzero(is_peak)
    order = np.argsort(-likeness[rows, columns], kind="stable")[:_MOST_FINDS]
    taken = np.zeros(image.shape[:2], dtype=bool)
    found: list[Find] = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        template = painted.turned[which[row, column]]
        corner = ((row - origin[0]) * step, (column - origin[1]) * step)
        mask = _placed(template.inside, corner, taken.shape) & is_valid
        whole = np.count_nonzero(template.inside)
        is_shown = np.count_nonzero(mask) >= _MIN_SHOWN * whole
        if not is_shown or np.count_nonzero(mask & taken) > _MAX_OVERLAP * whole:
            continue
        mask = sharpened(image, mask) & ~taken
        taken |= mask
        found.append(Find(float(likeness[row, column]), mask))
    return found


def _likeness(
    painted: PaintedClass, looks: Looks
) -> tuple[Float32[np.ndarray, "_ _"], Int[np.ndarray, "_ _"], tuple[int, int]]:
    """Return the likeness of each place, the template that gives it, and which entry is 0, 0.

    A place is that of the template's first corner, which may lie outside the image.
    """
    rows, columns = looks.shape[:2]
    high, wide = np.max([each.looks.shape[:2] for each in painted.turned], axis=0).tolist()
    grid = (
        scipy.fft.next_fast_len(rows + high, True),
        scipy.fft.next_fast_len(columns + wide, True),
    )
    spectrum = scipy.fft.rfft2(np.moveaxis(looks, -1, 0), grid, axes=(-2, -1))
    power = scipy.fft.rfft2(np.einsum("hwc,hwc->hw", looks, looks), grid)
    # places from half a template before the image on; what lies before it wraps around
    origin = (high // 2, wide // 2)
    window = np.ix_(np.arange(-origin[0], rows) % grid[0], np.arange(-origin[1], columns) % grid[1])
    best = np.full((rows + origin[0], columns + origin[1]), -np.inf, dtype=np.float32)
    which = np.zeros(best.shape, dtype=np.int64)
    for index, each in enumerate(painted.spectra(grid)):
        cross = scipy.fft.irfft2((each.weighted * spectrum).sum(axis=0), grid)[window]
        there = scipy.fft.irfft2(each.weight * power, grid)[window]
        scale = np.sqrt(np.maximum(there, _LEAST_POWER * each.own) * each.own)
        likeness = (cross / scale).astype(np.float32)
        is_better = likeness > best
        best[is_better], which[is_better] = likeness[is_better], index
    return best, which, origin


def _placed(inside: AnyMask, corner: tuple[int, int], size: tuple[int, ...]) -> Mask:
    """Lay a template's thing over an image of (height, width)."""
    placed = np.zeros(size, dtype=bool)
    (y, x), (height, width) = corner, inside.shape
    top, left = max(0, y), max(0, x)
    bottom, right = min(size[0], y + height), min(size[1], x + width)
    if top < bottom and left < right:
        placed[top:bottom, left:right] = inside[top - y : bottom - y, left - x : right - x]
    return placed


def learn_likeness(
    painted: PaintedClass,
    images: Sequence[Image],
    is_valid: Sequence[Mask],
    painted_on: frozenset[int],
) -> PaintedClass:
    """Say how much likeness is enough, by what the references show.

    The threshold lies in the widest gap between the likenesses of all places, but not above the
    best place of any reference that clearly shows the thing.
    """
    likest = [
        [each.likeness for each in find(painted, image, valid, least_likeness=LEAST_LIKENESS / 2)]
        for image, valid in zip(images, is_valid, strict=True)
    ]
    shown = [each[0] for i, each in enumerate(likest) if each and i not in painted_on]
    shown = [each for each in shown if each >= LEAST_LIKENESS]
    highest = min([CLEAR_LIKENESS, *shown])
    values = np.sort([each for one in likest for each in one])
    edges = np.clip(np.r_[LEAST_LIKENESS, values, highest], LEAST_LIKENESS, highest)
    edges = np.sort(edges)
    widest = int(np.argmax(np.diff(edges)))
    least = float(edges[widest] + edges[widest + 1]) / 2
    return replace(painted, least_likeness=least)


# of a part that something was painted over: who keeps less is a remnant of the painted thing
_REMNANT = 0.2
# of a find: what shares more with what was painted by hand is the same thing
_SAME = 0.3


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
        found = [(each.mask, 1 - each.likeness) for each in find(painted, image, is_valid)]
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
