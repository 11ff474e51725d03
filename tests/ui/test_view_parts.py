"""What the page Parts says: classes as rows, what can be done with them, what was done."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from engine.editing import ClassEdit, ClassRow, Rename
from features.region import Region
from ui.parts_page.actions_view import ACTIONS, area_text, class_names, fine_counts, offered
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


def titles(chosen):
    return [each.title for each in offered(chosen)]


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


def test_one_class_is_not_merged_and_several_are_only_merged():
    assert "Merge" not in titles([class_row()])
    assert titles([class_row(), class_row(4)]) == ["Merge"]
    assert titles([]) == []


def test_background_is_offered_to_count_again_and_no_rule():
    things = titles([class_row(is_background=True, is_ignored=True)])
    assert "Count again" in things
    assert not {"Ignore", "Set count"} & set(things)
    assert "Count again" not in titles([class_row()])


def test_what_cannot_be_split_is_not_offered_to_be():
    assert "Split" in titles([class_row(counts=(1, 1))])
    assert "Split" not in titles([class_row(counts=(1, 0))])
    assert "Split" not in titles([class_row(is_painted=True)])


def test_only_what_was_painted_is_painted_on():
    assert "Paint more" in titles([class_row(is_painted=True)])
    assert "Paint more" not in titles([class_row()])


def test_every_action_is_explained_in_a_sentence():
    assert all(each.means.endswith(".") and len(each.means) > 40 for each in ACTIONS)
    assert len({each.kind for each in ACTIONS}) == len({each.title for each in ACTIONS})


def test_many_chosen_classes_are_named_by_three():
    chosen = [class_row(number, f"c{number}") for number in range(5)]
    assert class_names(chosen[:2]) == "c0, c1"
    assert class_names(chosen) == "c0, c1, c2 and 2 more"


def test_a_tolerance_is_shown_as_the_counts_that_it_allows():
    row = class_row(counts=(2, 1))
    assert fine_counts(row, 0) == "1 to 2"
    assert fine_counts(row, 4) == "0 to 6"
    assert fine_counts(class_row(), 0) == "2"


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


def test_a_region_is_told_by_its_pixels():
    assert area_text(Region.of(np.ones((2, 3), dtype=bool))) == "6 pixels"
