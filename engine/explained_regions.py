"""What does the page about an image say and show of its regions?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from engine.palette import ink_on
from engine.pictures import jpeg_data_uri
from engine.regions.maps import (
    color_of,
    draw_classes,
    draw_error,
    draw_novelty,
    error_top,
)
from engine.regions.record import FoundRegion, Kind, RegionReport
from engine.regions.wording import (
    KIND_WORDS,
    FoundClass,
    found_classes,
    reason_line,
    total_line,
    verdict_line,
)

MARKS: dict[Kind, str] = {"accepted": "✓", "defect": "✕", "unknown": "?"}


@dataclass(frozen=True)
class Look:
    """What tells a class from the others: colours as CSS, and the kind in a sign and a word."""

    color: str
    ink: str
    mark: str
    kind: str


@dataclass(frozen=True)
class RegionLine:
    """A line of the table of regions; ``number`` counts from 1."""

    number: int
    found: FoundRegion
    look: Look

    @property
    def place(self) -> str:
        """Where the region lies in the image file, and how large its box is."""
        left, top, right, bottom = self.found.region.box_xyxy
        return f"{right - left} × {bottom - top} px at {left}, {top}"


@dataclass(frozen=True)
class RegionSection:
    """Pictures, as addresses that contain them, and words about the regions of one image."""

    verdict: str
    summary: str
    reason: str
    total: str
    peak: float
    novelty: str
    classes: str
    error: str
    error_top: float
    lines: tuple[RegionLine, ...]
    legend: tuple[tuple[FoundClass, Look], ...]
    absent: tuple[str, ...]


def region_section(photo: UInt8[np.ndarray, "_ _ 3"], report: RegionReport) -> RegionSection:
    """Gather what the page says and shows of the regions in a photograph, reduced or not."""
    present = {each.class_index for each in report.regions}
    return RegionSection(
        verdict=report.verdict,
        summary=verdict_line(report),
        reason=reason_line(report),
        total=total_line(report),
        peak=float(report.novelty.max()),
        novelty=jpeg_data_uri(draw_novelty(photo, report)),
        classes=jpeg_data_uri(draw_classes(photo, report)),
        error=jpeg_data_uri(draw_error(photo, report)),
        error_top=error_top(report),
        lines=tuple(
            RegionLine(number, each, _look(report, each.class_index, each.kind))
            for number, each in enumerate(report.regions, 1)
        ),
        legend=tuple(
            (each, _look(report, each.class_index, each.kind)) for each in found_classes(report)
        ),
        absent=tuple(name for i, name in enumerate(report.class_names) if i not in present),
    )


def _look(report: RegionReport, class_index: int, kind: Kind) -> Look:
    color = color_of(report, class_index)
    return Look(_css(color), _css(ink_on(color)), MARKS[kind], KIND_WORDS[kind])


def _css(color: tuple[int, int, int]) -> str:
    red, green, blue = color
    return f"rgb({red} {green} {blue})"
