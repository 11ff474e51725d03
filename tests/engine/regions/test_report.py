from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.inspector import Inspector
from engine.regions import FoundRegion, Region, RegionReport
from engine.report import Report

ALARM_ABOVE = 2.0
CLASSES = (("button", "accepted"), ("blot", "defect"))


@pytest.fixture(scope="module")
def clean(cloth: Callable[..., Inspector], photo: Callable[..., Any]) -> Report:
    """What is said of clean cloth."""
    return cloth().inspect(photo(40).image)


def found(name: str, novelty: float = 5.0, left: int = 0) -> FoundRegion:
    """Find a square of 4 × 4 px."""
    index = next((i for i, each in enumerate(CLASSES) if each[0] == name), -1)
    kind = CLASSES[index][1] if index >= 0 else "unknown"
    region = Region((left, 0, left + 4, 4), np.ones((4, 4), dtype=bool))
    return FoundRegion(region, name, index, kind, 0.9, novelty, (0.2, 0.1))


def judged(clean: Report, share: float, *regions: FoundRegion, plain: float = 9.0) -> RegionReport:
    """Report regions on an image whose total is a share of the threshold."""
    size = clean.registered.shape[:2]
    return RegionReport(
        report=replace(clean, total=share * clean.threshold),
        plain=replace(clean, total=plain * clean.threshold),
        regions=regions,
        class_names=tuple(name for name, _ in CLASSES),
        class_kinds=tuple(kind for _, kind in CLASSES),
        class_colors=(0, 1),
        novelty=np.zeros(size, dtype=np.float32),
        class_map=np.full(size, -2),
        error_map=np.zeros(size),
        max_unknown_novelty=max(
            [each.novelty for each in regions if each.kind == "unknown"], default=0.0
        ),
        alarm_above=ALARM_ABOVE,
        seconds=0.25,
    )


class TestVerdict:
    def test_nothing_new_is_normal_below_the_threshold_only(self, clean: Report) -> None:
        assert judged(clean, 0.99).verdict == "normal"
        assert judged(clean, 1.0).verdict == "normal"
        assert judged(clean, 1.01).verdict == "anomaly"

    def test_accepted_regions_accuse_nobody_however_new(self, clean: Report) -> None:
        report = judged(clean, 0.5, found("button", 100.0), found("button", 80.0))
        assert report.score == pytest.approx(0.5)
        assert (report.is_anomaly, report.verdict) == (False, "normal")

    def test_a_defect_is_an_anomaly_whatever_the_total_and_its_novelty(self, clean: Report) -> None:
        report = judged(clean, 0.0, found("button"), found("blot", 1.2))
        assert report.score <= 1
        assert (report.is_anomaly, report.verdict) == (True, "anomaly")

    @pytest.mark.parametrize(("novelty", "verdict"), [(1.99, "normal"), (2.01, "anomaly")])
    def test_an_unknown_region_is_an_alarm_from_its_own_limit_on(
        self, clean: Report, novelty: float, verdict: str
    ) -> None:
        report = judged(clean, 0.1, found("unknown", novelty))
        assert report.verdict == verdict
        assert report.score == pytest.approx(novelty / ALARM_ABOVE)

    def test_the_score_is_the_loudest_of_total_and_unknown_regions(self, clean: Report) -> None:
        quiet, loud = found("unknown", 3.0), found("unknown", 7.0)
        assert judged(clean, 0.5, quiet, loud).score == pytest.approx(7.0 / ALARM_ABOVE)
        assert judged(clean, 6.0, quiet, loud).score == pytest.approx(6.0)
        assert judged(clean, 0.5, found("blot", 50.0)).score == pytest.approx(0.5)

    def test_the_total_with_accepted_regions_has_no_say(self, clean: Report) -> None:
        one, other = (judged(clean, 0.5, found("button"), plain=each) for each in (0.1, 1000.0))
        assert one.score == other.score
        assert not other.is_anomaly


class TestWords:
    def test_kinds_are_sorted_out(self, clean: Report) -> None:
        regions = [found(name) for name in ("unknown", "button", "blot", "button")]
        report = judged(clean, 2.0, *regions)
        assert report.unknown == (regions[0],)
        assert report.accepted == (regions[1], regions[3])
        assert report.defects == (regions[2],)

    @pytest.mark.parametrize(
        ("found_names", "reason"),
        [
            ((), ""),
            (("blot",), "blot"),
            (("button",), "button (accepted)"),
            (("unknown", "unknown"), "2 × unknown"),
            (
                ("button", "unknown", "blot", "button", "blot", "blot"),
                "3 × blot, unknown, 2 × button (accepted)",
            ),
        ],
    )
    def test_the_reason_names_the_worst_first(
        self, clean: Report, found_names: tuple[str, ...], reason: str
    ) -> None:
        assert judged(clean, 0.5, *(found(name) for name in found_names)).reason == reason

    def test_the_record_can_be_written_as_strict_json(self, clean: Report) -> None:
        report = judged(clean, 0.5, found("button"), found("blot", left=8), plain=3.0)
        values = json.loads(json.dumps(report.as_dict(), allow_nan=False))
        assert values["verdict"] == "anomaly"
        assert values["score"] == pytest.approx(0.5 * clean.threshold)
        assert values["score_without_regions"] == pytest.approx(3 * clean.threshold)
        assert values["seconds"] == 0.25
        assert values["regions"][1] == {
            "class": "blot",
            "verdict": "defect",
            "confidence": 0.9,
            "novelty": 5.0,
            "box_xyxy": [8, 0, 12, 4],
            "area_px": 16,
        }

    def test_the_record_has_all_that_a_report_without_regions_has(self, clean: Report) -> None:
        values = judged(clean, 0.5).as_dict()
        assert clean.as_dict().keys() <= values.keys()
        assert values["regions"] == []
        assert values["scores"] == clean.as_dict()["scores"]

    def test_verdict_and_record_agree(self, clean: Report) -> None:
        for regions in ((), (found("blot"),), (found("unknown", 9.0),), (found("button"),)):
            report = judged(clean, 0.5, *regions)
            assert report.as_dict()["verdict"] == report.verdict
            assert (report.verdict == "anomaly") == report.is_anomaly
