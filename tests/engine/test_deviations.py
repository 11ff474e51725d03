from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from alignment.comparison import Comparison
from alignment.sample import Sample
from alignment.transforms import IDENTITY, Affine
from engine.deviations import find_deviations
from engine.inspector import Inspector
from engine.report import Deviation
from engine.scores import Reading, ScoresConfig, score_all
from engine.synthetic.scenes import Scene

Paint = Callable[..., Sample]
Beside = Callable[..., list[Comparison]]
Box = tuple[int, int, int, int]

A, B, C = (4, 4, 16, 16), (4, 40, 16, 52), (28, 20, 44, 40)
USUAL = [(1, A), (1, B), (2, C)]
NAMES = ["ground", "nut", "board", "screw"]


@pytest.fixture
def deviations(paint: Paint, compare_all: Beside) -> Callable[..., list[Deviation]]:
    """Find what a sample shows beside four usual ones; the maps are set, or read from the cells."""

    def find(
        test: Sample,
        references: Sequence[Sample] | None = None,
        maps: dict[str, np.ndarray] | None = None,
        to_image: Affine = IDENTITY,
    ) -> list[Deviation]:
        usual = references or [paint(USUAL, seed=seed) for seed in range(1, 5)]
        comparisons = compare_all(test, *usual)
        readings = score_all(comparisons, ScoresConfig())
        quiet = np.zeros(test.dense.is_valid.shape, dtype=np.float32)
        for name in ("missing_patch", "located_patch"):
            cells = (maps or {}).get(name, quiet)
            readings[name] = Reading(float(cells.max()), cells)
        weights = dict.fromkeys(readings, 1.0)
        return list(find_deviations(comparisons[0], usual, NAMES, readings, weights, to_image))

    return find


Find = Callable[..., list[Deviation]]


def only(found: Sequence[Deviation], kind: str) -> Deviation:
    (deviation,) = (each for each in found if each.kind == kind)
    return deviation


def framed(box_yxyx: Box) -> Box:
    """The frame in the file around painted working pixels, half a pixel more on each side."""
    top, left, bottom, right = box_yxyx
    return max(0, left - 1), max(0, top - 1), right, bottom


class TestCounts:
    def test_nothing_to_say_of_a_usual_sample(self, paint: Paint, deviations: Find) -> None:
        assert deviations(paint(USUAL, seed=9)) == []

    def test_a_missing_part(self, paint: Paint, deviations: Find) -> None:
        missing = only(deviations(paint([(1, A), (2, C)])), "missing")
        assert (missing.class_id, missing.class_name) == (1, "nut")
        assert (missing.expected, missing.found) == (2, 1)
        assert missing.text == "nut: 1 found, 2 expected"
        assert missing.severity > 1

    def test_one_too_many(self, paint: Paint, deviations: Find) -> None:
        extra = only(deviations(paint([*USUAL, (1, (28, 46, 40, 58))])), "extra")
        assert (extra.class_id, extra.expected, extra.found) == (1, 2, 3)
        assert extra.text == "nut: 3 found, 2 expected"

    def test_references_that_differ_give_a_range(self, paint: Paint, deviations: Find) -> None:
        references = [paint(USUAL), paint([(1, A), (2, C)])]
        assert only(deviations(paint([(2, C)]), references), "missing").text == (
            "nut: 0 found, 1 to 2 expected"
        )
        kinds = {each.kind for each in deviations(paint([(1, B), (2, C)]), references)}
        assert not kinds & {"missing", "extra"}

    def test_counts_that_vary_freely_are_not_counted(self, paint: Paint, deviations: Find) -> None:
        many = [(1, (y, x, y + 6, x + 6)) for y in (4, 14) for x in (4, 14, 24, 34)]
        references = [paint([*many[:2], (2, C)]), paint([*many, (2, C)])]
        kinds = {each.kind for each in deviations(paint([(2, C)]), references)}
        assert "missing" not in kinds

    def test_the_background_is_not_counted(self, paint: Paint, deviations: Find) -> None:
        split = [*USUAL, (0, (20, 0, 24, 64))]
        assert deviations(paint(split)) == []

    @pytest.mark.parametrize(("left", "place"), [(A, B), (B, A)])
    def test_what_is_missing_is_framed_where_the_reference_shows_it(
        self, paint: Paint, deviations: Find, left: Box, place: Box
    ) -> None:
        missing = only(deviations(paint([(1, left), (2, C)])), "missing")
        assert missing.box_xyxy == framed(place)

    def test_all_that_is_missing_is_framed_at_once(self, paint: Paint, deviations: Find) -> None:
        missing = only(deviations(paint([(2, C)])), "missing")
        assert missing.box_xyxy == framed((A[0], A[1], B[2], B[3]))

    def test_what_is_too_many_is_framed(self, paint: Paint, deviations: Find) -> None:
        extra = only(deviations(paint([*USUAL, (1, (28, 46, 40, 58))])), "extra")
        assert extra.box_xyxy == framed((28, 46, 40, 58))

    def test_frames_follow_a_part_that_lies_a_little_off(
        self, paint: Paint, deviations: Find
    ) -> None:
        off = tuple(side + 2 for side in A)
        missing = only(deviations(paint([(1, off), (2, C)])), "missing")
        assert missing.box_xyxy == framed(B)

    def test_what_is_hidden_in_another_part_is_not_framed(
        self, paint: Paint, deviations: Find
    ) -> None:
        joined = (A[0], A[1], B[2], B[3])  # both are there, as one
        missing = only(deviations(paint([(1, joined), (2, C)])), "missing")
        assert missing.box_xyxy is None

    def test_more_missing_is_worse(self, paint: Paint, deviations: Find) -> None:
        one, two = (
            only(deviations(paint(parts)), "missing") for parts in ([(1, A), (2, C)], [(2, C)])
        )
        assert one.severity < two.severity


