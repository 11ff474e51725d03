"""Region maps over a photograph: novelty, class, and classification error.

All three lie over the photograph in grey, so that all colour is said by the map. Regions carry the
number of their place in the report, counted from 1. A kind is told without colour, too: accepted
regions have a thin rim and a check mark, defects a thick rim and a cross, unknown regions are
hatched and have a question mark. A region too small to be seen has a ring around it.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8

from alignment.transforms import compose, rescale
from engine.regions.frames import NOTHING, scaled
from engine.regions.report import FoundRegion, RegionReport
from engine.rendering import overlays
from engine.rendering.colors import EXTRA_COLOR, class_colors, heat_colors
from engine.rendering.labels import contour, line_px, number, ring, window
from engine.rendering.strokes import BLACK, WHITE, Color
from features.images import Image
from features.region import Region

# where the scale of errors may end; errors are mostly small, and some step must be 1
ERROR_STEPS = (0.1, 0.25, 0.5, 1.0)

_FILL = 0.55  # opacity of a class: the texture below must still be seen
_ERROR_OPACITY = 0.85


def draw_novelty(image: Image, report: RegionReport) -> Image:
    """Lay over a photograph how new each place is; what is newer than any normal is outlined.

    The photograph may have been reduced, here as in the other maps.
    """
    drawn = overlays.draw_heat(overlays.in_grey(image), report.novelty, _to_view(image, report))
    for region in _on_view(image, report):
        ring(drawn, region, WHITE)
    return drawn


def draw_classes(image: Image, report: RegionReport) -> Image:
    """Fill each region in the colour of its class, rim and number it.

    Where the tokens see another class than the region as a whole, the colour is the other one's.
    """
    drawn = overlays.in_grey(image)
    regions = _on_view(image, report)
    seen = _class_map_on_view(image, report)
    for each, region in zip(report.regions, regions, strict=True):
        _fill_region(drawn, report, each, region, seen)
    for each, region in zip(report.regions, regions, strict=True):
        _rim_region(drawn, region, each, color_of(report, each.class_index))
        ring(drawn, region, color_of(report, each.class_index))
    kinds = [each.kind for each in report.regions]
    colors = [color_of(report, each.class_index) for each in report.regions]
    number(drawn, regions, kinds, colors)
    return drawn


def draw_error(image: Image, report: RegionReport) -> Image:
    """Paint how much the scales disagree about the class of each place of a region.

    The scale reaches from 0 to ``error_top``.
    """
    grey, regions = overlays.in_grey(image), _on_view(image, report)
    drawn, size = grey.copy(), image.shape[1::-1]
    for color, width in ((BLACK, line_px(image) + 4), (WHITE, line_px(image) + 2)):
        for region in regions:
            contour(drawn, region, color, width)
    error: np.ndarray = cv2.warpAffine(
        report.error_map.astype(np.float32), _to_view(image, report), size
    )
    share = np.clip(error / error_top(report), 0, 1)
    colors = error_colors()[(share * 255).round().astype(np.uint8)].astype(np.float32)
    for region in regions:  # over the inner half of the line, which else hides thin ones
        inside = window(region)
        mixed = grey[inside] + _ERROR_OPACITY * (colors[inside] - grey[inside])
        drawn[inside][region.mask] = mixed.round().astype(np.uint8)[region.mask]
        ring(drawn, region, WHITE)
    return drawn


def error_top(report: RegionReport) -> float:
    """Return where the scale of errors of this report ends: the least step that holds them all."""
    return next(step for step in ERROR_STEPS if step >= min(1.0, float(report.error_map.max())))


def color_of(report: RegionReport, class_index: int) -> Color:
    """Return the colour of a class of the report; that of no class for a negative one."""
    if class_index < 0:
        return EXTRA_COLOR
    number = report.class_colors[class_index]
    red, green, blue = class_colors(number + 1)[-1].tolist()
    return red, green, blue


def error_colors() -> UInt8[np.ndarray, "256 3"]:
    """Return the scale of errors from 0 to 1: cividis, which is even to all viewers.

    Nuñez, Anderton and Renslow (2018).
    """
    ramp = np.arange(256, dtype=np.uint8)[None]
    colors: np.ndarray = cv2.applyColorMap(ramp, cv2.COLORMAP_CIVIDIS)[0, :, ::-1]
    return np.ascontiguousarray(colors)


# Frames


def _to_view(image: Image, report: RegionReport) -> Float[np.ndarray, "2 3"]:
    """From registered working pixels to pixels of the photograph as it is given."""
    from_file = rescale(report.report.image_size, image.shape[:2])
    return compose(from_file, report.report.to_image)


def _on_view(image: Image, report: RegionReport) -> list[Region]:
    """Bring all regions to the photograph as it is given; each keeps at least a pixel."""
    size = image.shape[0], image.shape[1]
    return [scaled(each.region, report.report.image_size, size) for each in report.regions]


def _class_map_on_view(image: Image, report: RegionReport) -> Int[np.ndarray, "height width"]:
    """Return the class of each pixel as the tokens see it."""
    moved: np.ndarray = cv2.warpAffine(
        report.class_map.astype(np.float32),
        _to_view(image, report),
        image.shape[1::-1],
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=NOTHING,
    )
    return moved.round().astype(np.int64)


# Strokes


def _fill_region(
    drawn: Image,
    report: RegionReport,
    found: FoundRegion,
    region: Region,
    seen: Int[np.ndarray, "height width"],
) -> None:
    inside = window(region)
    own = np.where(seen[inside] == NOTHING, found.class_index, seen[inside])
    y, x = np.ogrid[inside]
    is_striped = (x + y) // (3 * line_px(drawn)) % 2 == 0
    for class_index in np.unique(own[region.mask]).tolist():
        mask = region.mask & (own == class_index)
        if class_index < 0:
            mask &= is_striped
        color = np.array(color_of(report, class_index))
        blended = drawn[inside][mask] * (1 - _FILL) + color * _FILL
        drawn[inside][mask] = blended.round().astype(np.uint8)


def _rim_region(drawn: Image, region: Region, found: FoundRegion, color: Color) -> None:
    width = 1 + line_px(drawn) * (1 if found.kind == "accepted" else 3)
    contour(drawn, region, WHITE, width + 2)
    contour(drawn, region, color, width)


def heat_scale() -> str:
    """Return the heat scale from 0 to its top as a CSS gradient, as opaque as over an image."""
    colors = heat_colors()[::17].tolist()
    opacity = overlays.heat_opacity(np.linspace(0, overlays.HEAT_TOP, len(colors)))
    stops = (f"rgb({r} {g} {b} / {o:.0%})" for (r, g, b), o in zip(colors, opacity, strict=True))
    return f"linear-gradient(to right, {', '.join(stops)})"


def error_scale() -> str:
    """Return the scale of errors of classes as a CSS gradient."""
    stops = (f"rgb({r} {g} {b})" for r, g, b in error_colors()[::17].tolist())
    return f"linear-gradient(to right, {', '.join(stops)})"
