"""Names of classes of parts, by number, colour and shape."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float

from alignment.sample import Sample

# CIELAB hue in degrees at which one colour name gives way to the next; sRGB's own red lies at 40,
# orange at 73, yellow at 103, green at 136, cyan at 196, blue at 306, magenta at 328
_HUES = (
    (47, "red"),
    (80, "orange"),
    (113, "yellow"),
    (190, "green"),
    (310, "blue"),
    (345, "purple"),
)


def class_names(samples: Sequence[Sample]) -> list[str]:
    """Name each class by number, colour and shape, as seen on the references."""
    return [class_name(samples, index) for index in range(samples[0].aligned.n_classes)]


def class_name(samples: Sequence[Sample], index: int) -> str:
    """Name one class by number, colour and shape."""
    return f"class {index} ({_color(samples, index)}, {_shape(samples, index)})"


def _color(samples: Sequence[Sample], index: int) -> str:
    seen = [sample.image[sample.valid_class_map == index] for sample in samples]
    pixels = np.concatenate(seen)
    if not len(pixels):
        return "no colour"
    return color_name(np.median(pixels, axis=0))


def color_name(rgb: Float[np.ndarray, "3"]) -> str:
    """Name one RGB colour with one or two English words."""
    pixel = np.array(rgb, dtype=np.float32).reshape(1, 1, 3) / 255
    lightness, a, b = cv2.cvtColor(pixel, cv2.COLOR_RGB2LAB).ravel()
    chroma, hue = float(np.hypot(a, b)), float(np.degrees(np.arctan2(b, a))) % 360
    if chroma < 12:
        return "black" if lightness < 22 else "white" if lightness > 88 else "grey"
    name = next((name for limit, name in _HUES if hue < limit), "red")
    if name == "orange" and (lightness < 60 or chroma < 35):
        name = "brown"
    if lightness < 35:
        return f"dark {name}"
    return f"light {name}" if lightness > 80 and name != "yellow" else name


def _shape(samples: Sequence[Sample], index: int) -> str:
    if samples[0].aligned.is_background_class[index]:
        return "background"
    ratios, areas = [], []
    for sample in samples:
        parts = sample.aligned.parts
        for part in np.flatnonzero(sample.aligned.class_of_part == index):
            left, top, right, bottom = parts.box_xyxy[part]
            rows, columns = np.nonzero(parts.labels[top:bottom, left:right] == part)
            moments = (
                np.cov(np.stack([rows, columns])) + np.eye(2) / 12 if len(rows) > 1 else np.eye(2)
            )
            minor, major = np.linalg.eigvalsh(moments)
            ratios.append(np.sqrt(major / minor))
            areas.append(parts.area_px[part] / parts.labels.size)
    if not ratios:
        return "absent"
    ratio, area = float(np.median(ratios)), float(np.median(areas))
    if ratio > 2.5:
        return "long"
    if area > 0.1:
        return "large"
    return "round" if ratio < 1.25 else "oblong"
