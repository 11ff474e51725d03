"""What is the worst in an image, in a few words?"""

from __future__ import annotations

from engine.regions.report import RegionReport
from engine.regions.wording import reason_line
from engine.report import Report

CALM = "like the references"


def worst(report: Report, regions: RegionReport) -> str:
    """Say what most speaks against an image, whether or not that makes it an anomaly."""
    if regions.defects:
        return reason_line(regions)
    if report.headline is not None:
        return report.headline.text
    if regions.unknown:
        return reason_line(regions) or regions.reason
    return "the image as a whole differs, no place or part by itself"


def calm(regions: RegionReport) -> str:
    """Say why an image is normal."""
    if not regions.accepted:
        return CALM
    names = dict.fromkeys(each.class_name for each in regions.accepted)
    return f"only accepted novelties ({', '.join(names)})"


def class_names(report: Report, regions: RegionReport) -> tuple[str, ...]:
    """Name the classes concerned: those that deviate, and those of recognised regions."""
    deviating = (each.class_name for each in report.deviations if each.class_id >= 0)
    found = (each.class_name for each in regions.regions if each.kind != "unknown")
    return tuple(dict.fromkeys(name for name in (*deviating, *found) if name))
