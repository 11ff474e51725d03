from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.editing import (
    Add,
    ClassEditError,
    Count,
    Edit,
    Ignore,
    Merge,
    Remove,
    Rename,
    Split,
    class_rows,
    edited,
    effect,
    find_class,
    leave_one_out_totals,
    redone,
    reference_picture,
    undone,
)
from engine.inspector import Inspector
from engine.model_file import read_model, write_model
from engine.synthetic.scenes import Scene
from features.region import Region

Fitted = Callable[..., Inspector]
Render = Callable[..., Scene]


def said(inspector: Inspector, image: np.ndarray) -> dict[str, object]:
    return inspector.inspect(image).as_dict() | {"seconds": None}


def pin_of(inspector: Inspector, reference: int = 0) -> Region:
    """Outline one pin on a reference: an instance of the class of which there are 15."""
    aligned = inspector.fitted.samples[reference].aligned
    pins = np.flatnonzero(aligned.class_of_part == np.argmax(aligned.counts))
    fifth = np.unique(aligned.instance_of_part[pins])[4]
    own = np.append(aligned.instance_of_part == fifth, False)
    return Region.of(own[aligned.parts.labels])


@pytest.fixture(scope="module")
def pins(fitted: Fitted) -> Inspector:
    return fitted("pins")


@pytest.fixture(scope="module")
def with_painted(pins: Inspector) -> Inspector:
    return edited(pins, Add("pin", 0, pin_of(pins)), author="ann")


class TestEdits:
    def test_a_new_name_changes_nothing_else(self, pins: Inspector, scene: Render) -> None:
        renamed = edited(pins, Rename(2, " tack "))
        assert class_rows(renamed)[2].name == "tack"
        assert class_rows(pins)[2].name != "tack"
        image = scene("pins", 20, "missing_pin").image
        ours, theirs = said(renamed, image), said(pins, image)
        assert ours["score"] == theirs["score"]
        assert "tack: 14 found, 15 expected" in str(ours["deviations"])

    def test_merged_classes_keep_the_first_number(self, pins: Inspector) -> None:
        merged = edited(pins, Merge((2, 0), "all"))
        assert [(row.id, row.name) for row in class_rows(merged)][-1] == (2, "all")
        assert [row.id for row in class_rows(merged)] == [1, 2]
        assert (
            merged.fitted.samples[0].aligned.n_classes == pins.fitted.samples[0].aligned.n_classes
        )

    def test_split_classes_share_the_parts(self, pins: Inspector) -> None:
        split = edited(pins, Split(2, 2))
        for before, after in zip(pins.fitted.samples, split.fitted.samples, strict=True):
            one, other = after.class_area_px[2:]
            assert one + other == before.class_area_px[2]
            assert one > 0
        assert class_rows(split)[3].name.startswith("class 3 (")

    def test_ignored_classes_are_background(self, pins: Inspector, scene: Render) -> None:
        ignored = edited(pins, Ignore(2))
        assert class_rows(ignored)[2].is_ignored
        report = ignored.inspect(scene("pins", 20, "missing_pin").image)
        assert report.scores["instance_count"] == 0
        back = edited(ignored, Ignore(2, False))
        assert not class_rows(back)[2].is_background
        assert back.fitted.threshold == pins.fitted.threshold

    def test_parts_of_a_removed_class_go_elsewhere(self, pins: Inspector) -> None:
        removed = edited(pins, Remove(2))
        assert [row.id for row in class_rows(removed)] == [0, 1]
        for sample in removed.fitted.samples:
            assert set(sample.aligned.class_of_part) <= {0, 1}

    def test_numbers_are_never_given_again(self, with_painted: Inspector) -> None:
        without = edited(with_painted, Remove(3))
        again = edited(without, Add("pin", 1, pin_of(undone(undone(without)), 1)))
        assert [row.id for row in class_rows(again)][-1] == 4

    def test_a_painted_thing_is_found_everywhere(
        self, with_painted: Inspector, scene: Render
    ) -> None:
        row = class_rows(with_painted)[-1]
        assert (row.name, row.is_painted) == ("pin", True)
        assert all(abs(count - 15) <= 1 for count in row.counts)
        assert row.counts[0] == 15
        good, lacking = (
            with_painted.examine(scene("pins", 20, kind).image).sample.aligned.counts[row.id]
            for kind in ("good", "missing_pin")
        )
        assert lacking < good

    def test_a_painted_class_is_painted_on(self, pins: Inspector, with_painted: Inspector) -> None:
        more = edited(with_painted, Add("pin", 1, pin_of(pins, 1)))
        assert len(more.classes.painted_[0].templates) == 2
        assert [row.name for row in class_rows(more)].count("pin") == 1

    def test_the_given_inspector_stays_as_it_is(self, pins: Inspector) -> None:
        before = {key: value.copy() for key, value in pins.classes.state().items()}
        threshold = pins.fitted.threshold
        edited(edited(pins, Merge((0, 2))), Count(0, 1))
        assert pins.fitted.class_history == ()
        assert pins.fitted.threshold == threshold
        for key, value in pins.classes.state().items():
            np.testing.assert_array_equal(value, before[key])