class TestSizesColoursPlaces:
    def test_size(self, paint: Paint, deviations: Find) -> None:
        larger = only(deviations(paint([(1, A), (1, B), (2, (24, 16, 47, 46))])), "size")
        assert larger.class_id == 2
        assert larger.text.startswith("board: covers ")
        assert larger.text.endswith(": larger")
        assert larger.found > larger.expected
        smaller = only(deviations(paint([(1, A), (1, B), (2, (30, 24, 40, 36))])), "size")
        assert smaller.text.endswith(": smaller")

    def test_colour(self, paint: Paint, deviations: Find) -> None:
        painted = only(deviations(paint(USUAL, looks={2: 3})), "color")
        assert painted.class_id == 2
        assert "colour differs by" in painted.text

    def test_light_is_no_colour(self, paint: Paint, deviations: Find) -> None:
        sample = paint(USUAL)
        darker = replace(sample, image=(sample.image * 0.95).astype(np.uint8))
        assert deviations(darker) == []

    def test_place(self, paint: Paint, deviations: Find) -> None:
        away = only(deviations(paint([(1, A), (1, B), (2, (28, 42, 44, 62))])), "place")
        assert away.class_id == 2
        assert away.text.startswith("board: ")
        assert "away from its place" in away.text

    def test_an_absent_class_has_neither_size_nor_colour_nor_place(
        self, paint: Paint, deviations: Find
    ) -> None:
        found = [each for each in deviations(paint([(1, A), (1, B)])) if each.class_id == 2]
        assert [each.kind for each in found] == ["missing"]
        assert found[0].severity > 3  # as loud as the size that it stands for


