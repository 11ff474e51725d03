"""Words of the library on the page Teach: lessons, news, classes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from engine.library import Lesson, RegionClass
from engine.library.records import Reversal
from ui.teach_page.library_view import (
    class_badge,
    lesson_announcements,
    lesson_rows,
    lesson_text,
    other_kind,
    outcome_title,
)

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)


def known(number, name, kind="accepted", n_examples=3):
    return RegionClass(number, name, kind, number, n_examples, AT, "line 3")


def lesson(number, text, **changes):
    first = Lesson(number, "teach", "button", number, "line 3", AT, False, text)
    return replace(first, **changes)


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