class TestUndo:
    def test_undone_edits_leave_no_trace(
        self, pins: Inspector, with_painted: Inspector, scene: Render
    ) -> None:
        back = undone(undone(edited(with_painted, Merge((0, 2)))))
        image = scene("pins", 20, "missing_pin").image
        assert said(back, image) == said(pins, image)
        assert [row.name for row in class_rows(back)] == [row.name for row in class_rows(pins)]

    def test_the_order_of_undoing_does_not_matter(self, pins: Inspector) -> None:
        one = edited(edited(pins, Rename(2, "tack")), Ignore(0))
        other = redone(redone(undone(undone(one))))
        assert class_rows(other) == class_rows(one)
        assert other.fitted.threshold == one.fitted.threshold

    def test_history_says_who_and_what(self, with_painted: Inspector) -> None:
        back = undone(with_painted, author="bob")
        (each,) = back.fitted.class_history
        assert each.text.startswith("painted 'pin' on reference ")
        assert (each.author, each.is_undone, each.undone_by) == ("ann", True, "bob")

    def test_an_edit_made_since_cannot_be_overtaken(self, pins: Inspector) -> None:
        back = edited(undone(edited(pins, Rename(2, "tack"))), Rename(2, "pin"))
        with pytest.raises(ClassEditError, match="no edit to redo"):
            redone(back)
        assert redone(undone(back)).fitted.class_names[2] == "pin"

    def test_there_is_nothing_to_undo(self, pins: Inspector) -> None:
        with pytest.raises(ClassEditError, match="there is no edit to undo"):
            undone(pins)


class TestFile:
    def test_an_edited_model_judges_alike_when_loaded(
        self, with_painted: Inspector, scene: Render, tmp_path: Path
    ) -> None:
        ours = edited(with_painted, Count(3, 0))
        ours.save(tmp_path / "model.pw")
        loaded = Inspector.load(tmp_path / "model.pw")
        image = scene("pins", 20, "missing_pin").image
        assert said(loaded, image) == said(ours, image)
        assert loaded.fitted.class_history[1] == ours.fitted.class_history[1]
        assert class_rows(loaded) == class_rows(ours)
        loaded.save(tmp_path / "again.pw")
        assert (tmp_path / "again.pw").read_bytes() == (tmp_path / "model.pw").read_bytes()

    def test_a_loaded_model_can_be_undone(
        self, pins: Inspector, with_painted: Inspector, scene: Render, tmp_path: Path
    ) -> None:
        with_painted.save(tmp_path / "model.pw")
        back = undone(Inspector.load(tmp_path / "model.pw"))
        image = scene("pins", 21).image
        assert said(back, image) == said(pins, image)

    def test_models_of_the_first_release_can_be_edited(
        self, pins: Inspector, scene: Render, tmp_path: Path
    ) -> None:
        pins.save(tmp_path / "model.pw")
        arrays, header = read_model(tmp_path / "model.pw")
        del arrays["classes.class_of_prototype"], arrays["classes.tolerance"]
        del header["normal_totals"]
        write_model(tmp_path / "old.pw", arrays, header)
        old = Inspector.load(tmp_path / "old.pw")
        image = scene("pins", 20, "missing_pin").image
        assert said(old, image) == said(pins, image)
        np.testing.assert_allclose(leave_one_out_totals(old), leave_one_out_totals(pins))
        assert edited(old, Ignore(2)).fitted.threshold == edited(pins, Ignore(2)).fitted.threshold


