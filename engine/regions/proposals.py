"""Region proposals by hysteresis thresholding of the novelty map.

A novelty of 1 is the most that normal images showed, so the threshold is the references' own.
Hysteresis (Canny, 1986): a region grows from a certainly new pixel over all that is perhaps new,
but not into the halo of its own peak, which blurs over a cell or two.

An image that cannot show what the references show proposes nothing that could be learnt: it is
refused (``check_product``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from engine.regions.lines import bridged, chained
from engine.regions_config import ProposalConfig
from features.images import AnyMask, ImageError
from features.region import Region

Map = Float32[np.ndarray, "height width"]
Plane = UInt8[np.ndarray, "_ _"]

# another camera, crop or product; lenses and margins differ by less
MAX_ASPECT_RATIO = 1.5
# half of what the smallest references have: details that tell things apart are gone
MIN_SIDE_PX = 32


@dataclass(frozen=True)
class Proposal:
    """A region of the registered working image, and the novelty of its newest pixels."""

    region: Region
    peak: float


def propose(novelty: Map, config: ProposalConfig) -> list[Proposal]:
    """Cut what is new into regions, the newest first; those of pieces of one band are joined."""
    pieces = sorted(_peeled(novelty.copy(), config), key=lambda each: -each.peak)
    pieces = pieces[: config.max_regions]
    wholes = [
        _whole([pieces[i] for i in group]) for group in chained([piece.region for piece in pieces])
    ]
    return sorted(wholes, key=lambda each: -each.peak)


def _whole(pieces: Sequence[Proposal]) -> Proposal:
    if len(pieces) == 1:
        return pieces[0]
    return Proposal(bridged([each.region for each in pieces]), max(each.peak for each in pieces))


def _peeled(left: Map, config: ProposalConfig) -> Iterator[Proposal]:
    """Take off the newest regions with their halo until nothing certain is left."""
    halo = _disc(config.halo_px)
    while True:
        is_peeled = np.zeros(left.shape, dtype=bool)
        for window, is_inside in _components(left >= config.grow_above, config.join_px):
            values = np.where(is_inside, left[window], 0)
            peak = float(values.max())
            if peak < config.seed_above:
                continue
            level = max(config.grow_above, config.halo * peak)
            for inner, is_core in _components(values >= level, config.join_px):
                strongest = float(np.where(is_core, values[inner], 0).max())
                if strongest < config.seed_above:
                    continue
                if np.count_nonzero(is_core) >= config.min_area_px:
                    corner = window[1].start + inner[1].start, window[0].start + inner[0].start
                    yield Proposal(Region.of(is_core, corner), strongest)
                is_peeled[window][inner] |= is_core
        if not is_peeled.any():
            return
        left[cv2.dilate(is_peeled.astype(np.uint8), halo) > 0] = 0


def _components(mask: AnyMask, gap_px: int) -> Iterator[tuple[tuple[slice, slice], AnyMask]]:
    """Give the window of each component and its pixels there, small gaps in it closed.

    What is no farther apart than a small gap is one component even where closing fills no gap: in
    lines thinner than that.
    """
    reached, closed = _closed(mask.astype(np.uint8), gap_px)
    n_components, components, statistics, _ = cv2.connectedComponentsWithStats(reached)
    for number in range(1, n_components):
        x, y, width, height, _ = statistics[number].tolist()
        window = slice(y, y + height), slice(x, x + width)
        yield window, (components[window] == number) & (closed[window] > 0)


def _closed(mask: Plane, gap_px: int) -> tuple[Plane, Plane]:
    """Widen a mask by half the gap, and narrow that again; alike at the border and away from it."""
    if not gap_px:
        return mask, mask
    disc, inner = _disc((gap_px + 1) // 2), np.s_[gap_px:-gap_px, gap_px:-gap_px]
    wide = cv2.dilate(np.pad(mask, gap_px), disc)
    return wide[inner], cv2.erode(wide, disc)[inner]


def _disc(radius_px: int) -> np.ndarray:
    size = 2 * radius_px + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))


def check_product(name: str, image_size: tuple[int, int], reference_size: tuple[int, int]) -> None:
    """Refuse to learn from an image that cannot show what the references, of this size, show.

    Raises:
        ImageError: Its shape is another, or it is very small.
    """
    (height, width), (usual_height, usual_width) = image_size, reference_size
    ratio = (width / height) / (usual_width / usual_height)
    if max(ratio, 1 / ratio) > MAX_ASPECT_RATIO:
        raise ImageError(
            f"{name} must have about the shape of the references, {usual_width}×{usual_height} px "
            f"(width×height), got {width}×{height}; check that image and model are of one product"
        )
    if min(image_size) < MIN_SIDE_PX:
        raise ImageError(
            f"{name} must have {MIN_SIDE_PX} px or more along each side to be learnt from, "
            f"got {width}×{height} (width×height); use a larger photograph"
        )
