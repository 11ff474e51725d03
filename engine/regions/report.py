"""Report on the regions of one image, and the verdict with what was taught."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Float32, Int

from engine.report import Report
from features.region import Region

RegionKind = Literal["accepted", "defect", "unknown"]
UNKNOWN = "unknown"


@dataclass(frozen=True)
class FoundRegion:
    """A region that is new, and which class it is of, if any.

    ``region`` is in pixels of the image file. ``class_index`` counts the classes of the report, -1
    for an unknown region. ``confidence`` is the probability, 0 … 1, of what is said: of the class,
    or that it is none of them. ``novelty`` is in units of the most that normal images showed.
    ``probabilities`` has one entry a class: how likely each is, on its own.
    """

    region: Region
    class_name: str
    class_index: int
    kind: RegionKind
    confidence: float
    novelty: float
    probabilities: tuple[float, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form, without the mask."""
        return {
            "class": self.class_name,
            "verdict": self.kind,
            "confidence": round(self.confidence, 4),
            "novelty": round(self.novelty, 3),
            "box_xyxy": list(self.region.box_xyxy),
            "area_px": self.region.area_px,
        }


@dataclass(frozen=True)
class RegionReport:
    """The judgement of one image with what was taught.

    ``report`` leaves accepted regions out, ``plain`` does not. Unknown regions are listed that are
    an alarm by themselves; all of them, where none is and the total makes the image anomalous.

    Maps lie on the registered image, which ``report.to_image`` leads back to the image file:
    ``novelty``, of which 1 is the most that normal images showed, and ``alarm_above`` an alarm by
    itself (``max_unknown_novelty`` is the most of it outside of what was recognised);
    ``class_map``, the class of each pixel as the tokens see it (-1: unknown, -2: nothing new);
    ``error_map``, how much the scales disagree about it, 0 … 1.
    """

    report: Report
    plain: Report
    regions: tuple[FoundRegion, ...]
    class_names: tuple[str, ...]
    class_kinds: tuple[Literal["accepted", "defect"], ...]
    class_colors: tuple[int, ...]
    novelty: Float32[np.ndarray, "height width"]
    class_map: Int[np.ndarray, "height width"]
    error_map: Float[np.ndarray, "height width"]
    max_unknown_novelty: float
    alarm_above: float
    seconds: float

    @property
    def defects(self) -> tuple[FoundRegion, ...]:
        """Regions of a class that was taught as a defect."""
        return tuple(each for each in self.regions if each.kind == "defect")

    @property
    def unknown(self) -> tuple[FoundRegion, ...]:
        """New regions of no class."""
        return tuple(each for each in self.regions if each.kind == "unknown")

    @property
    def accepted(self) -> tuple[FoundRegion, ...]:
        """Regions of a class that was taught as accepted."""
        return tuple(each for each in self.regions if each.kind == "accepted")

    @property
    def total(self) -> float:
        """The total, or the novelty of one region, in the same units, if that alone is an alarm.

        A threshold other than the learnt one thus moves both limits.
        """
        excess = self.max_unknown_novelty / self.alarm_above
        is_by_novelty = excess > 1 and not self.report.is_anomaly
        return float(self.report.threshold * excess if is_by_novelty else self.report.total)

    @property
    def score(self) -> float:
        """How anomalous what is not accepted is; 1 is the limit.

        The larger of the total in units of its threshold, and of the largest novelty outside of
        what was recognised, in units of that which is an alarm by itself.
        """
        return max(
            self.report.total / self.report.threshold, self.max_unknown_novelty / self.alarm_above
        )

    @property
    def is_anomaly(self) -> bool:
        """Whether there is a defect of a known class, or too much is new that is not accepted."""
        return bool(self.defects) or self.score > 1

    @property
    def verdict(self) -> Literal["normal", "anomaly"]:
        """The decision in one word."""
        return "anomaly" if self.is_anomaly else "normal"

    @property
    def reason(self) -> str:
        """Why, in a few words: the classes found; empty for an image with nothing new."""
        counts: dict[str, int] = {}
        for each in (*self.defects, *self.unknown, *self.accepted):
            name = f"{each.class_name} (accepted)" if each.kind == "accepted" else each.class_name
            counts[name] = counts.get(name, 0) + 1
        return ", ".join(name if n == 1 else f"{n} × {name}" for name, n in counts.items())

    def as_dict(self) -> dict[str, Any]:
        """Return what ``--jsonl`` prints, without the path."""
        return self.report.as_dict() | {
            "verdict": self.verdict,
            "score_without_regions": self.plain.total,
            "regions": [each.as_dict() for each in self.regions],
            "seconds": self.seconds,
        }
