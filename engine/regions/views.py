"""How does a region look once its size and rotation are taken away?

A square around the region, with as much of its surroundings as of itself, is brought to one size
and turned about its middle in equal steps. Colour becomes the difference from the surroundings, so
that light and ground cancel; what is lost by that (size, thickness, colour) is told in numbers, in
``engine.regions.measures``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from engine.regions.measures import MEASURES, measure
from features.region import Region

SIDE_PX = 48
# quarters: steps of 45 degrees were tried and told no more
N_TURNS = 4
# side of the square, in sides of the region's box: the outer third of it is surroundings
MARGIN = 1.5
# and at least as many pixels of the photograph on each side of the smallest region
MIN_MARGIN_PX = 6
# units of CIELAB at which a difference counts half of the largest
HALF_CONTRAST = 20.0
CHANNELS = ("lightness", "green_red", "blue_yellow", "mask")

# what holds the square however it is turned; training turns it by any angle
WIDE_PX = 2 * math.ceil(SIDE_PX / math.sqrt(2))


@dataclass(frozen=True)
class Views:
    """Regions in canonical form; view 0 is as photographed, each next one turned on.

    ``pixels`` hold ``CHANNELS``: colour relative to the surroundings in -1 … 1, and how far a
    pixel belongs to the region, 0 … 1. ``measures`` hold ``MEASURES``, which no turn changes.
    """

    pixels: Float32[np.ndarray, "regions views side side channels"]
    measures: Float32[np.ndarray, "regions measures"]


def cut(image: UInt8[np.ndarray, "height width 3"], regions: Sequence[Region]) -> Views:
    """Bring regions of one image to canonical form; outside the image nothing differs."""
    pixels = np.empty((len(regions), N_TURNS, SIDE_PX, SIDE_PX, len(CHANNELS)), np.float32)
    measures = np.empty((len(regions), len(MEASURES)), np.float32)
    for row, region in enumerate(regions):
        planes, measures[row] = cut_wide(image, region)
        pixels[row] = [turned(planes, turn) for turn in range(N_TURNS)]
    return Views(pixels, measures)


def cut_wide(
    image: UInt8[np.ndarray, "height width 3"], region: Region
) -> tuple[Float32[np.ndarray, "wide wide channels"], Float32[np.ndarray, " measures"]]:
    """Cut one region with enough around it to be turned; ``CHANNELS`` and ``MEASURES``."""
    lab, mask, shown = _square(image, region)
    around = _surroundings(lab, (mask < 0.02) & (shown > 0.98))
    difference = (lab - around) * shown[..., None]
    measures = measure(region, image.shape[:2], difference, mask, around)
    difference /= np.abs(difference) + np.float32(HALF_CONTRAST)
    return np.dstack([difference, mask]), np.array(measures, np.float32)


def _square(
    image: UInt8[np.ndarray, "height width 3"], region: Region
) -> tuple[
    Float32[np.ndarray, "side side 3"],
    Float32[np.ndarray, "side side"],
    Float32[np.ndarray, "side side"],
]:
    """Return CIELAB around the region, its coverage, and where the photograph is."""
    left, top, right, bottom = region.box_xyxy
    longer = max(right - left, bottom - top)
    side = round(max(MARGIN * longer, longer + 2 * MIN_MARGIN_PX) * WIDE_PX / SIDE_PX)
    x0, y0 = (left + right - side) // 2, (top + bottom - side) // 2
    covered = np.zeros((side, side), np.uint8)
    covered[top - y0 : bottom - y0, left - x0 : right - x0] = np.where(region.mask, 255, 0)
    window, shown = _window(image, x0, y0, side)

    rgb, mask, is_shown = (_resized(each) for each in (window, covered, shown))
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)), mask, is_shown


def _resized(square: UInt8[np.ndarray, "side side ..."]) -> Float32[np.ndarray, "wide wide ..."]:
    """Average where pixels become fewer, interpolate where they become more; 0 … 1."""
    method = cv2.INTER_AREA if len(square) > WIDE_PX else cv2.INTER_LINEAR
    resized = cv2.resize(square, (WIDE_PX, WIDE_PX), interpolation=method)
    return np.asarray(resized.astype(np.float32) / np.float32(255))


def _window(
    image: UInt8[np.ndarray, "height width 3"], x0: int, y0: int, side: int
) -> tuple[UInt8[np.ndarray, "side side 3"], UInt8[np.ndarray, "side side"]]:
    """Cut a square that may reach over the border; 255 where it shows the photograph."""
    height, width = image.shape[:2]
    edges = (max(-y0, 0), max(y0 + side - height, 0), max(-x0, 0), max(x0 + side - width, 0))
    inner = image[max(y0, 0) : y0 + side, max(x0, 0) : x0 + side]
    shown = np.full(inner.shape[:2], 255, np.uint8)
    if not any(edges):
        return inner, shown
    return (
        np.asarray(cv2.copyMakeBorder(inner, *edges, cv2.BORDER_REPLICATE)),
        np.asarray(cv2.copyMakeBorder(shown, *edges, cv2.BORDER_CONSTANT, value=0)),
    )


def _surroundings(
    lab: Float32[np.ndarray, "side side 3"], is_around: np.ndarray
) -> Float32[np.ndarray, "3"]:
    """Return the median colour of the surroundings, or of all where there are hardly any."""
    pixels = lab[is_around]
    if len(pixels) < WIDE_PX:
        pixels = lab.reshape(-1, 3)
    return np.asarray(np.median(pixels, axis=0), np.float32)


def turned(planes: Float32[np.ndarray, "wide wide channels"], turn: int) -> np.ndarray:
    """Cut the canonical square and turn it by ``turn`` quarters."""
    lead = (WIDE_PX - SIDE_PX) // 2
    return np.rot90(planes[lead : lead + SIDE_PX, lead : lead + SIDE_PX], turn)