class TestWorstPlace:
    def hot(self, rows: slice, columns: slice, heat: float = 3.0) -> np.ndarray:
        cells = np.zeros((6, 8), dtype=np.float32)
        cells[rows, columns] = heat
        return cells

    @pytest.mark.parametrize(
        ("name", "kind"), [("missing_patch", "missing_here"), ("located_patch", "unseen_here")]
    )
    def test_a_box_around_the_hot_cells(
        self, paint: Paint, deviations: Find, name: str, kind: str
    ) -> None:
        maps = {name: self.hot(slice(1, 3), slice(4, 7))}
        found = only(deviations(paint(USUAL), maps=maps), kind)
        assert found.class_id == -1
        assert found.severity == 3
        left, top, right, bottom = found.box_xyxy or (0, 0, 0, 0)
        assert abs(np.array([left, top, right, bottom]) - [32, 8, 56, 24]).max() <= 1

    def test_the_box_is_in_the_pixels_of_the_file(self, paint: Paint, deviations: Find) -> None:
        to_image = np.array([[10.0, 0, 7], [0, 20, 3]])
        maps = {"missing_patch": self.hot(slice(1, 3), slice(4, 7))}
        found = only(deviations(paint(USUAL), maps=maps, to_image=to_image), "missing_here")
        expected = [327, 163, 567, 483]
        assert abs(np.array(found.box_xyxy) - expected).max() <= 12

    @pytest.mark.parametrize(
        ("rows", "columns", "where"),
        [
            (slice(0, 1), slice(0, 1), "in the upper left"),
            (slice(5, 6), slice(7, 8), "in the lower right"),
            (slice(2, 4), slice(3, 5), "in the centre"),
            (slice(0, 1), slice(3, 5), "at the top"),
            (slice(2, 4), slice(0, 1), "at the left"),
        ],
    )
    def test_says_where(
        self, paint: Paint, deviations: Find, rows: slice, columns: slice, where: str
    ) -> None:
        maps = {"missing_patch": self.hot(rows, columns)}
        assert only(deviations(paint(USUAL), maps=maps), "missing_here").text.startswith(
            f"missing {where}: "
        )

    def test_what_references_reach_is_not_said(self, paint: Paint, deviations: Find) -> None:
        maps = {"missing_patch": self.hot(slice(1, 3), slice(4, 7), 0.99)}
        assert deviations(paint(USUAL), maps=maps) == []

    def test_names_the_class_that_is_not_here(self, paint: Paint, deviations: Find) -> None:
        usual = paint(USUAL, seed=1).cell_class
        cells = np.where(usual == 1, np.float32(2), np.float32(0))
        test = paint([(2, C)])
        found = only(deviations(test, maps={"missing_patch": cells}), "missing_here")
        assert found.class_id == 1
        assert NAMES[1] in found.text

    def test_only_the_region_of_the_worst_cell(self, paint: Paint, deviations: Find) -> None:
        cells = self.hot(slice(0, 1), slice(0, 1)) + self.hot(slice(5, 6), slice(6, 8), 5.0)
        found = only(deviations(paint(USUAL), maps={"located_patch": cells}), "unseen_here")
        assert found.text.startswith("new in the lower right")


def overlap(box: Box, mask: np.ndarray) -> float:
    """Intersection over union of a box and the box around a mask."""
    rows, columns = np.nonzero(mask)
    true = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    sides = [max(0, min(box[i + 2], true[i + 2]) - max(box[i], true[i])) for i in (0, 1)]
    shared = sides[0] * sides[1]
    areas = [(each[2] - each[0]) * (each[3] - each[1]) for each in (box, true)]
    return shared / (sum(areas) - shared)


class TestScenes:
    @pytest.mark.parametrize(
        ("category", "kind"),
        [("pins", "missing_pin"), ("bottle", "missing_cap"), ("bottle", "missing_label")],
    )
    @pytest.mark.parametrize("seed", [20, 21])
    def test_what_is_missing_is_boxed(
        self,
        fitted: Callable[..., Inspector],
        scene: Callable[..., Scene],
        category: str,
        kind: str,
        seed: int,
    ) -> None:
        defect = scene(category, seed, kind)
        found = fitted(category).inspect(defect.image).deviations
        missing = only(found, "missing_here")
        assert missing.box_xyxy is not None
        truth = np.any([mask for _, mask in defect.masks], axis=0)
        assert overlap(missing.box_xyxy, truth) > 0.1

    @pytest.mark.parametrize("seed", [20, 21])
    def test_a_wrong_colour_is_boxed(
        self, fitted: Callable[..., Inspector], scene: Callable[..., Scene], seed: int
    ) -> None:
        defect = scene("pins", seed, "wrong_colour")
        unseen = only(fitted("pins").inspect(defect.image).deviations, "unseen_here")
        assert unseen.box_xyxy is not None
        assert overlap(unseen.box_xyxy, defect.masks[0][1]) > 0.2

    @pytest.mark.parametrize("kind", ["missing_orange", "missing_peach", "missing_cereal"])
    def test_a_missing_fruit_is_counted(
        self, fitted: Callable[..., Inspector], scene: Callable[..., Scene], kind: str
    ) -> None:
        found = fitted("meal").inspect(scene("meal", 20, kind).image).deviations
        assert any(each.kind == "missing" and "expected" in each.text for each in found)
