"""Overlay layers: parts, maps and regions as transparent pictures.

What is drawn is what ``engine.rendering.overlays`` draws, but on nothing: PNG with transparency, so
that a page can lay one over the photograph, as strongly as its reader likes. A ``View`` is the
frame of the pictures that lie on each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from alignment.transforms import apply, compose, rescale
from engine.rendering import overlays
from engine.rendering.colors import EXTRA_COLOR, class_colors, heat_colors, ink_on
from engine.rendering.strokes import (
    WHITE,
    Color,
    label,
    label_places,
    label_px,
    outline,
    rim,
    stroke_px,
)
from engine.report import Examination
from features.images import AnyMask, Image

Layer = UInt8[np.ndarray, "height width 4"]
Affine = Float[np.ndarray, "2 3"]
Window = tuple[slice, slice]

_FILL = 128  # cover of a part: its texture must still be seen
_SOLID = 255
_N_LEVELS = 256

# as sharp as a page on a large screen shows it, and quick to send
SIDE_PX = 1600


@dataclass(frozen=True)
class View:
    """The frame of the pictures that a page lays on each other; sizes are (height, width).

    ``registered_to_view`` leads from registered working pixels to pixels of the view.
    """

    image_size: tuple[int, int]
    size: tuple[int, int]
    registered_to_view: Affine

    @classmethod
    def of(cls, examination: Examination, side_px: int = SIDE_PX) -> View:
        """Choose the frame for an examined image; small photographs are not enlarged."""
        height, width = examination.image_size
        factor = min(1.0, side_px / max(height, width))
        size = max(1, round(height * factor)), max(1, round(width * factor))
        to_view = compose(rescale((height, width), size), examination.to_image)
        return cls((height, width), size, to_view)

    def from_cells(self, grid: tuple[int, int], registered_size: tuple[int, int]) -> Affine:
        """Lead from (column, row) of a grid over the registered image to pixels of the view."""
        return compose(self.registered_to_view, rescale(grid, registered_size))


def draw_parts_layer(
    class_map: Int[np.ndarray, "rows columns"],
    is_background_class: Bool[np.ndarray, " classes"],
    map_to_view: Affine,
    size: tuple[int, int],
) -> Layer:
    """Fill and rim every part in the colour of its class, with the class's number.

    Parts of class ``overlays.EXTRA`` are hatched and marked ``?``; background stays bare.
    """
    color, cover = _blank(size), _blank(size)
    colors = class_colors(len(is_background_class)).tolist()
    places: list[tuple[float, float, str, Color]] = []
    for class_id in [overlays.EXTRA, *np.flatnonzero(~is_background_class).tolist()]:
        is_extra = class_id == overlays.EXTRA
        own: Color = EXTRA_COLOR if is_extra else tuple(colors[class_id])
        found = _moved(class_map == class_id, map_to_view, size)
        if found is None:
            continue
        mask, window = found
        color[window][mask] = own
        cover[window][mask & _stripes(mask, size) if is_extra else mask] = _FILL
        cover[window][rim(mask, stroke_px(size) * (2 if is_extra else 1))] = _SOLID
        for x, y in label_places(mask, least_radius_px=label_px(color) / 4):
            text = "?" if is_extra else str(class_id)
            places.append((x + window[1].start, y + window[0].start, text, own))
    for x, y, text, own in places:
        label(color, (x, y), text, own, ink_on(own))
        label(cover, (x, y), text, WHITE, WHITE)
    return _layer(color, cover)


def draw_heat_layer(
    cell_map: Float[np.ndarray, "rows columns"], cells_to_view: Affine, size: tuple[int, int]
) -> Layer:
    """Colour a map of cells, the more opaque the hotter; what is above 1 is outlined."""
    heat = _over(cell_map, cells_to_view, size)
    levels = np.clip(heat * ((_N_LEVELS - 1) / overlays.HEAT_TOP), 0, _N_LEVELS - 1)
    values = np.linspace(0, overlays.HEAT_TOP, _N_LEVELS)
    opacity = (overlays.heat_opacity(values) * _SOLID).round().astype(np.uint8)
    at = levels.round().astype(np.uint8)
    color, cover = heat_colors()[at], np.repeat(opacity[at][..., None], 3, axis=2)
    is_hot = heat >= 1
    outline(color, is_hot)
    # the line and its halo are solid, whatever their colour
    marked = _blank(size)
    outline(marked, is_hot)
    inverse = np.full_like(marked, _SOLID)
    outline(inverse, is_hot)
    np.maximum(cover, _SOLID - (inverse - marked), out=cover)
    return _layer(color, cover)


def matte(draw: Callable[[Image], Image], size: tuple[int, int]) -> Layer:
    """Find colour and cover of what a function draws, by drawing it on black and on white.

    What covers by a share a leaves 1 − a of the ground, so both follow exactly.
    """
    on_black = draw(_blank(size)).astype(np.int32)
    on_white = draw(np.full((*size, 3), _SOLID, np.uint8)).astype(np.int32)
    share = np.clip(_SOLID - (on_white - on_black), 0, _SOLID).max(axis=2, keepdims=True)
    color = np.where(share > 0, on_black * _SOLID // np.maximum(share, 1), 0)
    return np.concatenate([np.clip(color, 0, _SOLID), share], axis=2).astype(np.uint8)


def png(layer: Layer) -> bytes:
    """Encode a sheet, quickly rather than as small as possible."""
    return _encoded(
        ".png", cv2.cvtColor(layer, cv2.COLOR_RGBA2BGRA), cv2.IMWRITE_PNG_COMPRESSION, 1
    )


def jpeg(image: Image, quality: int = 88) -> bytes:
    """Encode a picture; quality 0 … 100."""
    return _encoded(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), cv2.IMWRITE_JPEG_QUALITY, quality
    )


def _encoded(extension: str, pixels: np.ndarray, *options: int) -> bytes:
    return bytes(cv2.imencode(extension, pixels, options)[1])


def _blank(size: tuple[int, int]) -> Image:
    return np.zeros((*size, 3), np.uint8)


def _layer(color: Image, cover: Image) -> Layer:
    """Join colour and cover; what covers nothing has no colour, which compresses better."""
    share = cover[..., :1]
    return np.concatenate([color * (share > 0), share], axis=2)


def _moved(
    mask: Bool[np.ndarray, "rows columns"], to_view: Affine, size: tuple[int, int]
) -> tuple[AnyMask, Window] | None:
    """Bring a mask to the view with a smooth edge; returns what of the view it may touch."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    x, y = np.meshgrid(columns[[0, -1]], rows[[0, -1]])
    corners = apply(to_view, np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float64))
    # room for the half pixel outside, enlarged, and for the rim
    room = np.abs(to_view[:, :2]).sum(axis=1) + 2 * stroke_px(size)
    left, top = np.maximum(np.floor(corners.min(axis=0) - room), 0).astype(int).tolist()
    limits = np.array(size[::-1])
    right, bottom = np.minimum(np.ceil(corners.max(axis=0) + room), limits).astype(int).tolist()
    if left >= right or top >= bottom:
        return None
    to_window = compose(np.array([[1.0, 0, -left], [0, 1.0, -top]]), to_view)
    share = cv2.warpAffine(mask.astype(np.float32), to_window, (right - left, bottom - top))
    return np.asarray(share > 0.5), (slice(top, bottom), slice(left, right))


def _over(
    cell_map: Float[np.ndarray, "rows columns"], to_view: Affine, size: tuple[int, int]
) -> Float32[np.ndarray, "height width"]:
    """Value of a map at each pixel of the view, cubic between cells, zero outside all cells."""
    height, width = size
    heat: Float32[np.ndarray, "_ _"] = cv2.warpAffine(
        cell_map.astype(np.float32),
        to_view,
        (width, height),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    rows, columns = cell_map.shape
    outer = np.array(
        [[-0.5, -0.5], [columns - 0.5, -0.5], [columns - 0.5, rows - 0.5], [-0.5, rows - 0.5]]
    )
    is_inside = np.zeros(size, np.uint8)
    corners = apply(to_view, outer).round().astype(np.int32)
    cv2.fillConvexPoly(is_inside, corners, 1)
    return np.asarray(np.maximum(heat, 0) * is_inside, np.float32)


def _stripes(mask: AnyMask, size: tuple[int, int]) -> AnyMask:
    y, x = np.ogrid[: mask.shape[0], : mask.shape[1]]
    return np.asarray((x + y) // (3 * stroke_px(size)) % 2 == 0)
