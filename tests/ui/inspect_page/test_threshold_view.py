"""A threshold that is only tried says which verdicts it would turn."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.station import Entry
from ui.inspect_page.threshold_view import slider_top, strip_plot, strip_rows, would_change


def judged(*totals, threshold=1.0, is_by_region=False):
    return [
        Entry(
            number,
            f"{number}.png",
            "upload",
            None,
            Path("m.pw"),
            "done",
            datetime(2024, 5, 1, tzinfo=UTC),
            total=total,
            threshold=threshold,
            verdict="anomaly" if is_by_region or total > threshold else "normal",
            is_by_region=is_by_region,
        )
        for number, total in enumerate(totals, 1)
    ]


QUEUED = Entry(
    99, "q.png", "upload", None, Path("m.pw"), "queued", datetime(2024, 5, 1, tzinfo=UTC)
)


def test_a_lower_threshold_makes_anomalies_and_a_higher_one_takes_them_back():
    entries = judged(0.5, 0.8, 0.9, 1.5)
    assert would_change(entries, 0.7).to_anomaly == (2, 3)
    assert would_change(entries, 0.7).summary == "2 of 4 images would become anomalies"
    assert would_change(entries, 0.85).summary == "1 of 4 images would become an anomaly"
    assert would_change(entries, 2.0).to_normal == (4,)
    assert would_change(entries, 2.0).summary == "1 of 4 images would become normal"


def test_the_threshold_in_force_changes_nothing():
    assert would_change(judged(0.5, 1.5), 1.0).summary == "No verdict of 2 images would change"


def test_images_without_a_verdict_do_not_count():
    assert would_change([*judged(0.5), QUEUED], 0.1).summary == (
        "1 of 1 image would become an anomaly"
    )
    assert len(strip_rows([*judged(0.5), QUEUED], 0.1)) == 1


def test_a_taught_defect_stays_one_whatever_the_threshold():
    change = would_change(judged(0.5, is_by_region=True), 3.0)
    assert (change.to_normal, change.to_anomaly) == ((), ())


def test_images_of_mixed_thresholds_may_turn_both_ways():
    entries = judged(0.9, threshold=0.5) + judged(0.9, threshold=1.5)
    assert would_change(entries, 1.0).summary == "1 of 2 images would become normal"
    assert would_change(entries, 0.8).summary == "1 of 2 images would become an anomaly"


@pytest.mark.parametrize("totals", [(), (0.1,), (0.5, 1.3), (80.0,)])
def test_the_slider_reaches_beyond_the_threshold_but_not_to_outliers(totals):
    assert 1.5 <= slider_top(judged(*totals), 1.0) <= 3.0


def test_the_plot_shows_each_image_as_mark_of_its_verdict():
    entries = judged(0.5, 1.5, 40.0)
    rows = strip_rows(entries, 2.0)
    assert [row["verdict"] for row in rows] == ["normal", "normal", "anomaly"]
    drawn = strip_plot(rows, 2.0, 3.0).to_dict()
    points, line = drawn["layer"]
    sets = drawn["datasets"]
    assert [row["shown"] for row in sets[points["data"]["name"]]] == [0.5, 1.5, 3.0]
    assert points["encoding"]["shape"]["scale"]["range"] == ["circle", "cross"]
    assert sets[line["data"]["name"]] == [{"threshold": 2.0}]


def test_places_across_the_plot_stay_when_images_are_added():
    few, many = strip_rows(judged(0.5), 1.0), strip_rows(judged(0.5, 0.5), 1.0)
    assert few[0] == many[0]
    assert many[0]["lane"] != many[1]["lane"]
