"""What the page Parts offers to do with the classes that are chosen."""

import numpy as np

from engine.editing import ClassRow
from features.region import Region
from ui.parts_page.actions_view import ACTIONS, area_text, class_names, fine_counts, offered


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


def titles(chosen):
    return [each.title for each in offered(chosen)]


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


def test_a_region_is_told_by_its_pixels():
    assert area_text(Region.of(np.ones((2, 3), dtype=bool))) == "6 pixels"
