"""What is the worst in an image, in a few words?"""

from __future__ import annotations

from engine.regions.record import RegionReport
from engine.regions.wording import reason_line
from engine.report import Report

CALM = "like the references"


def worst(report: Report, regions: RegionReport | None) -> str:
    """Say what most speaks against an image, whether or not that makes it an anomaly."""
    if regions is not None and (regions.defects or regions.unknown):
        return reason_line(regions) if regions.is_anomaly else regions.reason
    if report.headline is not None:
        return report.headline.text
    name = max(report.normalised, key=report.normalised.__getitem__)
    share = report.normalised[name] / report.total if report.total > 0 else 0.0
    return f"the image as a whole: {name.replace('_', ' ')} is {share:.0%} of the total"


def calm(regions: RegionReport | None) -> str:
    """Say why an image is normal."""
    if regions is None or not regions.accepted:
        return CALM
    names = dict.fromkeys(each.class_name for each in regions.accepted)
    return f"only accepted novelties ({', '.join(names)})"


def class_names(report: Report, regions: RegionReport | None) -> tuple[str, ...]:
    """Name the classes concerned: those that deviate, and those of new regions."""
    deviating = (each.class_name for each in report.deviations if each.class_id >= 0)
    found = (each.class_name for each in regions.regions) if regions else ()
    return tuple(dict.fromkeys(name for name in (*deviating, *found) if name))
