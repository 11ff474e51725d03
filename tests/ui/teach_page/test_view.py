"""Words and rows of the page Teach: outlines, names, and what a lesson changed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.library import RegionClass
from engine.regions.recogniser import ClassMatch
from engine.regions.suggestion import Member, Suggestion
from engine.station import Entry
from features.region import Region
from ui.teach_page.view import (
    VerdictText,
    change_rows,
    change_summary,
    class_label,
    conflict_text,
    entry_label,
    group_title,
    groups_summary,
    n_settled,
    offered,
    region_text,
    verdict_of_entry,
)

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)


ANOMALY, NORMAL = (
    VerdictText("anomaly", "1 unknown region"),
    VerdictText("normal", "like the references"),
)


def entry(number, verdict="normal", reason="like the references", *, state="done", minutes=1):
    return Entry(
        number,
        f"{number}.png",
        "upload",
        None,
        Path("/models/product.pw"),
        state,
        AT,
        judged_at=AT + timedelta(minutes=minutes),
        verdict=verdict,
        reason=reason,
    )


def region(width=20, height=10):
    return Region((30, 40, 30 + width, 40 + height), np.ones((height, width), bool))


def known(number, name, kind="accepted", n_examples=3):
    return RegionClass(number, name, kind, number, n_examples, AT, "line 3")


class TestChanges:
    @pytest.mark.parametrize(
        ("now", "state"),
        [
            (entry(1, "normal"), "turned"),
            (entry(1, "anomaly", "1 unknown region"), "same"),
            (entry(1, "anomaly", "scratch"), "reworded"),
            (entry(1, "normal", state="queued"), "waiting"),
            (entry(1, "normal", state="running"), "waiting"),
            # the queue was emptied before its turn came
            (entry(1, "normal", minutes=-1), "skipped"),
            (entry(1, None, state="failed"), "failed"),
        ],
    )
    def test_each_image_is_compared_with_what_was_said_of_it(self, now, state):
        (row,) = change_rows({1: ANOMALY}, [now], {}, AT)
        assert row.state == state
        assert n_settled([row]) == (state != "waiting")

    def test_a_verdict_known_earlier_than_by_the_history_is_shown(self):
        (row,) = change_rows({1: ANOMALY}, [entry(1, "anomaly", state="queued")], {1: NORMAL}, AT)
        assert (row.state, row.after) == ("turned", NORMAL)
        assert "anomaly" in row.text.split("→")[0]
        assert "normal" in row.text.split("→")[1]

    def test_the_history_overrules_what_was_known_earlier(self):
        (row,) = change_rows({1: ANOMALY}, [entry(1, "anomaly", "scratch")], {1: NORMAL}, AT)
        assert (row.after, row.reason) == (VerdictText("anomaly", "scratch"), "scratch")

    def test_the_order_is_that_of_before_and_removed_images_are_left_out(self):
        rows = change_rows({3: NORMAL, 2: NORMAL, 1: NORMAL}, [entry(1), entry(3)], {}, AT)
        assert [each.entry_id for each in rows] == [3, 1]

    def test_the_summary_counts_both_directions_and_what_is_to_come(self):
        before = {1: ANOMALY, 2: ANOMALY, 3: NORMAL, 4: NORMAL}
        now = [entry(1), entry(2), entry(3, "anomaly", "scratch"), entry(4, state="queued")]
        rows = change_rows(before, now, {}, AT)
        assert change_summary(rows) == (
            "2 images become normal · 1 image becomes an anomaly · 1 to go"
        )
        assert change_summary(rows[3:]) == "No verdict changes so far · 1 to go"
        assert change_summary(change_rows({4: NORMAL}, [entry(4)], {}, AT)) == "No verdict changes"

    def test_colour_is_never_the_only_sign(self):
        for said in (ANOMALY, NORMAL, verdict_of_entry(entry(1, None))):
            assert ":material/" in said.badge
            assert (said.verdict or "not judged") in said.badge


class TestOutline:
    def test_its_size_is_told_in_pixels_and_as_a_share(self):
        assert region_text(region(), (200, 100)) == (
            "200 pixels, 1 % of the image, in 20 × 10 px at 30, 40"
        )

    def test_a_speck_on_a_large_photograph_has_a_share_too(self):
        assert "less than 0.01 %" in region_text(region(2, 2), (7000, 7000))


class TestNames:
    CLASSES = (known(0, "tape"), known(1, "button"), known(2, "scratch", "defect"))

    def test_what_the_outline_looks_like_is_offered_first_then_all_by_name(self):
        alike = [ClassMatch(self.CLASSES[2], 0.8, 5), ClassMatch(self.CLASSES[0], 0.2, 1)]
        assert offered(self.CLASSES, alike) == ["scratch", "button", "tape"]
        assert offered(self.CLASSES, []) == ["button", "scratch", "tape"]
        assert class_label("scratch", self.CLASSES, alike) == (
            "scratch · defect · looks like it (80%)"
        )
        assert class_label("tape", self.CLASSES, alike) == "tape · accepted"
        assert class_label("new", self.CLASSES) == "new"

    def test_a_conflict_names_both_and_nothing_in_them_is_markdown(self):
        words = conflict_text("**a**", "defect", "$b$")
        assert r"\*\*a\*\*" in words
        assert r"\$b\$" in words

    def test_an_image_is_named_by_number_name_and_verdict(self):
        assert entry_label(entry(7, "anomaly")) == "7 · 7.png · anomaly"


def test_groups_say_how_many_things_on_how_many_images():
    picture = np.zeros((4, 4, 3), np.uint8)
    group = Suggestion(tuple(Member(name, region(), 2.0, picture) for name in ("1", "1", "2")))
    assert group_title(group) == "3 things that look alike, in 2 images"
    assert groups_summary((group,), 12) == (
        "12 images looked through: 1 group of unknown things, the biggest first."
    )
    assert "no unknown things" in groups_summary((), 1)
