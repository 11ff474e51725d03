"""Twins: photographs that are the same one, written twice.

A copy may be compressed, scaled, cropped or turned by a little, mirrored, turned by quarters, or
brighter. Two photographs of one product are no twins, however alike the product is from piece to
piece: what they share is the product, while copies share the noise of the camera too.

So each pair is laid on each other, first small and roughly, then finely, and their tones are
matched. They are twins if no field of them differs by more than compression or resampling explains,
and if, where the picture is even, the finest detail goes together: the noise of the camera, unless
what is behind the product is seen in all photographs, which others of the set tell. Where
compression has wiped noise out, all fine detail has to go together, and the two must be far nearer
to each other than photographs of this product usually are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import combinations
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from alignment.transforms import Affine
from features.images import AnyImage, resize

# Of nine products: copies, compressed down to JPEG quality 30, differ by at most 0.004, different
# photographs by 0.006 or more.
SAME_BELOW = 0.006
# a field of a copy differs by some grey levels at most, and as if moved by a part of a pixel:
# copies reach 1.9 of that, different photographs that lie on each other 5 or more
_FIELD_PX, _MAY_DIFFER, _MAY_BE_MOVED_PX = 15, 2.5, 0.4
_LOCAL_BELOW = 2.2
# in even parts, fine detail of copies goes together by 0.1 or more, of other photographs by 0.01
_NOISE_ABOVE, _DETAIL_ABOVE = 0.06, 0.35
# below so many grey levels there is no noise left to compare, and more of the rest is asked for,
# and a difference that is this share of the usual one
_NO_NOISE, _ALL_DETAIL_ABOVE, _SHARE_OF_USUAL = 0.4, 0.7, 1 / 3
# what others of the set share is no noise, and copies have to share as much of the rest, too
_SHARE_OF_REST, _SURELY_SHARED, _NOISE_OF_STEADY = 0.2, 0.2, 0.8

# sides of the square pictures that are laid on each other, and how much copies differ there at most
_SQUARES = {64: 0.05, 128: SAME_BELOW}
# before their tones are matched: parts that are white in one of them differ
_BEFORE_TONES = 0.03
_LARGE_PX = 512
_MAX_SHIFT = 0.1
_SCALES = (0.9, 0.95, 1.05, 1.1)  # with the rim cut off, or the other way round
_TURNS = [(n_quarters, step) for n_quarters in range(4) for step in (1, -1)]
_HOPELESS = 0.5  # no small change of pose makes one photograph of two that differ as much
_EVEN_SHARE = 0.3
# by so many levels of 255, one copy is no less like other photographs than another copy
_LIKE = 2.0

Square = Float32[np.ndarray, "_side _side 3"]
Grey = Float32[np.ndarray, "_height _width"]
Field = Bool[np.ndarray, "_height _width"]


@dataclass(frozen=True)
class _Views:
    """A photograph as squares of CIELAB, one for each of ``_SQUARES``, and large in grey."""

    squares: tuple[Square, ...]
    large: Grey

    @cached_property
    def finest(self) -> Grey:
        """What is finest in the large picture, noise above all."""
        return _finest(self.large)

    @cached_property
    def is_even(self) -> Field:
        """Where the large picture is most even."""
        return _most_even(self.large, np.ones(self.large.shape, dtype=bool))


@dataclass(frozen=True)
class _Likeness:
    """What two photographs laid on each other have in common.

    ``difference`` is 1 less the correlation of their colours; ``local`` is how much the worst field
    differs, in units of what it may in a copy; ``detail`` and ``noise`` are the correlations of
    what is finest, everywhere and where the picture is even; ``noise_levels`` is how strong the
    latter is in the weaker of the two, in grey levels.
    """

    difference: float
    local: float = np.inf
    detail: float = 0.0
    noise: float = 0.0
    noise_levels: float = 0.0

    @property
    def is_alike(self) -> bool:
        """Whether nothing but their noise can tell them apart."""
        return self.difference < SAME_BELOW and self.local < _LOCAL_BELOW

    def is_proof(self, noise_of_others: float) -> bool:
        """Whether both were made of the same noise, of which others share so much."""
        is_shared = min(1.0, max(0.0, noise_of_others) / _SURELY_SHARED)
        more = _SHARE_OF_REST * (1 - noise_of_others) * is_shared
        limit = max(_NOISE_ABOVE, noise_of_others + more)
        is_same = self.is_alike and self.detail > _DETAIL_ABOVE
        return is_same and self.noise_levels >= _NO_NOISE and self.noise > limit

    @property
    def is_hint(self) -> bool:
        """Whether they would be the same if noise could tell, which it cannot."""
        is_same = self.is_alike and self.detail > _ALL_DETAIL_ABOVE
        return is_same and self.noise_levels < _NO_NOISE


def find_twins(images: Sequence[AnyImage]) -> dict[int, int]:
    """Tell which photographs are copies of another: index of the copy → index of the original.

    The original is most like the other photographs, then of most pixels, then of most detail.
    """
    views = [_views(image) for image in images] if len(images) > 1 else []
    group = list(range(len(views)))
    for one, other in _same(list(combinations(group, 2)), views, views):
        group = [group[one] if each == group[other] else each for each in group]
    twins: dict[int, int] = {}
    for number in set(group):
        members = [index for index, each in enumerate(group) if each == number]
        others = [views[index] for index, each in enumerate(group) if each != number]
        original = min(members, key=lambda index: _rank(images[index], views[index], others))
        twins |= {index: original for index in members if index != original}
    return dict(sorted(twins.items()))


def find_copies(images: Sequence[AnyImage], originals: Sequence[AnyImage]) -> dict[int, int]:
    """Tell which images are copies of one of the originals: index of it → index of the original."""
    if not images:
        return {}
    views, others = [_views(image) for image in images], [_views(image) for image in originals]
    pairs = [(original, image) for image in range(len(views)) for original in range(len(others))]
    return {image: original for original, image in _same(pairs, others, views)}


def _same(
    pairs: Sequence[tuple[int, int]], ones: Sequence[_Views], others: Sequence[_Views]
) -> list[tuple[int, int]]:
    """Return the pairs, one of each, that show the same photograph."""
    found = {(one, other): _likeness(ones[one], others[other]) for one, other in pairs}
    unlike = [pair for pair, each in found.items() if not each.is_alike]
    # where all are alike, it may be a steady line: less than the same noise is no proof then
    limit, alone = (0.0, _NOISE_OF_STEADY) if len(pairs) > 1 else (np.inf, 0.0)
    if unlike:
        limit = _SHARE_OF_USUAL * float(np.median([found[pair].difference for pair in unlike]))
    same: list[tuple[int, int]] = []
    shared: list[float] = []
    for pair, each in found.items():
        is_equal = np.array_equal(ones[pair[0]].large, others[pair[1]].large)
        if is_equal or (each.is_hint and each.difference < limit):
            same.append(pair)
        elif each.is_alike and each.noise > _NOISE_ABOVE:
            shared = shared or [_shared_noise(ones[i], others[j]) for i, j in unlike] or [alone]
            if each.is_proof(max(shared)):
                same.append(pair)
    return same


def _shared_noise(one: _Views, other: _Views) -> float:
    """Return how much fine detail goes together where nothing is moved: what is behind all."""
    if one.large.shape != other.large.shape:
        return 0.0
    is_even = one.is_even & other.is_even
    return _correlation(one.finest[is_even], other.finest[is_even])


def _rank(
    image: AnyImage, views: _Views, others: Sequence[_Views]
) -> tuple[int, int, float, bytes]:
    """Return what copies are ordered by, the original first, in whatever order they came."""
    unlike = [float(np.abs(views.squares[0] - each.squares[0]).mean()) for each in others]
    return (
        round(float(np.median(unlike)) / _LIKE) if unlike else 0,
        -image.shape[0] * image.shape[1],
        -float(views.finest.std()),
        sha256(image.tobytes()).digest(),
    )


def _views(image: AnyImage) -> _Views:
    squares = (
        cv2.GaussianBlur(cv2.cvtColor(resize(image, (side, side)), cv2.COLOR_RGB2LAB), (0, 0), 1.0)
        for side in _SQUARES
    )
    factor = min(1.0, _LARGE_PX / max(image.shape[:2]))
    height, width = (max(16, round(side * factor)) for side in image.shape[:2])
    large = cv2.cvtColor(resize(image, (height, width)), cv2.COLOR_RGB2GRAY)
    return _Views(tuple(each.astype(np.float32) for each in squares), large.astype(np.float32))


def _likeness(one: _Views, other: _Views) -> _Likeness:
    """Lay ``other`` on ``one``, ever more finely as long as they look the same, and compare."""
    rough = other.squares[0]
    turn = min(_TURNS, key=lambda each: _difference(one.squares[0], _turned(rough, each)))
    pictures = [_turned(each, turn) for each in (*other.squares, other.large)]
    turned = _Views(tuple(pictures[:-1]), pictures[-1])
    first = one.squares[0], turned.squares[0]
    to_other = min(_starts(*first), key=lambda start: _moved_difference(*first, start))
    difference = _moved_difference(*first, to_other)
    if difference > _HOPELESS:
        return _Likeness(difference)
    side_px = first[0].shape[0]
    for ours, theirs, limit in zip(one.squares, turned.squares, _SQUARES.values(), strict=True):
        start = _scaled(to_other, (side_px, side_px), ours.shape, theirs.shape)
        side_px = ours.shape[0]
        refined = _refined(ours[..., 0], theirs[..., 0], start, blur_px=5)
        difference, to_other = min(
            ((_moved_difference(ours, theirs, each), each) for each in (start, refined)),
            key=lambda each: each[0],
        )
        if limit <= difference < _BEFORE_TONES:
            difference = _toned_difference(ours, theirs, to_other)
        if difference >= limit:
            return _Likeness(difference)
    to_large = _scaled(to_other, (side_px, side_px), one.large.shape, turned.large.shape)
    to_large = _refined(one.large, turned.large, to_large, blur_px=3)
    return _fine_likeness(one.large, turned.large, to_large, difference)


def _turned(picture: Any, turn: tuple[int, int]) -> Any:
    """Turn a picture by quarters, and mirror it where the second number is -1."""
    return np.ascontiguousarray(np.rot90(picture, turn[0])[:, :: turn[1]])


def _starts(one: Square, other: Square) -> Iterator[Affine]:
    """Yield the same place at several sizes, and the best shift if it is small."""
    side = one.shape[0]
    for scale in (1, *_SCALES):
        rest = (1 - scale) * (side - 1) / 2
        yield np.array([[scale, 0, rest], [0, scale, rest]])
    window = cv2.createHanningWindow((side, side), cv2.CV_32F)
    light = [np.ascontiguousarray(each[..., 0]) for each in (one, other)]
    (x, y), _ = cv2.phaseCorrelate(light[0], light[1], window)
    if max(abs(x), abs(y)) < _MAX_SHIFT * side:
        yield np.array([[1, 0, x], [0, 1, y]], float)


def _refined(one: Grey, other: Grey, start: Affine, blur_px: int) -> Affine:
    """Improve an affine from pixels of ``one`` to those of ``other``, if it can be improved."""
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 100, 1e-5)
    with suppress(cv2.error):  # it does not converge on what has no contrast
        found = cv2.findTransformECC(
            np.ascontiguousarray(one),
            np.ascontiguousarray(other),
            start.astype(np.float32),
            cv2.MOTION_AFFINE,
            criteria,
            np.full(one.shape, 255, np.uint8),
            blur_px,
        )
        return np.asarray(found[1], float)
    return start


def _scaled(
    affine: Affine, before: tuple[int, int], one: tuple[int, ...], other: tuple[int, ...]
) -> Affine:
    """Turn an affine between pictures of equal size into one between pictures of other sizes."""

    def to_before(shape: tuple[int, ...]) -> np.ndarray:
        y, x = before[0] / shape[0], before[1] / shape[1]
        # centres of pixels lie at whole numbers
        return np.array([[x, 0, x / 2 - 0.5], [0, y, y / 2 - 0.5], [0, 0, 1]])

    whole = np.linalg.inv(to_before(other)) @ np.vstack([affine, [0, 0, 1]]) @ to_before(one)
    return np.asarray(whole[:2])


def _moved_difference(one: Square, other: Square, to_other: Affine) -> float:
    moved, is_common = _laid(other, to_other, one.shape)
    return _difference(one, moved, is_common)


def _laid(
    other: Float32[np.ndarray, "..."], to_other: Affine, shape: tuple[int, ...]
) -> tuple[Float32[np.ndarray, "..."], Field]:
    """Bring a picture into the frame of another; where both show something, but for a rim."""
    moved = cv2.warpAffine(
        other,
        to_other,
        shape[1::-1],
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    inside = np.full(other.shape[:2], 255, np.uint8)
    covered = cv2.warpAffine(
        inside, to_other, shape[1::-1], flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    )
    is_common = cv2.erode(covered, np.ones((9, 9)), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(moved, np.float32), np.asarray(is_common > 0)


def _toned_difference(one: Square, other: Square, to_other: Affine) -> float:
    """Return the difference after each channel of ``other`` was given the tones of ``one``."""
    moved, is_common = _laid(other, to_other, one.shape)
    planes = []
    for ours, theirs in ((one[..., i], moved[..., i]) for i in range(3)):
        # what is white in the other cannot be told apart here
        clipped = _toned(_toned(ours, theirs, is_common), ours, is_common)
        planes.append((clipped, _toned(theirs, ours, is_common)))
    a, b = (np.stack(each, axis=-1) for each in zip(*planes, strict=True))
    return _difference(a, b, is_common)


def _toned(other: Grey, one: Grey, is_common: Field) -> Grey:
    """Give a picture the tones of another that it lies on."""
    shares = np.linspace(0, 1, 65)
    theirs, ours = (np.quantile(each[is_common], shares) for each in (other, one))
    theirs, first = np.unique(theirs, return_index=True)
    return np.asarray(np.interp(other, theirs, ours[first]), np.float32)


def _difference(one: Square, other: Square, is_common: Field | None = None) -> float:
    """1 less the correlation of colours, 0 … 2; two even photographs have nothing to differ in."""
    if is_common is None:
        is_common = np.ones(one.shape[:2], dtype=bool)
    # what is left of a photograph must be most of it
    if is_common.mean() < 0.5:
        return 2.0
    a, b = (each[is_common] for each in (one, other))
    a, b = (a - a.mean(axis=0)).ravel(), (b - b.mean(axis=0)).ravel()
    size = float(np.sqrt(np.dot(a, a) * np.dot(b, b)))
    return 1 - float(np.dot(a, b)) / size if size > 0 else 0.0


def _fine_likeness(one: Grey, other: Grey, to_other: Affine, difference: float) -> _Likeness:
    moved, is_common = _laid(other, to_other, one.shape)
    if is_common.mean() < 0.5:
        return _Likeness(difference)
    ours, theirs = _finest(one), _finest(moved)
    is_even = _most_even(one, is_common)
    return _Likeness(
        difference,
        local=_local_difference(one, moved, is_common),
        detail=_correlation(ours[is_common], theirs[is_common]),
        noise=_correlation(ours[is_even], theirs[is_even]),
        noise_levels=float(min(ours[is_even].std(), theirs[is_even].std())),
    )


def _slope(grey: Grey) -> Grey:
    x, y = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.asarray(np.hypot(x, y), np.float32)


def _most_even(grey: Grey, is_common: Field) -> Field:
    slope = cv2.GaussianBlur(_slope(cv2.GaussianBlur(grey, (0, 0), 2)), (0, 0), 3)
    return np.asarray(is_common & (slope <= np.quantile(slope[is_common], _EVEN_SHARE)))


def _finest(grey: Grey) -> Grey:
    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), 1.5), np.float32)


def _correlation(one: Float32[np.ndarray, " n"], other: Float32[np.ndarray, " n"]) -> float:
    size = float(np.sqrt(np.sum(one * one) * np.sum(other * other)))
    # two that have no detail at all do not differ in it
    return float(np.sum(one * other)) / size if size > 0 else 1.0


def _local_difference(one: Grey, other: Grey, is_common: Field) -> float:
    """Return the worst difference of a field, in units of what a copy may have there.

    A copy differs a little everywhere, and more where the picture is steep; another piece differs
    where it is another one.
    """
    ours, theirs = one[is_common], other[is_common]
    # of pictures of one colour, the difference is in the offset
    gain = np.cov(ours, theirs)[0, 1] / max(float(np.var(theirs)), 1e-6)
    fitted = (gain * (other - theirs.mean()) + ours.mean()).astype(np.float32)
    toned, back = _toned(other, one, is_common), _toned(one, other, is_common)
    # what is white or black in one of them cannot be told apart in the other
    clipped = _toned(back, one, is_common), _toned(toned, other, is_common)
    return min(
        _worst_field(one, fitted, is_common),
        max(_worst_field(clipped[0], toned, is_common), _worst_field(clipped[1], back, is_common)),
    )


def _worst_field(one: Grey, other: Grey, is_common: Field) -> float:
    a, b = (cv2.GaussianBlur(each, (0, 0), 1.5) for each in (one, other))
    slope = np.minimum(*(_slope(each) / 8 for each in (a, b)))
    weight = cv2.blur(is_common.astype(np.float32), (_FIELD_PX, _FIELD_PX))
    gap, steep = (
        cv2.blur(np.where(is_common, each, 0).astype(np.float32), (_FIELD_PX, _FIELD_PX))
        for each in (np.abs(a - b), slope)
    )
    ratio = (gap / (_MAY_DIFFER + _MAY_BE_MOVED_PX * steep))[weight > 0.99]
    return float(ratio.max()) if ratio.size else np.inf
