"""How are regions and what is said of them written on one line?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine.commands.score import reason
from engine.regions.report import FoundRegion, RegionReport
from features.region import Region


def at(region: Region) -> str:
    """Write a box as ``--box`` takes it."""
    return ",".join(map(str, region.box_xyxy))


def told(report: RegionReport) -> str:
    """Write the verdict, which classes were found, and what else is wrong."""
    words = [each for each in dict.fromkeys((report.reason, reason(report))) if each]
    return f"{report.verdict}: {'; '.join(words) or 'nothing new'}"


def each_in_words(regions: Sequence[FoundRegion]) -> str:
    """Write class, kind, confidence and place of every region."""
    return "; ".join(_in_words(each) for each in regions)


def _in_words(found: FoundRegion) -> str:
    kind = "" if found.kind == "unknown" else f" ({found.kind})"
    return f"{found.class_name}{kind} {found.confidence:.0%} at {at(found.region)}"


def moment(time: datetime) -> str:
    """Write a time to the minute, as clocks show it here."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}"
