"""Which of many deviations is named where there is room for one?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine import Inspector
from engine.report import SCORE_OF, Deviation, Report
from engine.scores import SCORES
from engine.synthetic.scenes import render


@pytest.fixture(scope="module")
def report() -> Report:
    """Any report, of which shares and deviations are then replaced."""
    photos = [render("pins", np.random.default_rng([3, each])).image for each in range(2)]
    return Inspector().fit(photos).inspect(photos[0])


def deviation(kind: str, severity: float, class_id: int = -1) -> Deviation:
    return Deviation(class_id, "leg", kind, 1.0, 0.0, kind, severity)


def headline(report: Report, shares: dict[str, float], *deviations: Deviation) -> str | None:
    normalised: dict[str, float] = {each.name: 0.0 for each in SCORES} | shares
    given: Any = replace(report, normalised=normalised, deviations=deviations)
    return None if given.headline is None else given.headline.kind


def test_there_is_none_without_deviations(report: Report) -> None:
    assert headline(report, {}) is None


def test_every_kind_belongs_to_a_score() -> None:
    assert set(SCORE_OF.values()) <= {each.name for each in SCORES}


def test_what_adds_most_to_the_total_is_named_not_what_is_oddest_by_itself(report: Report) -> None:
    size, gone = deviation("size", 9.0, 1), deviation("missing_here", 2.0)
    shares = {"missing_patch": 0.6, "composition": 0.1}
    assert headline(report, shares, size, gone) == "missing_here"
    assert headline(report, {"composition": 0.6, "missing_patch": 0.1}, size, gone) == "size"


def test_among_equal_shares_the_worst_is_named(report: Report) -> None:
    mild, bad = deviation("size", 2.0, 1), deviation("color", 3.0, 1)
    assert headline(report, {"composition": 1.0}, mild, bad) == "color"


def test_a_part_that_is_gone_is_named_rather_than_what_lies_under_it(report: Report) -> None:
    new = deviation("unseen_here", 3.0)
    shares = {"missing_patch": 0.5, "located_patch": 0.6}
    assert headline(report, shares, deviation("missing_here", 2.0, 1), new) == "missing_here"
    assert headline(report, shares, deviation("missing_here", 2.0), new) == "unseen_here"


@pytest.mark.parametrize(
    ("kind", "score"), [("unlike", "network_patch"), ("detail", "detail_patch")]
)
def test_what_says_only_where_is_named_last(report: Report, kind: str, score: str) -> None:
    where, what = deviation(kind, 3.0), deviation("missing_here", 2.0)
    assert headline(report, {score: 0.6, "missing_patch": 0.2}, where, what) == "missing_here"
    assert headline(report, {score: 0.6, "missing_patch": 0.01}, where, what) == kind
    assert headline(report, {score: 0.6}, where) == kind
