"""Words and rows of the page Teach: what was taught, and what it changed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.library import Lesson, RegionClass
from engine.library.records import Reversal
from engine.regions.recogniser import ClassMatch
from engine.regions.suggestion import Member, Suggestion
from engine.station import Entry
from features.region import Region
from ui.teach_page.library_view import (
    class_badge,
    lesson_announcements,
    lesson_rows,
    lesson_text,
    other_kind,
    outcome_title,
)
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


def lesson(number, text, **changes):
    first = Lesson(number, "teach", "button", number, "line 3", AT, False, text)
    return replace(first, **changes)


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


class TestLessons:
    def test_the_newest_is_first_and_says_what_can_be_done_with_it(self):
        undone = (Reversal("undo", "line 4", AT),)
        rows = lesson_rows(
            [
                lesson(1, "teach 'button' (accepted) by example 1"),
                lesson(2, "forget 'button'", is_undone=True, reversals=undone),
            ]
        )
        assert [(each.id, each.action) for each in rows] == [(2, "Redo"), (1, "Undo")]
        assert rows[0].text == "forgot 'button'"
        assert rows[0].reversal.startswith("undone by line 4 on 2026-05-0")
        assert (rows[1].who, rows[1].reversal) == ("line 3", "")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("teach 'a' (defect) by example 3", "taught 'a' (defect) by example 3"),
            ("rename 'a' to 'b'", "renamed 'a' to 'b'"),
            ("change 'a' from defect to accepted", "changed 'a' from defect to accepted"),
            ("forget example 3 of 'a'", "forgot example 3 of 'a'"),
        ],
    )
    def test_a_lesson_is_told_in_the_past_tense(self, text, words):
        assert lesson_text(lesson(1, text)) == words

    def test_only_later_lessons_of_others_are_news(self):
        lessons = [lesson(number, f"forget 'c{number}'") for number in (1, 2, 3)]
        (words,) = lesson_announcements(lessons, 1, own={3})
        assert "c2" in words
        assert "line 3" in words

    def test_names_in_news_are_no_markdown(self):
        (words,) = lesson_announcements([lesson(1, "forget ':red[x]'", author="**me**")], 0, ())
        assert r"\*\*me\*\*" in words
        assert ":red[" not in words

    def test_lessons_given_at_once_have_one_title(self):
        one = lesson(1, "teach 'a' (defect) by example 1")
        two = lesson(2, "teach 'a' (defect) by example 2")
        assert outcome_title([one]).startswith("**Learnt** · lesson 1: taught")
        assert "lessons 1 to 2" in outcome_title([one, two])
        assert outcome_title([replace(one, is_undone=True)]).startswith("**Undone**")


class TestClasses:
    def test_plates_of_both_kinds_differ_without_colour_and_are_clear_outside(self):
        accepted, defect = (class_badge(known(0, "a", kind)) for kind in ("accepted", "defect"))
        assert (accepted[..., 3] != defect[..., 3]).any()
        assert accepted[0, 0, 3] == 0
        center = accepted[accepted.shape[0] // 2, 12]
        assert center.tolist() == [230, 159, 0, 255]

    def test_a_kind_can_only_become_the_other_one(self):
        assert other_kind(other_kind("defect")) == "defect"
        assert other_kind("defect") == "accepted"


def test_groups_say_how_many_things_on_how_many_images():
    picture = np.zeros((4, 4, 3), np.uint8)
    group = Suggestion(tuple(Member(name, region(), 2.0, picture) for name in ("1", "1", "2")))
    assert group_title(group) == "3 things that look alike, in 2 images"
    assert groups_summary((group,), 12) == (
        "12 images looked through: 1 group of unknown things, the biggest first."
    )
    assert "no unknown things" in groups_summary((), 1)
