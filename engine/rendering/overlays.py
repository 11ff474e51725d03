"""Overlays: parts, anomaly maps and deviations drawn over a photograph.

Colour never stands alone: parts carry the number of their class, parts of no class are hatched,
deviations have letters, and what is missing is dashed. Maps are in units of the most that a normal
image reached, so 1 is outlined.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from alignment.transforms import rescale
from engine.rendering.colors import EXTRA_COLOR, OKABE_ITO, class_colors, heat_colors, ink_on
from engine.rendering.strokes import (
    Color,
    fill,
    frame,
    hatch,
    label,
    label_places,
    label_px,
    outline,
)
from engine.report import Deviation
from features.images import Image, Mask

EXTRA = -1  # in a class map: a part of no class
NO_PART = -2  # in a class map: no part at all
HEAT_TOP = 3.0  # three times the worst of normal images is as hot as it gets
# kinds of deviation where something is not there; the others box something that is
ABSENT_KINDS = frozenset({"missing", "missing_here"})

FOUND_COLOR: Color = tuple(OKABE_ITO[5].tolist())
ABSENT_COLOR: Color = tuple(OKABE_ITO[4].tolist())

# opacity of the heat by its value: none in what normal images do often, little until their worst
_OPACITY_AT = {0.5: 0.0, 1.0: 0.18, 1.4: 0.6, HEAT_TOP: 0.85}


def draw_parts(
    image: Image,
    class_map: Int[np.ndarray, "rows columns"],
    is_background_class: Bool[np.ndarray, " classes"],
) -> Image:
    """Fill and rim every connected part in the colour of its class, with the class's number.

    A part of class ``EXTRA`` is hatched, rimmed in red and marked ``?``. The map is enlarged to the
    image. Background and places without part stay as they are, but for numbers that are larger
    than their part.
    """
    drawn = image.copy()
    shown = [EXTRA, *np.flatnonzero(~is_background_class).tolist()]
    masks = {class_id: _enlarge(class_map == class_id, image.shape[:2]) for class_id in shown}
    colors = class_colors(len(is_background_class)).tolist()
    for class_id, mask in masks.items():
        if class_id == EXTRA:
            hatch(drawn, mask, EXTRA_COLOR)
        else:
            fill(drawn, mask, tuple(colors[class_id]))
    for class_id, mask in masks.items():
        color = EXTRA_COLOR if class_id == EXTRA else tuple(colors[class_id])
        text = "?" if class_id == EXTRA else str(class_id)
        for place in label_places(mask, least_radius_px=label_px(image) / 4):
            label(drawn, place, text, color, ink_on(color))
    return drawn


def draw_heat(
    image: Image,
    cell_map: Float[np.ndarray, "rows columns"],
    cell_to_image: Float[np.ndarray, "2 3"] | None = None,
    *,
    top: float = HEAT_TOP,
) -> Image:
    """Lay a map of cells smoothly over an image; below 1 it is almost transparent.

    ``cell_to_image`` maps the centre (column, row) of a cell to a pixel (x, y) of the image; by
    default the cells cover it. Values from ``top`` (above 1) on look the same. Pixels under no
    cell, and under cells below 0.5, stay as they are.
    """
    if cell_to_image is None:
        cell_to_image = rescale(cell_map.shape, image.shape[:2])
    heat = to_pixels(cell_map, cell_to_image, image.shape[:2])
    colors = heat_colors()[(np.clip(heat / top, 0, 1) * 255).round().astype(np.uint8)]
    opacity = heat_opacity(heat, top)[..., None]
    drawn = (image + opacity * (colors.astype(np.float32) - image)).round().astype(np.uint8)
    outline(drawn, heat >= 1)
    return np.asarray(drawn)


def to_pixels(
    cell_map: Float[np.ndarray, "rows columns"],
    cell_to_image: Float[np.ndarray, "2 3"],
    size: tuple[int, ...],
) -> Float32[np.ndarray, "height width"]:
    """Value of a map at each pixel of an image, cubic between centres of cells, at least 0.

    ``cell_to_image`` is as for ``draw_heat``; a pixel under no cell gets 0.
    """
    to_cell = cv2.invertAffineTransform(np.asarray(cell_to_image, np.float64))
    y, x = np.ogrid[: size[0], : size[1]]
    column, row = (a * x + b * y + c for a, b, c in to_cell)
    heat: np.ndarray = cv2.remap(
        cell_map.astype(np.float32),
        column.astype(np.float32),
        row.astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    rows, columns = cell_map.shape
    is_inside = (abs(row - (rows - 1) / 2) <= rows / 2) & (
        abs(column - (columns - 1) / 2) <= columns / 2
    )
    return np.where(is_inside, np.maximum(heat, 0), 0).astype(np.float32)


def in_grey(image: Image) -> Image:
    """Take the colour from a photograph, so that all colour over it is said by a map."""
    return np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def heat_opacity(
    heat: Float[np.ndarray, "*places"], top: float = HEAT_TOP
) -> Float32[np.ndarray, "*places"]:
    """Return how strongly values of a map cover the image, 0 … 1."""
    values = np.array(list(_OPACITY_AT))
    stretched = np.where(values > 1, 1 + (values - 1) * (top - 1) / (HEAT_TOP - 1), values)
    return np.asarray(np.interp(heat, stretched, list(_OPACITY_AT.values())), np.float32)


def draw_boxes(
    image: Image, deviations: Sequence[Deviation], scale_xy: tuple[float, float] = (1.0, 1.0)
) -> Image:
    """Frame the deviations that have a box, and letter them in the given order as ``letter`` does.

    ``scale_xy`` leads from pixels of the image file to pixels of ``image``. Frames of what is
    missing are blue and dashed, the others vermilion and solid. The first lies on top.
    """
    drawn = image.copy()
    framed = [(i, each) for i, each in enumerate(deviations) if each.box_xyxy is not None]
    boxes = [np.rint(np.array(each.box_xyxy) * np.tile(scale_xy, 2)) for _, each in framed]
    corners = _spread([(float(box[0]), float(box[1])) for box in boxes], 1.1 * label_px(image))
    lines = list(zip(framed, boxes, corners, strict=True))
    for (_, deviation), box, _ in reversed(lines):
        is_absent = deviation.kind in ABSENT_KINDS
        frame(drawn, box.astype(np.int64), _frame_color(deviation), is_dashed=is_absent)
    for (i, deviation), _, corner in reversed(lines):
        label(drawn, corner, letter(i), _frame_color(deviation), (255, 255, 255))
    return drawn


def _frame_color(deviation: Deviation) -> Color:
    return ABSENT_COLOR if deviation.kind in ABSENT_KINDS else FOUND_COLOR


def _spread(places: Sequence[tuple[float, float]], room_px: float) -> list[tuple[float, float]]:
    """Move places that would hide an earlier one to the right of it."""
    free: list[tuple[float, float]] = []
    for x, y in places:
        while any(max(abs(x - other_x), abs(y - other_y)) < room_px for other_x, other_y in free):
            x += room_px / 2
        free.append((x, y))
    return free


def letter(index: int) -> str:
    """Name the deviation at this index: A … Z, then AA, AB and so on."""
    rest, last = divmod(index, 26)
    return (letter(rest - 1) if rest else "") + chr(ord("A") + last)


def png_data_uri(image: Image) -> str:
    """Return a lossless address for ``src`` that contains the image."""
    return _data_uri(image, ".png", "image/png")


def jpeg_data_uri(image: Image, quality: int = 88) -> str:
    """Return a short address for ``src`` that contains the image; quality 0 … 100."""
    return _data_uri(image, ".jpg", "image/jpeg", cv2.IMWRITE_JPEG_QUALITY, quality)


def _enlarge(mask: Bool[np.ndarray, "rows columns"], size: tuple[int, ...]) -> Mask:
    """Bring a mask to (height, width); its edge lies where the two sides have equal share."""
    if mask.shape == size:
        return mask
    share = cv2.resize(mask.astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(share > 0.5)


def _data_uri(image: Image, extension: str, kind: str, *options: int) -> str:
    _, data = cv2.imencode(extension, np.ascontiguousarray(image[..., ::-1]), options)
    return f"data:{kind};base64,{base64.b64encode(data.tobytes()).decode()}"
