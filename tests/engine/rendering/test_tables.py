from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alignment.aligned import AlignedParts
from engine.rendering.overlays import EXTRA, NO_PART
from engine.rendering.tables import class_lines, count_regions, score_lines, shown_classes
from engine.report import Deviation, Report
from engine.scores import SCORES
from features.parts import Parts

NAMES = ("background", "nut", "washer")


@pytest.fixture
def report() -> Report:
    """Two nuts, one washer, one extra part, a background of no class."""
    labels = np.full((4, 11), 0)
    labels[0, 1::2] = [1, 2, 3, 4, 5]
    parts = Parts(labels, np.array([True, False, False, False, False, True]))
    classes = np.array([0, 1, 1, 2, EXTRA, -1])
    return Report(
        total=2.0,
        threshold=1.0,
        threshold_source="hand",
        calibration="leave-one-out",
        scores={"small": 0.1, "idle": 5.0, "large": 3.0, "zero": 0.0},
        normalised={"small": 0.5, "idle": 0.0, "large": 1.5, "zero": 0.0},
        deviations=(),
        anomaly_map=np.zeros((2, 3)),
        missing_map=np.zeros((2, 3)),
        aligned=AlignedParts(parts, classes, np.zeros(6), np.array([True, False, False])),
        registered=np.zeros((4, 6, 3), np.uint8),
        nearest_reference=0,
        image_size=(4, 6),
        to_image=np.eye(2, 3),
        seconds=0.1,
    )


def test_scores_come_by_share_and_inactive_last(report: Report) -> None:
    lines = score_lines(report)
    assert [line.name for line in lines] == ["large", "small", "zero", "idle"]
    assert [line.share for line in lines] == [0.75, 0.25, 0.0, 0.0]
    assert [line.is_active for line in lines] == [True, True, True, False]


def test_scores_without_any_total_share_nothing(report: Report) -> None:
    calm = replace(report, scores={"a": 0.0}, normalised={"a": 0.0})
    assert [(line.share, line.is_active) for line in score_lines(calm)] == [(0.0, True)]


def test_a_score_that_was_not_normalised_is_inactive(report: Report) -> None:
    (line,) = score_lines(replace(report, scores={"a": 0.0}, normalised={}))
    assert not line.is_active


def test_classes_say_what_is_usual_and_found(report: Report) -> None:
    lines = class_lines(report, np.array([1, 2, 3]), NAMES)
    assert [(line.mark, line.name, line.usual, line.found) for line in lines] == [
        ("1", "nut", 2, 2),
        ("2", "washer", 3, 1),
        ("?", "of no class", 0, 1),
        ("0", "background", 1, 1),
    ]
    assert not any(line.is_off for line in lines)


def test_deviation_in_a_count_says_what_is_usual(report: Report) -> None:
    missing = Deviation(2, "washer", "missing", 2.0, 1.0, "one is missing", 1.5)
    smaller = Deviation(1, "nut", "size", 40.0, 30.0, "smaller", 1.2)
    lines = class_lines(replace(report, deviations=(missing, smaller)), np.array([1, 2, 3]), NAMES)
    assert [(line.usual, line.is_off) for line in lines[:2]] == [(2, False), (2, True)]


def test_background_of_no_class_is_no_extra_part(report: Report) -> None:
    assert shown_classes(report).tolist() == [0, 1, 1, 2, EXTRA, NO_PART]


def test_regions_are_counted_by_class() -> None:
    classes = np.array([[1, 0, 1, 1], [1, 0, 0, 0], [-1, -1, 0, 1]])
    assert count_regions(classes, 3).tolist() == [1, 3, 0]


def test_every_score_is_explained_by_a_question(report: Report) -> None:
    lines = score_lines(replace(report, scores={each.name: 1.0 for each in SCORES}))
    assert all(line.question.endswith("?") for line in lines)
