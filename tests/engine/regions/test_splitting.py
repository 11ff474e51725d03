"""Two things that touch are two regions; one thing of two colours remains one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.regions import Region, RegionReport
from engine.regions.frames import Frames
from engine.regions.splitting import LEAST_PART_PX, divisions
from engine.regions.tokens import describe_regions

Photos = Callable[..., Any]
Names = Callable[[RegionReport], list[str]]

SIZE = (256, 256)
BUTTON, BLOT = (60, ("button", 100, 80)), (62, ("blot", 90, 160))
# radii 14 and 20: side by side, on the slant, and one a little over the other
TOUCHING = (
    (64, ("button", 100, 120), ("blot", 134, 120)),
    (68, ("button", 100, 100), ("blot", 124, 124)),
    (69, ("blot", 134, 120), ("button", 104, 120)),
)


def divided(
    station: Any, photo: Any, whole: Region, votes: np.ndarray | None = None
) -> list[list[Region]]:
    """Give the divisions of a region, of which all cells vote alike unless said otherwise."""
    frames = Frames(station.examine(photo), station.recogniser.config.photo_area_px)
    dense = frames.examination.sample.dense
    (tokens,) = describe_regions(dense, [whole], frames.image_to_cells)
    if votes is None:
        votes = np.tile([0.9, 0.1], (len(tokens.cells), 1))
    return list(divisions(frames, whole, tokens, votes))


def whole_of(photo: Any) -> Region:
    return Region.of(np.any([each.over(SIZE) for each in photo.regions], axis=0))


class TestDivisions:
    @pytest.mark.parametrize("things", TOUCHING)
    def test_two_colours_are_parted_where_they_meet(
        self, station: Any, photo: Photos, things: Any
    ) -> None:
        (parts,) = divided(station, photo(*things), whole_of(photo(*things)))
        assert len(parts) == 2
        for true in photo(*things).regions:
            assert max(each.iou(true) for each in parts) > 0.75

    @pytest.mark.parametrize("things", TOUCHING)
    def test_parts_share_no_pixel_and_leave_the_region_nowhere(
        self, station: Any, photo: Photos, things: Any
    ) -> None:
        whole = whole_of(photo(*things))
        for parts in divided(station, photo(*things), whole):
            depth = np.sum([each.over(SIZE) for each in parts], axis=0)
            assert depth.max() == 1
            assert not (depth.astype(bool) & ~whole.over(SIZE)).any()
            assert min(each.area_px for each in parts) >= LEAST_PART_PX

    def test_cells_that_vote_otherwise_part_what_has_one_colour(
        self, station: Any, photo: Photos
    ) -> None:
        """A grey bar on plain cloth, of which the left half votes for another class."""
        bar = Region((60, 100, 140, 124), np.ones((24, 80), dtype=bool))
        frames = Frames(station.examine(photo(50)), station.recogniser.config.photo_area_px)
        dense = frames.examination.sample.dense
        (tokens,) = describe_regions(dense, [bar], frames.image_to_cells)
        x, _ = frames.cell_centers(tokens.cells)
        votes = np.where((x < 100)[:, None], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1])
        first = divided(station, photo(50), bar, votes)[0]
        assert len(first) == 2
        (left, right) = sorted(first, key=lambda each: each.box_xyxy[0])
        assert left.box_xyxy[2] <= 112
        assert right.box_xyxy[0] >= 88
        assert left.area_px + right.area_px > 0.9 * bar.area_px

    def test_small_regions_have_no_parts(self, station: Any, photo: Photos) -> None:
        small = Region((120, 110, 137, 127), np.ones((17, 17), dtype=bool))
        assert divided(station, photo(*TOUCHING[0]), small) == []


class TestJudging:
    @pytest.mark.parametrize("things", TOUCHING)
    def test_touching_things_of_two_classes_are_both_named(
        self, station: Any, photo: Photos, names: Names, things: Any
    ) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        station.teach(photo(*BLOT), "blot", "defect")
        report = station.judge(photo(*things))
        assert names(report) == ["blot", "button"]
        regions = {each.class_name: each.region for each in report.regions}
        for (name, _, _), true in zip(things[1:], photo(*things).regions, strict=True):
            assert regions[name].iou(true) > 0.75

    def test_the_rest_of_a_known_thing_is_unknown(self, station: Any, photo: Photos) -> None:
        """Only one of two touching things has been taught: the other must not be accepted."""
        station.teach(photo(*BUTTON), "button", "accepted")
        for things in TOUCHING:
            report = station.judge(photo(*things))
            assert report.is_anomaly
            assert len(report.unknown) >= 1
            blot = photo(*things).regions[0 if things[1][0] == "blot" else 1].over(SIZE)
            for each in report.accepted:
                assert np.mean(each.region.over(SIZE)[blot]) < 0.2

    def test_a_thing_of_two_colours_that_was_taught_as_one_is_one(
        self, station: Any, photo: Photos, names: Names
    ) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        assert names(station.judge(photo(70, ("button", 170, 150)))) == ["button"]
