"""Straight bands: colours averaged along one, and pieces joined to one.

Faults of a weave run along a yarn that crosses others: half of its pixels look like sound cloth.
Averaged along the yarn they no longer do.

A faint line falls into pieces where it crosses what hides it. Pieces that lie in one narrow band,
with gaps that are short beside what is seen of it, are joined, the gaps included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32

from features.images import Mask
from features.region import Region

# times as long as thick
_MIN_ELONGATION = 6.0
# times as broad, overall, as thick anywhere; a thread that curls is broader
_MAX_BREADTH = 1.4
# px; some yarns of a coarse weave
_SPREAD_PX = 16.0

# a band is at least so many times as long as wide
ELONGATION = 3.0
# pieces that lie this much wider than they are on the mean, plus a pixel or two, are no band
WIDENING, SLACK_PX = 1.4, 2.0
# a gap is at most this share of what is seen of the band
LARGEST_GAP = 0.5
# what is longer is no dot, and dots whose centres are farther apart are no row
DOT_PX, STEP_PX = 10, 24
# so many dots, each within this share of a step of where the others make one expect it, are hardly
# there by chance: among specks thrown on 250 × 250 px, 20 in none of 3000 images, 40 in 8 of 1500
LEAST_DOTS, UNEVENNESS = 5, 0.3


# One band


def band_direction(mask: Mask) -> Float[np.ndarray, " 2"] | None:
    """Give the direction (x, y) of a straight band; None if it is none.

    Length and breadth are those of the rectangle with the region's second moments.
    """
    rows, columns = np.nonzero(mask)
    if len(rows) < 2:
        return None
    moments, axes = np.linalg.eigh(np.cov(columns, rows))
    breadth, length = np.sqrt(12 * np.maximum(moments, 0))
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)
    thickness = 2 * float(depth.max())
    is_band = length > _MIN_ELONGATION * thickness and breadth < _MAX_BREADTH * thickness
    return np.asarray(axes[:, 1]) if is_band else None


def averaged_along(
    lab: Float32[np.ndarray, "height width 3"], direction_xy: Float[np.ndarray, " 2"]
) -> Float32[np.ndarray, "height width 3"]:
    """Blur an image in one direction only."""
    x, y = direction_xy
    if abs(y) > abs(x):
        turned = averaged_along(np.ascontiguousarray(lab.transpose(1, 0, 2)), direction_xy[::-1])
        return np.ascontiguousarray(turned.transpose(1, 0, 2))
    # sheared, the band is level
    height, width = lab.shape[:2]
    shear = np.array([[1, 0, 0], [y / x, 1, -y / x * width / 2]], dtype=np.float32)
    level = cv2.warpAffine(
        lab,
        shear,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    level = cv2.GaussianBlur(level, (0, 0), sigmaX=_SPREAD_PX, sigmaY=0.3)
    averaged: np.ndarray = cv2.warpAffine(
        level, shear, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return averaged


# Pieces of one band


@dataclass(frozen=True)
class _Band:
    """Extent of some pixels along and across their main direction, in pixels."""

    length: float
    width: float
    points_xy: Float[np.ndarray, "points 2"]


def chained(regions: Sequence[Region]) -> list[list[int]]:
    """Return groups of indices of regions that are pieces of one band; most have one member."""
    bands = [_band(_outline(region)) for region in regions]
    groups = [[index] for index in range(len(regions))]
    _merge(groups, bands)
    # dots have no direction of their own, but several in a row have
    while row := _row_of_dots(bands):
        groups.append([index for dot in row for index in groups[dot]])
        bands.append(_band(np.concatenate([bands[dot].points_xy for dot in row])))
        for dot in sorted(row, reverse=True):
            del groups[dot], bands[dot]
    _merge(groups, bands)
    return groups


def bridged(pieces: Sequence[Region]) -> Region:
    """Return the pieces of a band with the gaps between them."""
    hull = cv2.convexHull(np.concatenate([_outline(piece) for piece in pieces]).astype(np.int32))
    left, top = hull[:, 0].min(axis=0).tolist()
    right, bottom = hull[:, 0].max(axis=0).tolist()
    mask = np.zeros((bottom - top + 1, right - left + 1), dtype=np.uint8)
    cv2.fillConvexPoly(mask, hull - np.array([left, top], dtype=np.int32), 1)
    return Region.of(_as_mask(mask), (left, top))


def _merge(groups: list[list[int]], bands: list[_Band]) -> None:
    """Join any two groups that are one band, until no two are."""
    pairs = [(i, j) for i in range(len(groups)) for j in range(i + 1, len(groups))]
    while pairs:
        first, second = pairs.pop(0)
        joint = _joined(bands[first], bands[second])
        if joint is not None:
            groups[first] += groups.pop(second)
            bands[first] = joint
            bands.pop(second)
            pairs = [(i, j) for i in range(len(groups)) for j in range(i + 1, len(groups))]


def _row_of_dots(bands: Sequence[_Band]) -> list[int]:
    """Return the longest row of dots, evenly spaced; empty if there is none."""
    dots = [index for index, band in enumerate(bands) if band.length <= DOT_PX]
    if len(dots) < LEAST_DOTS:
        return []
    centers = np.array([bands[dot].points_xy.mean(axis=0) for dot in dots])
    apart = np.linalg.norm(centers[:, None] - centers, axis=-1)
    longest: list[int] = []
    for first, second in np.argwhere((apart > 0) & (apart <= STEP_PX)).tolist():
        row = _continued(centers, first, second)
        if len(row) > len(longest):
            longest = row
    return [dots[each] for each in longest] if len(longest) >= LEAST_DOTS else []


def _continued(centers: Float[np.ndarray, "dots 2"], first: int, second: int) -> list[int]:
    """Go on from two dots as long as there is one where a next is expected.

    One that is missing is passed over if the next but one is near enough.
    """
    row, n_steps = [first, second], 1
    while True:
        step = (centers[row[-1]] - centers[first]) / n_steps
        length = float(np.linalg.norm(step))
        ahead = centers - centers[row[-1]]
        steps = np.maximum(np.rint(ahead @ step / length**2), 1)
        away = np.linalg.norm(ahead - steps[:, None] * step, axis=1)
        is_next = (away <= UNEVENNESS * length) & (steps <= max(1, STEP_PX / length))
        is_next[row] = False
        if not is_next.any():
            return row
        following = int(np.where(is_next, steps, np.inf).argmin())
        row.append(following)
        n_steps += int(steps[following])


def _as_mask(mask: np.ndarray) -> Bool[np.ndarray, "rows columns"]:
    return np.asarray(mask > 0)


def _outline(region: Region) -> Float[np.ndarray, "points 2"]:
    """Return the pixels (x, y) on the region's border."""
    contours, _ = cv2.findContours(
        region.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    points = np.concatenate([contour[:, 0] for contour in contours])
    return points.astype(np.float64) + region.box_xyxy[:2]


def _band(points_xy: Float[np.ndarray, "points 2"]) -> _Band:
    _, (one, other), _ = cv2.minAreaRect(points_xy.astype(np.float32))
    return _Band(max(one, other) + 1, min(one, other) + 1, points_xy)


def _joined(one: _Band, other: _Band) -> _Band | None:
    """Return the band of both, if they are pieces of one."""
    if max(each.length / each.width for each in (one, other)) < ELONGATION:
        return None
    joint = _band(np.concatenate([one.points_xy, other.points_xy]))
    is_narrow = joint.width <= WIDENING * (one.width + other.width) / 2 + SLACK_PX
    seen = one.length + other.length
    is_short_gap = joint.length - seen <= LARGEST_GAP * seen
    is_long = joint.length >= ELONGATION * joint.width
    return joint if is_narrow and is_short_gap and is_long else None
