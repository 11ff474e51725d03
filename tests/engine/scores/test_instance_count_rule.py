"""What does a count tolerance that a person has set add to totals and words?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from alignment.comparison import Comparison
from alignment.sample import Sample
from engine.editing import Count, edited
from engine.inspector import Inspector
from engine.scores.instance_count import InstanceCountConfig, beyond_tolerance, score
from engine.synthetic.scenes import Scene

Fitted = Callable[..., Inspector]
Render = Callable[..., Scene]
PLACES = ((4, 4, 12, 12), (4, 24, 12, 32), (4, 44, 12, 52), (24, 4, 32, 12), (24, 24, 32, 32))


def ruled(sample: Sample, tolerance: int) -> Sample:
    """Set a tolerance on class 1."""
    tolerances = np.array([-1, tolerance, -1, -1])
    return replace(sample, aligned=replace(sample.aligned, count_tolerance=tolerances))


@pytest.mark.parametrize(
    ("n", "tolerance", "beyond"), [(2, 0, 0), (3, 0, 0), (1, 0, 1), (5, 0, 2), (5, 1, 1), (0, 2, 0)]
)
def test_counts_beyond_the_tolerance_are_told_apart(
    paint: Callable[..., Sample],
    compare_all: Callable[..., list[Comparison]],
    n: int,
    tolerance: int,
    beyond: int,
) -> None:
    test, *references = (
        ruled(paint([(1, place) for place in PLACES[:count]]), tolerance) for count in (n, 2, 3)
    )
    reading = score(compare_all(test, *references), InstanceCountConfig())
    assert reading.n_over_tolerance == beyond
    assert reading.value == 0  # the rule stands for what was learnt
    assert beyond_tolerance(test.aligned, [each.aligned for each in references])[1] == beyond


class TestRule:
    def test_each_instance_beyond_adds_the_threshold(self, fitted: Fitted, scene: Render) -> None:
        plain = fitted("pins")
        strict = edited(plain, Count(2, 0))
        image = scene("pins", 20, "missing_pin").image
        before, after = plain.inspect(image), strict.inspect(image)
        assert after.is_anomaly
        assert after.total > strict.fitted.threshold > 0
        assert after.total == pytest.approx(sum(after.normalised.values()))
        assert after.normalised["instance_count"] >= strict.fitted.threshold
        assert before.normalised["instance_count"] < strict.fitted.threshold
        assert after.deviations[0].text.endswith(": 14 found, 15 expected")

    def test_within_the_tolerance_nothing_is_said(self, fitted: Fitted, scene: Render) -> None:
        lenient = edited(fitted("pins"), Count(2, 1))
        report = lenient.inspect(scene("pins", 20, "missing_pin").image)
        assert report.scores["instance_count"] == report.normalised["instance_count"] == 0
        assert not [each for each in report.deviations if each.kind in ("missing", "extra")]

    def test_what_is_normal_is_learnt_without_the_rule(self, fitted: Fitted) -> None:
        plain = fitted("pins")
        strict = edited(plain, Count(2, 0))
        assert strict.fitted.threshold <= plain.fitted.threshold
        assert edited(strict, Count(2, None)).fitted.threshold == plain.fitted.threshold
