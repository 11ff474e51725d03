"""HTML report on judged images: why each was judged as it was.

The page is a single HTML file: its pictures lie inside it, no font, style or script comes from
elsewhere, and it follows the reader's choice of light or dark. What is said of the regions of an
image is a section of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, SupportsFloat

import numpy as np
from jaxtyping import Bool, Float, Int
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from alignment.transforms import compose, rescale
from engine.regions.report import FoundRegion, RegionKind, RegionReport
from engine.regions.wording import (
    KIND_WORDS,
    FoundRegionClass,
    found_classes,
    reason_line,
    total_line,
    verdict_line,
)
from engine.rendering import overlays
from engine.rendering.colors import css_color, ink_on
from engine.rendering.overlays import jpeg_data_uri
from engine.rendering.region_maps import (
    color_of,
    draw_classes,
    draw_error,
    draw_novelty,
    error_scale,
    error_top,
    heat_scale,
)
from engine.rendering.tables import (
    PartClassLine,
    ScoreLine,
    class_lines,
    count_regions,
    score_lines,
    shown_classes,
)
from engine.report import Deviation, ReferenceView, Report
from features.images import AnyImage, resize
from features.names import one_line

MARKS: dict[RegionKind, str] = {"accepted": "✓", "defect": "✕", "unknown": "?"}


@dataclass(frozen=True)
class ClassBadge:
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
    badge: ClassBadge

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
    legend: tuple[tuple[FoundRegionClass, ClassBadge], ...]
    absent: tuple[str, ...]


def _region_section(photo: AnyImage, report: RegionReport) -> RegionSection:
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
            RegionLine(number, each, _badge(report, each.class_index, each.kind))
            for number, each in enumerate(report.regions, 1)
        ),
        legend=tuple(
            (each, _badge(report, each.class_index, each.kind)) for each in found_classes(report)
        ),
        absent=tuple(name for i, name in enumerate(report.class_names) if i not in present),
    )


def _badge(report: RegionReport, class_index: int, kind: RegionKind) -> ClassBadge:
    color = color_of(report, class_index)
    return ClassBadge(css_color(color), css_color(ink_on(color)), MARKS[kind], KIND_WORDS[kind])


def render(template: str, filters: Mapping[str, Callable[..., Any]], **values: Any) -> str:
    """Fill a template; a value that is missing is an error.

    All text is escaped, and is letters that can be seen: a file name can neither hide a part of
    itself nor turn what follows. Text of several lines needs the filter ``lines``.
    """
    environment = Environment(
        loader=PackageLoader("engine"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"lines": _lines, **filters}
    return environment.get_template(template).render(**values)


def _visible(value: Any) -> Any:
    """Write out what cannot be seen in a text; markup is left alone."""
    return one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _lines(text: str) -> Markup:
    """Keep the lines of a text apart."""
    return Markup("\n").join(map(one_line, text.split("\n")))


SIDE_PX = 1000  # sharp at the size it has on the page, small enough to send by mail
THUMBNAIL_SIDE_PX = 240

_CALIBRATION = {
    "leave-one-out": (
        "each reference was judged by the others, and 1 is the worst that any of them reached."
    ),
    "self-calibrated": (
        "with one reference only, changed copies of it were judged instead, and 1 is the worst "
        "that they reached; real variation may be larger."
    ),
    "uncalibrated": (
        "the scores have fixed scales, because one reference does not tell how normal images "
        "vary; compare totals with each other rather than with the threshold."
    ),
}


@dataclass(frozen=True)
class Picture:
    """A picture as an address that contains it, and its size."""

    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class Section:
    """One image on the page; deviations are worst first and come with their letters."""

    name: str
    verdict: str
    report: Report
    deviations: tuple[tuple[str, Deviation], ...]
    scores: tuple[ScoreLine, ...]
    classes: tuple[PartClassLine, ...]
    thumbnail: Picture
    photo: Picture
    anomaly: Picture
    missing: Picture
    parts: Picture
    reference: int
    calibration: str
    regions: RegionSection | None


def explain_page(
    items: Sequence[tuple[str, AnyImage, Report]],
    references: Sequence[ReferenceView],
    class_names: Sequence[str],
    regions: Sequence[RegionReport | None] | None = None,
    *,
    title: str = "Partwise report",
) -> str:
    """Write the page for images given as (name, photograph, report), in the given order.

    A photograph may have been reduced; boxes and ``to_image`` refer to ``Report.image_size``
    (height, width) all the same. ``references`` are those of the inspector, in its order.
    ``regions`` has an entry for each image: what was said of its regions, whose verdict then holds
    and whose accepted regions the item's own report leaves out.

    Raises:
        ValueError: There is no image, or references, names or regions do not fit the reports.
    """
    _check(items, references, class_names)
    of_regions = regions if regions is not None else [None] * len(items)
    if len(of_regions) != len(items):
        raise ValueError(
            f"regions must have an entry for each of the {len(items)} images, "
            f"got {len(of_regions)}; give None where none is known"
        )
    sections = [
        _section(*item, of_item, references, class_names)
        for item, of_item in zip(items, of_regions, strict=True)
    ]
    is_background = items[0][2].aligned.is_background_class
    shown = sorted({report.nearest_reference for _, _, report in items})
    return render(
        "explain.html.j2",
        {"figure": _figure},
        title=title,
        sections=sections,
        n_anomalies=sum(section.verdict == "anomaly" for section in sections),
        reference_names=[reference.name for reference in references],
        reference_pictures={
            index: _parts_picture(
                references[index].registered, _bare(references[index].class_map), is_background
            )
            for index in shown
        },
        absent_kinds=overlays.ABSENT_KINDS,
        heat_scale=heat_scale(),
        heat_top=overlays.HEAT_TOP,
        error_scale=error_scale(),
    )


def _check(
    items: Sequence[tuple[str, AnyImage, Report]],
    references: Sequence[ReferenceView],
    class_names: Sequence[str],
) -> None:
    if not items:
        raise ValueError("items must hold at least one image to explain, got none")
    for name, _, report in items:
        if not 0 <= report.nearest_reference < len(references):
            raise ValueError(
                f"references must include number {report.nearest_reference}, the nearest to "
                f"{name}, got {len(references)} of them; give all that the inspector has"
            )
        if report.aligned.n_classes != len(class_names):
            raise ValueError(
                f"class_names must have a name for each of the {report.aligned.n_classes} classes "
                f"in the report on {name}, got {len(class_names)}"
            )


def _section(
    name: str,
    image: AnyImage,
    report: Report,
    regions: RegionReport | None,
    references: Sequence[ReferenceView],
    class_names: Sequence[str],
) -> Section:
    """Gather what the page says and shows of one image."""
    aligned, reference = report.aligned, references[report.nearest_reference]
    usual = reference.counts
    if usual is None:
        usual = count_regions(reference.class_map, aligned.n_classes)
    deviations = sorted(report.deviations, key=lambda each: -each.severity)
    photo = _to_side(image, min(SIDE_PX, max(image.shape[:2])))
    from_file = rescale(report.image_size, photo.shape[:2])
    class_map = np.append(shown_classes(report), overlays.NO_PART)[aligned.parts.labels]
    return Section(
        name=name,
        verdict=regions.verdict if regions else report.verdict,
        report=report,
        deviations=tuple((overlays.letter(i), each) for i, each in enumerate(deviations)),
        scores=score_lines(report),
        classes=class_lines(report, usual, class_names),
        thumbnail=_picture(_to_side(photo, THUMBNAIL_SIDE_PX)),
        photo=_picture(overlays.draw_boxes(photo, deviations, (from_file[0, 0], from_file[1, 1]))),
        anomaly=_heat_picture(photo, report.anomaly_map, report, from_file),
        missing=_heat_picture(photo, report.missing_map, report, from_file),
        parts=_parts_picture(report.registered, class_map, aligned.is_background_class),
        reference=report.nearest_reference,
        calibration=_CALIBRATION[report.calibration],
        regions=_region_section(photo, regions) if regions else None,
    )


def _heat_picture(
    photo: AnyImage,
    cell_map: Float[np.ndarray, "rows columns"],
    report: Report,
    from_file: Float[np.ndarray, "2 3"],
) -> Picture:
    """Lay a map over the photograph in grey, so that all colour is heat."""
    to_registered = rescale(cell_map.shape, report.registered.shape[:2])
    to_file = compose(report.to_image, to_registered)
    return _picture(
        overlays.draw_heat(overlays.in_grey(photo), cell_map, compose(from_file, to_file))
    )


def _bare(class_map: Int[np.ndarray, "rows columns"]) -> Int[np.ndarray, "rows columns"]:
    """Leave pixels of no class unpainted: a reference has no extra parts."""
    return np.where(class_map < 0, overlays.NO_PART, class_map)


def _parts_picture(
    registered: AnyImage,
    class_map: Int[np.ndarray, "rows columns"],
    is_background_class: Bool[np.ndarray, " classes"],
) -> Picture:
    large = _to_side(registered, SIDE_PX)
    return _picture(overlays.draw_parts(large, class_map, is_background_class))


def _to_side(image: AnyImage, side_px: int) -> AnyImage:
    """Resize an image to this length of its longer side."""
    height, width = (
        max(1, round(size * side_px / max(image.shape[:2]))) for size in image.shape[:2]
    )
    return resize(image, (height, width))


def _picture(image: AnyImage) -> Picture:
    return Picture(overlays.jpeg_data_uri(image), width=image.shape[1], height=image.shape[0])


def _figure(value: SupportsFloat) -> str:
    """Write a number with three significant digits, from a thousand on to the unit."""
    number = float(value)
    return f"{number:.0f}" if 999.5 <= abs(number) < 1e6 else f"{number:.3g}"
