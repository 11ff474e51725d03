"""Wording of the judgement with taught regions: verdict, reason and total."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.regions.report import FoundRegion, RegionKind, RegionReport

KIND_WORDS: dict[RegionKind, str] = {
    "accepted": "accepted",
    "defect": "defect",
    "unknown": "of no class",
}


@dataclass(frozen=True)
class FoundRegionClass:
    """A region class that was found in an image; ``numbers`` are those of its regions, from 1."""

    class_index: int
    name: str
    kind: RegionKind
    numbers: tuple[int, ...]
    confidences: tuple[float, ...]

    @property
    def confidence(self) -> str:
        """The confidence in percent, from the least to the most."""
        least, most = (f"{100 * limit:.0f}" for limit in _limits(self.confidences))
        return f"{least} %" if least == most else f"{least} to {most} %"


def found_classes(report: RegionReport) -> list[FoundRegionClass]:
    """Gather the regions of each class: defects first, then unknown, then accepted."""
    gathered: list[FoundRegionClass] = []
    for each in (*report.defects, *report.unknown, *report.accepted):
        if any(each.class_index == known.class_index for known in gathered):
            continue
        same = [
            (number, other.confidence)
            for number, other in enumerate(report.regions, 1)
            if other.class_index == each.class_index
        ]
        numbers, confidences = zip(*same, strict=True)
        gathered.append(
            FoundRegionClass(each.class_index, each.class_name, each.kind, numbers, confidences)
        )
    return gathered


def verdict_line(report: RegionReport) -> str:
    """Say the verdict and why, such as ``anomaly: string; 1 unknown region``."""
    reason = reason_line(report)
    return f"{report.verdict}: {reason}" if reason else report.verdict


def reason_line(report: RegionReport) -> str:
    """Say why the verdict is what it is; empty for an image in which nothing is new."""
    accepted = _counted(report.accepted)
    if not report.is_anomaly:
        return f"only accepted novelties ({accepted})" if accepted else ""
    new = (_counted(report.defects), _unknown(len(report.unknown)))
    reasons = [each for each in new if each]
    if not reasons:
        reasons = ["the rest of the image as a whole" if accepted else "the image as a whole"]
    if accepted:
        reasons.append(f"accepted: {accepted}")
    return "; ".join(reasons)


def total_line(report: RegionReport) -> str:
    """Say the total, and what it would be with the accepted regions if there are any."""
    total = f"{report.report.total:.3g}"
    if not report.accepted:
        return total
    return f"{total} without accepted regions, {report.plain.total:.3g} with them"


def _counted(regions: Iterable[FoundRegion]) -> str:
    """Name the classes of regions, each with its number if it has several."""
    counts: dict[str, int] = {}
    for each in regions:
        counts[each.class_name] = counts.get(each.class_name, 0) + 1
    return ", ".join(name if n == 1 else f"{n} × {name}" for name, n in counts.items())


def _unknown(n: int) -> str:
    return f"{n} unknown region{'' if n == 1 else 's'}" if n else ""


def _limits(values: tuple[float, ...]) -> tuple[float, float]:
    return min(values), max(values)
