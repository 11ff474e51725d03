"""What the page Parts says: classes as rows, and what was done to them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from engine.editing import ClassEdit, ClassRow, Rename
from ui.parts_page.view import headings, history_lines, last_counting, last_undone, rows


def class_row(
    class_id=3,
    name="leg",
    *,
    counts=(2, 2, 2),
    tolerance=None,
    share=0.02,
    is_background=False,
    is_ignored=False,
    is_painted=False,
):
    spare = tolerance or 0
    return ClassRow(
        class_id,
        name,
        "#0072b2",
        is_background,
        is_ignored,
        is_painted,
        counts,
        tolerance,
        max(0, min(counts) - spare),
        max(counts) + spare,
        share,
    )


def past(number, *, undone_as=0, author="Ada", text="renamed 'a' to 'b'"):
    at = datetime(2024, 5, 1, 12, 30, tzinfo=UTC).isoformat(timespec="seconds")
    return ClassEdit(number, Rename(0, "b"), text, author, at, undone_as)


def test_a_learnt_class_shows_what_the_references_show():
    (row,) = rows([class_row(counts=(2, 1, 2))])
    assert (row.accepted, row.tolerance, row.is_rule) == ("1–2", "learnt", False)
    assert row.is_odd == (False, True, False)


@pytest.mark.parametrize(
    ("tolerance", "accepted", "words"), [(0, "2", "rule: exact"), (3, "0–5", "rule: ±3")]
)
def test_a_rule_is_told_from_what_was_learnt(tolerance, accepted, words):
    (row,) = rows([class_row(tolerance=tolerance)])
    assert (row.accepted, row.tolerance, row.is_rule) == (accepted, words, True)


def test_background_is_not_counted_so_that_no_count_of_it_is_odd():
    (row,) = rows([class_row(counts=(1, 2, 1), is_background=True)])
    assert (row.kind, row.accepted, row.is_idle) == ("background", "any", True)
    assert not any(row.is_odd)


@pytest.mark.parametrize(
    ("flags", "kind"),
    [
        ({}, "part"),
        ({"is_painted": True}, "painted"),
        ({"is_background": True, "is_ignored": True}, "ignored"),
        ({"is_background": True, "is_ignored": True, "is_painted": True}, "ignored"),
    ],
)
def test_every_class_is_of_one_kind_which_is_explained(flags, kind):
    (row,) = rows([class_row(**flags)])
    assert row.kind == kind
    assert row.kind_means


@pytest.mark.parametrize(
    ("share", "words"), [(0.67, "67%"), (0.0149, "1.5%"), (0.0004, "< 0.1%"), (0.0, "< 0.1%")]
)
def test_a_small_area_is_never_called_nothing(share, words):
    (row,) = rows([class_row(share=share)])
    assert row.share == words


def test_the_number_can_be_read_on_its_colour():
    dark, light = rows(
        [class_row(), ClassRow(1, "x", "#f0e442", *[False] * 3, (1,), None, 1, 1, 0.1)]
    )
    assert (dark.ink, light.ink) == ("#ffffff", "#000000")


def test_the_hint_of_the_counts_names_the_references_in_their_order():
    hints = dict(headings(["b.png", "a.png"]))
    assert hints["Count"].endswith("1: b.png, 2: a.png")


def test_edits_are_listed_newest_first_and_undone_ones_are_faint():
    newest, oldest = history_lines([past(1), past(2, undone_as=1, author="")])
    assert newest.title == "Renamed 'a' to 'b'"
    assert (newest.mark, newest.cells, newest.tone) == ("2", ("undone",), "idle")
    assert newest.hint.startswith("somebody, 2024-05-01")
    assert (oldest.cells, oldest.tone) == (("",), "plain")
    (undone,) = history_lines([replace(past(1, undone_as=1), undone_by="Bob")])
    assert undone.hint.startswith("Ada, ")
    assert undone.hint.endswith("undone by Bob")


def test_undoing_takes_the_last_edit_that_counts():
    assert last_counting([]) is None
    assert last_counting([past(1), past(2, undone_as=1)]).number == 1
    assert last_counting([past(1, undone_as=1)]) is None


def test_redoing_takes_what_was_undone_last_unless_something_was_edited_since():
    assert last_undone([past(1)]) is None
    assert last_undone([past(1, undone_as=2), past(2, undone_as=1)]).number == 1
    assert last_undone([past(1), past(2, undone_as=1)]).number == 2
    assert last_undone([past(1, undone_as=1), past(2)]) is None
