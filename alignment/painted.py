"""Where else is the thing that a person has painted on one reference?

The painted thing and a rim around it are a template. With the looks F of an image, those T of the
template, and weights W inside and on the rim, the *likeness* of a place d is the cosine

    Σ_x W(x) F(x + d) · T(x) / √(Σ_x W(x) |F(x + d)|² · Σ_x W(x) |T(x)|²),

for all places at once by FFT, in several turns: 1 where the thing is exactly, less where it is
missing. How much is enough follows from the references.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
import scipy.fft
from jaxtyping import Bool, Float32, Int, UInt8

from alignment.borders import sharpened
from alignment.looks import Looks, looks_of
from alignment.thing import Template, TemplateSpectrum

Mask = Bool[np.ndarray, "height width"]
Image = UInt8[np.ndarray, "height width 3"]

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


def _placed(
    inside: Bool[np.ndarray, "_ _"], corner: tuple[int, int], size: tuple[int, ...]
) -> Mask:
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
