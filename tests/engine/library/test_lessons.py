"""Each lesson does what it says, on both databases."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from engine.library import KindConflict, Library, LibraryError, NameConflict


def state(library):
    """Every class with its kind and the images of its examples."""
    found = {(each.name, each.kind): [] for each in library.classes()}
    for each in library.examples(with_features=False):
        found[each.class_name, each.kind].append(each.image_name)
    return found


def test_an_example_comes_back_as_it_was_given(library, example, identity):
    given = example(7, features={
        "half": np.arange(6, dtype=np.float16).reshape(2, 3),
        "whole": np.array([[1, -2]], dtype=np.int32),
        "slice": np.arange(12, dtype=np.float32).reshape(3, 4)[:, ::2],
        "empty": np.zeros((0, 4), dtype=np.float32),
        "is_edge": np.array([True, False]),
    })  # fmt: skip
    before = datetime.now(UTC) - timedelta(seconds=1)
    lesson = library.teach("button", "accepted", given, identity)
    (back,) = library.examples()
    for name in ("image_sha256", "image_name", "image_size", "note", "verdict"):
        assert getattr(back, name) == getattr(given, name)
    assert back.region.box_xyxy == given.region.box_xyxy
    assert np.array_equal(back.region.mask, given.region.mask)
    assert np.array_equal(back.thumbnail, given.thumbnail)
    assert back.features.keys() == given.features.keys()
    for name, array in given.features.items():
        assert back.features[name].dtype == array.dtype
        assert np.array_equal(back.features[name], array)
    assert (back.id, back.class_name, back.kind) == (lesson.example_id, "button", "accepted")
    assert back.author == lesson.author == "anna@left"
    assert before < back.taught_at == lesson.at < datetime.now(UTC)
    assert back.taught_at.utcoffset() == timedelta(0)


def test_classes_have_their_kinds_counts_and_colours(library, teach):
    teach("button", "accepted", 0)
    teach("fleck", "defect", 1)
    teach("button", None, 2)
    found = library.classes()
    assert [(each.name, each.kind, each.color, each.n_examples) for each in found] == [
        ("button", "accepted", 0, 2),
        ("fleck", "defect", 1, 1),
    ]
    assert {each.created_by for each in found} == {"anna@left"}
    assert library.examples("fleck")[0].image_name == "cloth_1.png"


def test_a_new_class_needs_a_kind(teach):
    with pytest.raises(LibraryError, match="'button' is new, so that its kind must be"):
        teach("button", None)


def test_a_class_of_the_other_kind_is_a_conflict_that_names_both(library, teach):
    teach("button", "accepted")
    with pytest.raises(KindConflict, match=r"'button' is an accepted class, got .* of a defect"):
        teach("button", "defect")
    assert library.revision() == 1
    assert len(library.lessons()) == 1


def test_what_is_forgotten_does_not_count_and_comes_back(library, teach):
    teach("button", "accepted", 0)
    second = teach("button", "accepted", 1)
    teach("fleck", "defect", 2)
    library.forget("button")
    assert state(library) == {("fleck", "defect"): ["cloth_2.png"]}
    library.undo()
    library.forget_example(second.example_id)
    assert state(library)["button", "accepted"] == ["cloth_0.png"]
    library.undo()
    assert state(library)["button", "accepted"] == ["cloth_0.png", "cloth_1.png"]


def test_forgetting_keeps_what_is_taught_afterwards(library, teach):
    teach("button", "accepted", 0)
    forgotten = library.forget("button")
    teach("button", "accepted", 1)
    assert state(library) == {("button", "accepted"): ["cloth_1.png"]}
    library.undo(forgotten.id)
    assert state(library) == {("button", "accepted"): ["cloth_0.png", "cloth_1.png"]}
    library.redo(forgotten.id)
    assert state(library) == {("button", "accepted"): ["cloth_1.png"]}
    assert [each.color for each in library.classes()] == [0]


def test_undoing_the_first_lesson_of_a_class_leaves_the_later_ones(library, teach):
    first = teach("button", "accepted", 0)
    teach("button", "accepted", 1)
    library.undo(first.id)
    assert state(library) == {("button", "accepted"): ["cloth_1.png"]}
    library.undo()
    assert library.classes() == []
    library.redo(first.id)
    assert state(library) == {("button", "accepted"): ["cloth_0.png"]}


def test_a_class_is_renamed_with_all_its_examples(library, teach):
    teach("button", "accepted", 0)
    library.rename("button", "round button")
    teach("round button", None, 1)
    assert state(library) == {("round button", "accepted"): ["cloth_0.png", "cloth_1.png"]}
    with pytest.raises(LibraryError, match="has no class 'button'"):
        library.forget("button")


def test_a_kind_is_changed_for_all_examples(library, teach):
    teach("button", "accepted")
    library.change_kind("button", "defect")
    assert state(library) == {("button", "defect"): ["cloth_0.png"]}
    with pytest.raises(LibraryError, match="a defect already"):
        library.change_kind("button", "defect")


def test_a_name_belongs_to_one_class(library, teach):
    teach("button", "accepted", 0)
    teach("fleck", "defect", 1)
    with pytest.raises(NameConflict, match="'fleck' cannot be called 'button', as an accepted"):
        library.rename("fleck", "button")
    with pytest.raises(LibraryError, match="called that already"):
        library.rename("fleck", " fleck ")


def test_a_name_given_away_meanwhile_does_not_come_back(library, teach):
    teach("button", "accepted", 0)
    renamed = library.rename("button", "disc")
    teach("button", "defect", 1)
    before = state(library), library.lessons(), library.revision()
    with pytest.raises(NameConflict, match=rf"cannot undo lesson {renamed.id}: .*'button'"):
        library.undo(renamed.id)
    assert (state(library), library.lessons(), library.revision()) == before
    library.rename("button", "speck")
    library.undo(renamed.id)
    assert set(state(library)) == {("button", "accepted"), ("speck", "defect")}


def test_the_other_kind_after_forgetting_is_another_class(library, teach):
    teach("button", "accepted", 0)
    forgotten = library.forget("button")
    teach("button", "defect", 1)
    assert [(each.kind, each.color) for each in library.classes()] == [("defect", 1)]
    with pytest.raises(NameConflict, match=r"'button' \(accepted\), as another one \(defect\)"):
        library.undo(forgotten.id)


def test_undo_and_redo_go_back_and_forth_in_order(library, teach):
    states = [state(library)]
    for step in (
        lambda: teach("button", "accepted", 0),
        lambda: library.rename("button", "disc"),
        lambda: library.change_kind("disc", "defect"),
        lambda: library.forget("disc"),
    ):
        step()
        states.append(state(library))
    for expected in reversed(states[:-1]):
        library.undo()
        assert state(library) == expected
    with pytest.raises(LibraryError, match="no lesson to undo"):
        library.undo()
    for expected in states[1:]:
        library.redo()
        assert state(library) == expected
    with pytest.raises(LibraryError, match="no lesson to redo"):
        library.redo()


def test_undoing_is_recorded_with_who_and_when(library, place, teach):
    lesson = teach("button", "accepted")
    with Library(place, author="bert@right") as other:
        assert other.undo(lesson.id).is_undone
        other.redo()
    (found,) = library.lessons()
    assert [(each.action, each.author) for each in found.reversals] == [
        ("undo", "bert@right"),
        ("redo", "bert@right"),
    ]
    assert found.at < found.reversals[0].at < found.reversals[1].at
    assert not found.is_undone


def test_lessons_are_told_in_words(library, teach):
    number = teach("button", "accepted").example_id
    library.rename("button", "disc")
    library.change_kind("disc", "defect")
    library.forget_example(number)
    library.undo()
    library.forget("disc")
    assert [each.text for each in library.lessons()] == [
        f"teach 'button' (accepted) by example {number}",
        "rename 'button' to 'disc'",
        "change 'disc' from accepted to defect",
        f"forget example {number} of 'disc'",
        "forget 'disc'",
    ]
    assert [each.is_undone for each in library.lessons()] == [False, False, False, True, False]


@pytest.mark.parametrize("number", [0, -1, 99, 2**31, 2**70])
def test_numbers_that_nothing_has_are_refused(library, teach, number):
    teach("button", "accepted")
    for refused in (library.undo, library.redo):
        with pytest.raises(LibraryError, match=f"has no lesson {number}"):
            refused(number)
    with pytest.raises(LibraryError, match=f"no example {number} that counts"):
        library.forget_example(number)
    assert library.examples(ids=[number]) == []


def test_a_lesson_is_undone_and_redone_once(library, teach):
    lesson = teach("button", "accepted")
    with pytest.raises(LibraryError, match=f"lesson {lesson.id} is not undone"):
        library.redo(lesson.id)
    library.undo(lesson.id)
    with pytest.raises(LibraryError, match=f"lesson {lesson.id} is undone already"):
        library.undo(lesson.id)
    with pytest.raises(LibraryError, match=f"no example {lesson.example_id} that counts"):
        library.forget_example(lesson.example_id)


def test_the_revision_grows_with_every_change_and_only_then(library, teach):
    seen = [library.revision()]
    for step in (lambda: teach("button"), library.undo, library.redo):
        step()
        seen.append(library.revision())
        library.classes(), library.examples(), library.lessons()
    assert seen == [0, 1, 2, 3]
