"""Why was each image judged as it was, on one page?

The page is a single HTML file: pictures lie inside it, no font, style or script comes from
elsewhere, and it follows the reader's choice of light or dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from jaxtyping import Int, UInt8
from jinja2 import Environment, PackageLoader, StrictUndefined

from engine import pictures
from engine.palette import EXTRA_COLOR, class_colors, heat_colors, ink_on
from engine.report import Deviation, Report
from features.pixels import resize

Image = UInt8[np.ndarray, "height width 3"]

PHOTO_WIDTH_PX = 1000  # sharp at the width it has on the page, small enough to send by mail
THUMBNAIL_WIDTH_PX = 192

_CALIBRATION = {
    "leave-one-out": (
        "Calibrated on the references: each was judged by the others. "
        "1.0 is the worst that any of them reached."
    ),
    "self-calibrated": (
        "Self-calibrated: there is one reference only, so it was judged against changed copies of "
        "itself. 1.0 is the worst that these reached; real variation may be larger."
    ),
    "uncalibrated": (
        "Uncalibrated: the scores have fixed weights, because one reference says nothing about how "
        "normal images vary. Compare totals with each other rather than with the threshold."
    ),
}
_QUESTIONS = {
    "class_agnostic_patch": "Has any reference cell looked like this?",
    "class_aware_patch": "Has any cell of this class looked like this?",
    "foreground_patch": "Has any cell outside the background looked like this?",
    "class_embedding": "Does each class look as usual on average?",
    "class_histogram": "Does each class cover its usual share of the image?",
    "class_color": "Does each class have its usual colour?",
    "class_location": "Is each class where it usually is?",
    "located_patch": "Has this place looked like this?",
    "missing_patch": "Is everything here that the references show here?",
}


@dataclass(frozen=True)
class ReferenceView:
    """What the page shows of a reference: its upright picture and the class of each pixel.

    Pixels of ``class_map`` below 0 are of no class and stay bare. ``counts`` is the number of
    instances of each class; by default connected regions of the map are counted.
    """

    name: str
    upright: UInt8[np.ndarray, "height width 3"]
    class_map: Int[np.ndarray, "height width"]
    counts: Int[np.ndarray, " classes"] | None = None


@dataclass(frozen=True)
class Bar:
    """One score as the page shows it; ``share`` is its part of the total, 0 … 1."""

    name: str
    question: str
    raw: float
    added: float
    share: float
    is_active: bool


@dataclass(frozen=True)
class LegendRow:
    """One class: how it is painted, and how many were expected and found; None is not known."""

    mark: str
    name: str
    color: str
    ink: str
    expected: int | None
    found: int
    is_background: bool

    @property
    def is_off(self) -> bool:
        """Whether the count differs."""
        return self.expected is not None and self.expected != self.found


@dataclass(frozen=True)
class Section:
    """One image on the page, with its pictures as addresses that contain them."""

    name: str
    report: Report
    deviations: tuple[tuple[str, Deviation], ...]
    bars: tuple[Bar, ...]
    legend: tuple[LegendRow, ...]
    thumbnail: str
    photo: str
    anomaly: str
    missing: str
    parts: str
    calibration: str


def explain_page(
    items: Sequence[tuple[str, UInt8[np.ndarray, "_ _ 3"], Report]],
    references: Sequence[ReferenceView],
    class_names: Sequence[str],
    *,
    title: str = "Partwise report",
) -> str:
    """Write the page for images given as (name, photograph, report), in the given order.

    The photographs may have any resolution; ``Report.image_size`` says which one boxes refer to.
    ``references`` are those of the inspector, in its order.

    Raises:
        ValueError: There is no image, a report points to a reference that is not there, or it has
            another number of classes than there are names.
    """
    _check(items, references, class_names)
    environment = Environment(
        loader=PackageLoader("engine"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": _figure}
    sections = [_section(*item, references, class_names) for item in items]
    shown = {section.report.nearest_reference for section in sections}
    is_background = items[0][2].aligned.is_background_class
    return environment.get_template("explain.html.j2").render(
        title=title,
        sections=sections,
        n_anomalies=sum(section.report.is_anomaly for section in sections),
        references={index: _reference_picture(references[index], is_background) for index in shown},
        reference_names=[reference.name for reference in references],
        scale=_scale(),
        absent_kinds=pictures.ABSENT_KINDS,
    )
