"""View of a judged image: photograph, layers, nearest reference, and facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from alignment.transforms import compose
from engine.rendering import overlays
from engine.rendering.colors import EXTRA_COLOR, class_colors
from engine.rendering.layers import (
    View,
    draw_heat_layer,
    draw_parts_layer,
    jpeg,
    matte,
    png,
)
from engine.rendering.region_maps import draw_classes
from engine.rendering.tables import class_lines, score_lines, shown_classes
from engine.station.judge import Judged
from features.images import AnyImage, Image, resize

# what the reference does not show is neither light nor dark
_OUTSIDE = (127, 127, 127)


@dataclass(frozen=True)
class ResultPictures:
    """Pictures of one judged image, encoded, and the facts beside them."""

    facts: dict[str, Any]
    photo: bytes
    reference: bytes
    layers: dict[str, bytes]


def draw_result(judged: Judged) -> ResultPictures:
    """Make everything that a page shows of an image; all pictures lie on each other."""
    view, report = View.of(judged.examination), judged.report
    image = judged.examination.image
    photo = image if image.shape[:2] == view.size else resize(image, view.size)
    registered_size = report.registered.shape[:2]
    classes = np.append(shown_classes(report), overlays.NO_PART)[report.aligned.parts.labels]
    is_background = report.aligned.is_background_class
    layers = {
        "parts": png(draw_parts_layer(classes, is_background, view.registered_to_view, view.size))
    }
    for name, cells in (("anomaly", report.anomaly_map), ("missing", report.missing_map)):
        to_view = view.from_cells(cells.shape, registered_size)
        layers[name] = png(draw_heat_layer(cells, to_view, view.size))
    regions = judged.regions
    if regions.regions:
        layers["regions"] = png(matte(lambda ground: draw_classes(ground, regions), view.size))
    return ResultPictures(
        _facts(judged, view), jpeg(photo), jpeg(_warped_reference(judged, view)), layers
    )


def _warped_reference(judged: Judged, view: View) -> Image:
    """Lay the nearest reference into the frame of the image."""
    examination, nearest = judged.examination, judged.report.nearest_reference
    comparison = examination.comparisons[nearest]
    reference = judged.inspector.fitted.samples[nearest]
    warped: AnyImage = cv2.warpAffine(
        reference.image,
        compose(view.registered_to_view, comparison.to_test),
        view.size[::-1],
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=_OUTSIDE,
    )
    return warped


def _facts(judged: Judged, view: View) -> dict[str, Any]:
    report, inspector = judged.report, judged.inspector
    return {
        "image_size": list(view.image_size),
        "view_size": list(view.size),
        "reference_name": inspector.fitted.names[report.nearest_reference],
        "report": report.as_dict() | {"seconds": judged.seconds},
        "regions": judged.regions.as_dict(),
        "classes": _classes(judged),
        "scores": [
            {
                "name": line.name,
                "title": line.name.replace("_", " "),
                "question": line.question,
                "value": line.raw,
                "added": line.added,
                "share": line.share,
                "is_active": line.is_active,
            }
            for line in score_lines(report)
        ],
    }


def _classes(judged: Judged) -> list[dict[str, Any]]:
    report, inspector = judged.report, judged.inspector
    usual = inspector.fitted.samples[report.nearest_reference].aligned.counts
    colors = class_colors(report.aligned.n_classes).tolist()
    lines = class_lines(report, usual, inspector.fitted.class_names)
    ids = [int(line.mark) if line.mark.isdecimal() else overlays.EXTRA for line in lines]
    return [
        {
            "id": class_id,
            "name": line.name,
            "color": _hex(EXTRA_COLOR if class_id == overlays.EXTRA else tuple(colors[class_id])),
            "found": line.found,
            "expected": line.usual,
            "is_background": line.is_background,
            "is_off": line.is_off,
        }
        for class_id, line in zip(ids, lines, strict=True)
    ]


def _hex(color: tuple[int, int, int]) -> str:
    red, green, blue = color
    return f"#{red:02x}{green:02x}{blue:02x}"
