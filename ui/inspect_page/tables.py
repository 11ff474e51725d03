"""Rows of the tables beside an image: deviations, scores, classes, regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.rendering.overlays import ABSENT_KINDS, letter
from ui.tables import TableRow, Tone, ink_on
from ui.text import figure

if TYPE_CHECKING:
    from engine.station import Result

Box = tuple[int, int, int, int]

# Okabe and Ito: vermilion where something is, blue where something is not
FOUND_COLOR, ABSENT_COLOR = "#d55e00", "#0072b2"
REGION_MARKS = {"accepted": "✓", "defect": "✕", "unknown": "?"}
REGION_COLORS = {"accepted": "#0072b2", "defect": "#d55e00", "unknown": "#6b7480"}

_KIND_HINTS = {
    "missing": "Fewer than the references show",
    "extra": "More than the references show",
    "size": "Covers another share of the image",
    "color": "Of another colour",
    "place": "Not where it usually is",
    "missing_here": "Something is not here",
    "unseen_here": "No reference looks like this here",
    "unlike": "No reference looks like this anywhere",
    "detail": "Something small that no reference shows",
    "count": "Against the count that was set by hand",
}


@dataclass(frozen=True)
class MarkedFinding:
    """One deviation with a place in the image, under the letter of its line."""

    letter: str
    box_xyxy: Box
    title: str
    is_absent: bool


def finding_lines(result: Result) -> tuple[TableRow, ...]:
    """Say what deviates, the reason and then the worst first, under letters; dashed is absent."""
    return tuple(
        TableRow(
            title=each["text"],
            hint=_KIND_HINTS.get(each["kind"], "") + ("" if each["box_xyxy"] else " · not framed"),
            mark=letter(index),
            color=ABSENT_COLOR if each["kind"] in ABSENT_KINDS else FOUND_COLOR,
            is_dashed=each["kind"] in ABSENT_KINDS,
            cells=(f"{figure(each['severity'])} ×",),
        )
        for index, each in enumerate(_worst_first(result))
    )


def marked_findings(result: Result) -> tuple[MarkedFinding, ...]:
    """Give the deviations that have a place, to be drawn over the image."""
    return tuple(
        MarkedFinding(
            letter(index), tuple(each["box_xyxy"]), each["text"], each["kind"] in ABSENT_KINDS
        )
        for index, each in enumerate(_worst_first(result))
        if each["box_xyxy"]
    )


def score_lines(scores: Sequence[dict[str, Any]]) -> tuple[TableRow, ...]:
    """Show what each score adds to the total: active ones first, the largest share on top."""
    ranked = sorted(scores, key=lambda each: (not each["is_active"], -each["share"]))
    return tuple(
        TableRow(
            title=each["question"],
            hint=each["title"],
            amount=each["share"],
            cells=(f"{each['share']:.0%}" if each["is_active"] else "not used",),
            tone="plain" if each["is_active"] else "idle",
        )
        for each in ranked
    )


def class_lines(result: Result) -> tuple[TableRow, ...]:
    """Show how many of each class were found and are expected; background last."""
    return tuple(
        TableRow(
            title=each["name"],
            hint="background" if each["is_background"] else "",
            mark=str(each["id"]) if each["id"] >= 0 else "?",
            color=each["color"],
            ink=ink_on(each["color"]),
            cells=(str(each["found"]), str(each["expected"])),
            tone=_class_tone(each),
        )
        for each in sorted(result.classes, key=lambda each: bool(each["is_background"]))
    )


def region_lines(result: Result) -> tuple[TableRow, ...]:
    """Show what was recognised, or is new and of no class, largest first."""
    regions = result.regions.get("regions", [])
    return tuple(
        TableRow(
            title=each["class"],
            hint=f"{_REGION_TEXTS[each['verdict']]}, at {_box_text(each['box_xyxy'])}",
            mark=REGION_MARKS[each["verdict"]],
            color=REGION_COLORS[each["verdict"]],
            cells=(f"{each['confidence']:.0%}",),
            tone="off" if each["verdict"] == "defect" else "plain",
        )
        for each in sorted(regions, key=lambda each: -each["area_px"])
    )


def has_recognised(result: Result) -> bool:
    """Tell whether anything in the image was taught."""
    return any(each["verdict"] != "unknown" for each in result.regions["regions"])


def image_text(result: Result) -> str:
    """Say what was judged, how long it took, and by which reference it is compared."""
    height, width = result.image_size
    took = f", judged in {result.entry.seconds:.2g} s" if result.entry.seconds is not None else ""
    return f"{width} × {height} pixels{took}; nearest reference: {result.reference_name}"


def _worst_first(result: Result) -> list[dict[str, Any]]:
    """Begin with the one that the banner names."""

    def order(deviation: dict[str, Any]) -> tuple[bool, float]:
        return deviation["text"] != result.entry.reason, -float(deviation["severity"])

    return sorted(result.report["deviations"], key=order)


_REGION_TEXTS = {"accepted": "accepted", "defect": "defect", "unknown": "new, of no class"}


def _class_tone(line: dict[str, Any]) -> Tone:
    if line["is_off"]:
        return "off"
    return "idle" if line["is_background"] else "plain"


def _box_text(box_xyxy: Sequence[int]) -> str:
    left, top, right, bottom = box_xyxy
    return f"{left}, {top} ({right - left} × {bottom - top} pixels)"
