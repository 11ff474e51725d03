"""What becomes of a verdict when something is taught, undone, forgotten, or taught elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from engine.inspector import Inspector
from engine.library.records import Features
from engine.regions import Library, Outlined, Recogniser, RegionReport, teach
from engine.regions.frames import NO_CLASS, NOTHING
from features.images import ImageError

Photos = Callable[..., Any]
Names = Callable[[RegionReport], list[str]]

BUTTON, OTHER_BUTTON = (60, ("button", 100, 80)), (70, ("button", 170, 150))
BLOT, OTHER_BLOT = (62, ("blot", 90, 160)), (63, ("blot", 150, 90))
MIXED = (64, ("button", 70, 70), ("blot", 180, 170))


def forgiving(inspector: Inspector) -> Inspector:
    """Give an inspector that has learnt the same, but whose threshold nothing reaches."""
    normaliser = replace(inspector.fitted.normaliser, threshold=1e6)
    return inspector.with_fitted(replace(inspector.fitted, normaliser=normaliser))


class TestVerdict:
    def test_what_is_new_is_unknown_and_an_anomaly(
        self, station: Any, photo: Photos, names: Names
    ) -> None:
        for each in (BUTTON, BLOT):
            report = station.judge(photo(*each))
            assert names(report) == ["unknown"]
            assert report.is_anomaly
            assert report.report is report.plain
            assert report.regions[0].region.iou(photo(*each).regions[0]) > 0.9

    def test_clean_cloth_is_normal_and_nothing_is_listed(self, station: Any, photo: Photos) -> None:
        for seed in (50, 51, 52, BUTTON[0], OTHER_BUTTON[0]):
            report = station.judge(photo(seed))
            assert (report.verdict, report.regions, report.reason) == ("normal", (), "")

    def test_an_accepted_thing_turns_its_image_normal(
        self, station: Any, photo: Photos, names: Names
    ) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        for each in (BUTTON, OTHER_BUTTON):
            report = station.judge(photo(*each))
            assert names(report) == ["button"]
            assert report.regions[0].region.iou(photo(*each).regions[0]) > 0.9
            assert not report.is_anomaly
            assert report.plain.is_anomaly
            # the total is that of the same cloth without the thing, give or take
            clean = station.inspector.inspect(photo(each[0]).image)
            assert report.report.total == pytest.approx(clean.total, rel=0.1)

    def test_what_was_not_taught_stays_unknown(
        self, station: Any, photo: Photos, names: Names
    ) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        for each in (BLOT, (65, ("badge", 120, 120))):
            report = station.judge(photo(*each))
            assert set(names(report)) == {"unknown"}
            assert report.is_anomaly

    def test_a_defect_is_named(self, station: Any, photo: Photos) -> None:
        station.teach(photo(*BLOT), "blot", "defect")
        report = station.judge(photo(*OTHER_BLOT))
        (defect,) = report.defects
        assert (defect.class_name, defect.kind) == ("blot", "defect")
        assert report.is_anomaly
        assert report.reason.startswith("blot")

    def test_a_mixed_image_lists_both(self, station: Any, photo: Photos) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        station.teach(photo(*BLOT), "blot", "defect")
        report = station.judge(photo(*MIXED))
        assert [each.class_name for each in report.accepted] == ["button"]
        assert [each.class_name for each in report.defects] == ["blot"]
        assert report.is_anomaly
        for each, true in zip(
            (*report.accepted, *report.defects), photo(*MIXED).regions, strict=True
        ):
            assert each.region.iou(true) > 0.9

    def test_two_accepted_things_are_normal_together(
        self, station: Any, photo: Photos, names: Names
    ) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        station.teach(photo(*BLOT), "blot", "accepted")
        report = station.judge(photo(*MIXED))
        assert names(report) == ["blot", "button"]
        assert not report.is_anomaly

    def test_accepting_one_thing_hides_no_other(
        self, station: Any, photo: Photos, names: Names
    ) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        report = station.judge(photo(*MIXED))
        assert {"button", "unknown"} <= set(names(report))
        assert report.is_anomaly

    def test_a_defect_accuses_an_image_even_below_the_threshold(
        self, station: Any, photo: Photos
    ) -> None:
        station.teach(photo(*BLOT), "blot", "defect")
        lenient = forgiving(station.inspector)
        report = Recogniser(lenient, station.library).inspect(photo(*OTHER_BLOT).image)
        assert report.report.total < report.report.threshold
        assert report.is_anomaly


class TestNothingToSay:
    def test_small_novelties_of_a_normal_image_are_not_listed(
        self, station: Any, photo: Photos
    ) -> None:
        """Of many clean photographs some have a place that is newer than any reference."""
        n_with_places = 0
        for seed in range(70, 78):
            report = station.judge(photo(seed))
            n_with_places += bool(report.novelty.max() > 1)
            if not report.report.is_anomaly and report.novelty.max() <= report.alarm_above:
                assert report.regions == ()
                assert not report.is_anomaly
        assert n_with_places

    def test_an_alarm_by_itself_is_listed_even_where_the_total_is_low(
        self, station: Any, photo: Photos
    ) -> None:
        lenient = forgiving(station.inspector)
        report = Recogniser(lenient, station.library).inspect(photo(*BLOT).image)
        assert not report.report.is_anomaly
        assert len(report.unknown) >= 1
        assert report.is_anomaly

    def test_no_image_is_refused(self, station: Any) -> None:
        with pytest.raises(ImageError, match="got"):
            station.recogniser.inspect(np.zeros((0, 5, 3), dtype=np.uint8))


class TestLessons:
    def test_undone_is_as_before_and_redone_as_after(
        self, station: Any, photo: Photos, told: Callable[[RegionReport], object]
    ) -> None:
        station.teach(photo(*BLOT), "blot", "defect")
        before = told(station.judge(photo(*OTHER_BUTTON)))
        station.teach(photo(*BUTTON), "button", "accepted")
        after = told(station.judge(photo(*OTHER_BUTTON)))
        assert before != after
        station.library.undo()
        assert told(station.judge(photo(*OTHER_BUTTON))) == before
        station.library.redo()
        assert told(station.judge(photo(*OTHER_BUTTON))) == after

    def test_a_forgotten_class_is_unknown_again(
        self, station: Any, photo: Photos, names: Names
    ) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        station.teach(photo(*BLOT), "blot", "defect")
        station.library.forget("button")
        report = station.judge(photo(*OTHER_BUTTON))
        assert "button" not in names(report)
        assert report.is_anomaly
        assert "blot" in names(station.judge(photo(*OTHER_BLOT)))

    def test_a_kind_that_changes_turns_the_verdict(self, station: Any, photo: Photos) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        assert station.judge(photo(*OTHER_BUTTON)).verdict == "normal"
        station.library.change_kind("button", "defect")
        report = station.judge(photo(*OTHER_BUTTON))
        assert report.verdict == "anomaly"
        assert [each.class_name for each in report.defects] == ["button"]

    def test_a_second_look_joins_the_class_without_the_first_being_forgotten(
        self, station: Any, photo: Photos, names: Names
    ) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        badge = photo(65, ("badge", 120, 120))
        assert names(station.judge(badge)) == ["unknown"]
        station.teach(badge, "button")
        for each in (badge, photo(68, ("badge", 80, 170)), photo(*OTHER_BUTTON)):
            report = station.judge(each)
            assert names(report) == ["button"]
            assert report.verdict == "normal"

    def test_the_order_of_lessons_does_not_matter(
        self, open_station: Callable[..., Any], photo: Photos
    ) -> None:
        lessons = [
            (BUTTON, "button", "accepted"),
            (BLOT, "blot", "defect"),
            ((65, ("badge", 120, 120)), "badge", "defect"),
        ]
        found = []
        for name, order in (("forth.db", lessons), ("back.db", lessons[::-1])):
            station = open_station(name=name)
            for each, class_name, kind in order:
                station.teach(photo(*each), class_name, kind)
            reports = [station.judge(photo(*each)) for each in (MIXED, OTHER_BLOT, OTHER_BUTTON)]
            found.append(
                [
                    (
                        report.verdict,
                        [
                            (each.class_name, each.region.box_xyxy, round(each.confidence, 4))
                            for each in report.regions
                        ],
                    )
                    for report in reports
                ]
            )
        assert found[0] == found[1]


class Counting(Library):
    """A library that notes which examples are read."""

    asked: list[int]

    def features(self, ids: Collection[int] | None = None) -> dict[int, Features]:
        assert ids is not None
        self.asked.extend(ids)
        return super().features(ids)


class TestStations:
    def test_a_lesson_elsewhere_counts_from_the_next_judgement_on(
        self, open_station: Callable[..., Any], photo: Photos, names: Names
    ) -> None:
        here, there = open_station(), open_station()
        assert names(here.judge(photo(*OTHER_BUTTON))) == ["unknown"]
        there.teach(photo(*BUTTON), "button", "accepted")
        assert names(here.judge(photo(*OTHER_BUTTON))) == ["button"]
        there.library.undo()
        assert names(here.judge(photo(*OTHER_BUTTON))) == ["unknown"]

    def test_only_new_examples_are_read(
        self, cloth: Callable[..., Inspector], photo: Photos, tmp_path: Path
    ) -> None:
        with Counting(tmp_path / "regions.db") as library:
            library.asked = []
            recogniser = Recogniser(cloth(), library)
            for each, name in ((BUTTON, "button"), (BLOT, "blot")):
                examination = cloth().examine(photo(*each).image)
                outlined = Outlined(photo(*each).regions[0])
                teach(recogniser, examination, outlined, name, "defect")
            recogniser.inspect(photo(*MIXED).image)
            recogniser.inspect(photo(*MIXED).image)
            library.undo()
            recogniser.inspect(photo(*MIXED).image)
            library.redo()
            assert len(recogniser.bank) == 2
            assert sorted(library.asked) == sorted(library.example_classes())


class TestRecord:
    def test_judging_twice_is_judging_once(
        self, station: Any, photo: Photos, told: Callable[[RegionReport], object]
    ) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        assert told(station.judge(photo(*MIXED))) == told(station.judge(photo(*MIXED)))

    def test_maps_and_regions_say_the_same(self, station: Any, photo: Photos) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        station.teach(photo(*BLOT), "blot", "defect")
        report = station.judge(photo(*MIXED))
        size = report.report.registered.shape[:2]
        assert report.novelty.shape == report.class_map.shape == report.error_map.shape == size
        assert 0 <= report.error_map.min() <= report.error_map.max() <= 1
        assert set(np.unique(report.class_map)) <= {NOTHING, NO_CLASS, 0, 1}
        # photograph and registered working image are of one size here, and the cloth has no pose
        np.testing.assert_allclose(report.report.to_image, [[1, 0, 0], [0, 1, 0]], atol=1e-6)
        is_new = report.class_map != NOTHING
        listed = np.any([each.region.over(size) for each in report.regions], axis=0)
        assert is_new[listed].all()
        # a working pixel that a region touches at all is drawn as new
        assert cv2.dilate(listed.astype(np.uint8), np.ones((3, 3)))[is_new].all()
        for each in (*report.accepted, *report.defects):
            inside = report.class_map[each.region.over(size)]
            assert report.class_names[each.class_index] == each.class_name
            assert np.mean(inside == each.class_index) > 0.5

    def test_probabilities_back_what_is_said(self, station: Any, photo: Photos) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        station.teach(photo(*BLOT), "blot", "defect")
        for each in station.judge(photo(*MIXED)).regions:
            assert len(each.probabilities) == 2
            if each.class_index >= 0:
                assert each.confidence == pytest.approx(max(each.probabilities))
                assert each.class_index == int(np.argmax(each.probabilities))
            else:
                assert each.confidence == pytest.approx(1 - max(each.probabilities))

    def test_strict_json(self, station: Any, photo: Photos) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        report = station.judge(photo(*MIXED))
        values = json.loads(json.dumps(report.as_dict(), allow_nan=False))
        assert values["seconds"] > 0
        assert [each["class"] for each in values["regions"]] == [
            each.class_name for each in report.regions
        ]