class TestEffect:
    def test_totals_are_those_of_the_fit(self, pins: Inspector) -> None:
        totals = leave_one_out_totals(pins)
        assert len(totals) == len(pins.fitted.names)
        assert pins.fitted.threshold == pytest.approx(1.075 * np.mean(sorted(totals)[:-1]))

    def test_it_says_what_changes(self, pins: Inspector, with_painted: Inspector) -> None:
        found = effect(pins, with_painted)
        assert tuple(each.name for each in found.totals) == pins.fitted.names
        assert found.threshold.before == pins.fitted.threshold
        assert found.threshold.after == with_painted.fitted.threshold
        changed = {each.class_id: each for each in found.changed_counts}
        assert changed[3].before is None
        assert changed[3].after == class_rows(with_painted)[-1].counts

    def test_a_single_reference_has_the_mean_of_its_copies(self, fitted: Fitted) -> None:
        single = fitted("pins", 1)
        (total,) = leave_one_out_totals(single)
        assert single.fitted.threshold == pytest.approx(1.5 * total)
        assert undone(edited(single, Ignore(2))).fitted.threshold == single.fitted.threshold


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Rename(9, "x"), "there is no class 9; expected one of 0, 1, 2"),
        (Rename(2, "  "), "must not be empty"),
        (Rename(2, "a\nb"), "free of control characters"),
        (Rename(2, "x" * 81), "at most 80 characters, got 81"),
        (Merge((1,)), "two different classes or more"),
        (Merge((1, 1)), "two different classes or more"),
        (Split(0, 9), r"split into 2 … 4 by the looks of its 4 parts on the references, got 9"),
        (Count(2, -1), "must lie in 0 … 1000, got -1"),
        (Count(1, 0), "is background and not counted"),
        (Add("pin", 4, Region((0, 0, 9, 9), np.ones((9, 9), bool))), "must lie in 0 … 3, got 4"),
        (Add("pin", 0, Region((0, 0, 2, 2), np.ones((2, 2), bool))), "16 px or more, got 4"),
        (
            Add("pin", 0, Region((300, 0, 330, 9), np.ones((9, 30), bool))),
            "must lie in the reference's 312×208 px",
        ),
    ],
)
def test_edits_that_cannot_be_made(pins: Inspector, edit: Edit, message: str) -> None:
    with pytest.raises(ClassEditError, match=message):
        edited(pins, edit)


def test_two_classes_never_have_one_name(pins: Inspector) -> None:
    named = edited(pins, Rename(2, "tack"))
    with pytest.raises(ClassEditError, match="class 2 is called 'tack' already"):
        edited(named, Rename(0, "tack"))
    with pytest.raises(ClassEditError, match="'tack' was not painted and cannot be painted on"):
        edited(named, Add("tack", 0, pin_of(pins)))


def test_classes_are_found_by_number_or_name(pins: Inspector) -> None:
    named = edited(pins, Rename(2, "Tack"))
    assert [find_class(named, text) for text in ("2", "Tack", "tack")] == [2, 2, 2]
    with pytest.raises(ClassEditError, match="there is no class 'nail'; expected one of 0 "):
        find_class(named, "nail")


def test_one_class_is_drawn_alone(pins: Inspector) -> None:
    photo, all_classes = pins.fitted.samples[0].image, reference_picture(pins, 0)
    alone = reference_picture(pins, 0, class_id=2)
    assert (all_classes != photo).mean() > 2 * (alone != photo).mean() > 0
    with pytest.raises(ClassEditError, match="reference must lie in 0 … 3, got 4"):
        reference_picture(pins, 4)
