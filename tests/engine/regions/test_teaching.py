"""What is kept of a lesson, which lessons are refused, and for whom they count."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.inspector import Inspector
from engine.library import KindConflict, NewExample
from engine.regions import (
    ConflictError,
    LibraryError,
    Outlined,
    Recogniser,
    Region,
    RegionReport,
    teach,
)
from engine.regions.frames import Frames
from engine.regions.teaching import THUMBNAIL_PX, exact, thumbnail
from features.region import Box

Photos = Callable[..., Any]
Names = Callable[[RegionReport], list[str]]

BUTTON, OTHER_BUTTON = (60, ("button", 100, 80)), (70, ("button", 170, 150))
BLOT = (62, ("blot", 90, 160))


def filled(box_xyxy: Box) -> Region:
    left, top, right, bottom = box_xyxy
    return Region(box_xyxy, np.ones((bottom - top, right - left), dtype=bool))


class TestOutline:
    @pytest.mark.parametrize("margin_px", [0, 4, 8])
    def test_a_rough_box_finds_the_pixels_of_the_thing(
        self, station: Any, photo: Photos, margin_px: int
    ) -> None:
        (true,) = photo(*BUTTON).regions
        x0, y0, x1, y1 = true.box_xyxy
        box = filled((x0 - margin_px, y0 - margin_px, x1 + margin_px, y1 + margin_px))
        assert box.iou(true) < 0.85
        frames = Frames(station.examine(photo(*BUTTON)), station.recogniser.config.photo_area_px)
        found = exact(station.recogniser, frames, Outlined(box, is_rough=True))
        assert found.iou(true) > 0.9

    def test_what_was_found_is_what_is_taught(self, station: Any, photo: Photos) -> None:
        (true,) = photo(*BUTTON).regions
        outlined = Outlined(filled(true.box_xyxy), is_rough=True)
        teach(station.recogniser, station.examine(photo(*BUTTON)), outlined, "button", "accepted")
        (example,) = station.library.examples()
        assert example.region.iou(true) > 0.9

    def test_an_exact_outline_is_kept_pixel_by_pixel(self, station: Any, photo: Photos) -> None:
        odd = Region((40, 40, 52, 49), np.random.default_rng(0).random((9, 12)) < 0.6)
        outlined = Outlined(odd)
        teach(station.recogniser, station.examine(photo(*BUTTON)), outlined, "speck", "defect")
        (example,) = station.library.examples()
        assert example.region.box_xyxy == odd.box_xyxy
        np.testing.assert_array_equal(example.region.mask, odd.mask)


class TestRecord:
    def test_an_example_says_where_it_is_from(self, station: Any, photo: Photos) -> None:
        shot = photo(*BUTTON)
        outlined = Outlined(shot.regions[0], "roll 7.png", "ab" * 32, "by the door")
        lesson = teach(station.recogniser, station.examine(shot), outlined, "button", "accepted")
        (example,) = station.library.examples()
        assert lesson.example_id == example.id
        assert (example.class_name, example.kind) == ("button", "accepted")
        assert (example.image_name, example.image_sha256) == ("roll 7.png", "ab" * 32)
        assert (example.image_size, example.note) == ((256, 256), "by the door")
        assert (example.verdict, example.author) == ("anomaly", "tester")
        assert station.library.identity() == station.recogniser.identity()

    def test_pixels_are_hashed_where_there_is_no_file(self, station: Any, photo: Photos) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        (example,) = station.library.examples()
        assert example.image_sha256 == hashlib.sha256(photo(*BUTTON).image.tobytes()).hexdigest()

    def test_features_are_small_and_finite(self, station: Any, photo: Photos) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        (example,) = station.library.examples()
        assert sum(array.nbytes for array in example.features.values()) < 100_000
        assert all(np.isfinite(array).all() for array in example.features.values())


class TestThumbnail:
    GREY = np.full((120, 200, 3), 128, dtype=np.uint8)

    def drawn(self, region: Region) -> np.ndarray:
        """Mark where the thumbnail of a grey image is white."""
        white: np.ndarray = (thumbnail(self.GREY, region) == 255).all(axis=2)
        return white

    def test_the_border_of_the_region_is_drawn(self) -> None:
        # 40 px, and on each side 4 px and 0.35 × 40 px: 76 px are enlarged to 160 px
        white = self.drawn(filled((60, 40, 100, 80)))
        assert white.shape == (THUMBNAIL_PX, THUMBNAIL_PX)
        rows, columns = np.nonzero(white)
        factor = THUMBNAIL_PX / 76
        for first, last in ((rows.min(), rows.max()), (columns.min(), columns.max())):
            assert first == pytest.approx(18 * factor, abs=1.5)
            assert last == pytest.approx(58 * factor - 1, abs=1.5)
        assert not white[70:90, 70:90].any()

    def test_the_border_of_a_hole_is_drawn_too(self) -> None:
        ring = np.ones((40, 40), dtype=bool)
        ring[12:28, 12:28] = False
        plain = self.drawn(filled((60, 40, 100, 80)))
        holed = self.drawn(Region((60, 40, 100, 80), ring))
        assert np.count_nonzero(holed) > 1.3 * np.count_nonzero(plain)
        assert not holed[78:82, 78:82].any()

    @pytest.mark.parametrize(
        "box", [(0, 0, 2, 2), (198, 118, 200, 120), (0, 0, 200, 120), (0, 50, 200, 53)]
    )
    def test_any_size_and_place_gives_a_small_picture(self, box: Box) -> None:
        picture = thumbnail(self.GREY, filled(box))
        assert max(picture.shape[:2]) == THUMBNAIL_PX
        assert (picture == 255).all(axis=2).any()


class TestConflict:
    def test_one_look_under_two_names_is_refused_with_both_examples(
        self, station: Any, photo: Photos
    ) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        message = (
            r"^the region in fault\.png looks like example 1 of 'button' \(accepted; in "
            r"button\.png at \(86, 66, 115, 95\)\), with probability 0\.\d\d; teach it as 'button'"
        )
        before = station.library.revision()
        with pytest.raises(ConflictError, match=message) as refusal:
            station.teach(photo(*OTHER_BUTTON), "fault", "defect")
        assert "\n" not in str(refusal.value)
        assert station.library.revision() == before
        assert [each.name for each in station.library.classes()] == ["button"]

    def test_it_is_taught_if_insisted_upon(self, station: Any, photo: Photos) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        station.teach(photo(*OTHER_BUTTON), "fault", "defect", is_forced=True)
        assert [each.name for each in station.library.classes()] == ["button", "fault"]

    def test_another_example_of_the_same_class_is_no_conflict(
        self, station: Any, photo: Photos
    ) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        station.teach(photo(*OTHER_BUTTON), "button")
        assert station.library.classes()[0].n_examples == 2

    def test_a_name_is_the_same_with_blanks_around_it(self, station: Any, photo: Photos) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        station.teach(photo(*OTHER_BUTTON), "  button ")
        assert station.library.classes()[0].n_examples == 2

    def test_another_look_is_no_conflict(self, station: Any, photo: Photos) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        station.teach(photo(*BLOT), "blot", "defect")
        assert len(station.library.classes()) == 2

    def test_a_forgotten_look_may_be_named_anew(self, station: Any, photo: Photos) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        station.library.forget("button")
        station.teach(photo(*OTHER_BUTTON), "fault", "defect")
        assert [each.name for each in station.library.classes()] == ["fault"]

    def test_a_class_does_not_change_its_kind_by_an_example(
        self, station: Any, photo: Photos
    ) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        with pytest.raises(KindConflict, match="button"):
            station.teach(photo(*OTHER_BUTTON), "button", "defect")
        assert station.library.classes()[0].n_examples == 1


class TestNothingIsHalfTaught:
    def test_if_the_region_cannot_be_described(self, station: Any, photo: Photos) -> None:
        class Broken:
            """An embedder whose network fails."""

            def __getattr__(self, name: str) -> Any:
                return getattr(own, name)

            def describe(self, image: np.ndarray, regions: list[Region]) -> np.ndarray:
                raise MemoryError("no memory for the network")

        station.teach(photo(*BLOT), "blot", "defect")
        before = station.library.revision(), station.library.lessons()
        own, station.recogniser.embedder = station.recogniser.embedder, Broken()
        with pytest.raises(MemoryError, match="no memory"):
            station.teach(photo(*BUTTON), "button", "accepted")
        assert (station.library.revision(), station.library.lessons()) == before

    @pytest.mark.parametrize("box", [(250, 10, 270, 30), (300, 300, 320, 320), (-5, 10, 9, 30)])
    def test_if_the_region_is_not_of_this_image(
        self, station: Any, photo: Photos, box: Box
    ) -> None:
        outlined = Outlined(filled(box))
        examination = station.examine(photo(*BUTTON))
        with pytest.raises(LibraryError, match=r"region must lie within its image of 256×256 px"):
            teach(station.recogniser, examination, outlined, "button", "accepted")
        assert station.library.lessons() == []

    @pytest.mark.parametrize("name", ["", "a/b", "a\nb", "x" * 1000])
    def test_if_the_class_cannot_be_called_that(
        self, station: Any, photo: Photos, name: str
    ) -> None:
        with pytest.raises(LibraryError, match="name of a class"):
            station.teach(photo(*BUTTON), name, "accepted")
        assert station.library.lessons() == []

    def test_if_a_new_class_has_no_kind(self, station: Any, photo: Photos) -> None:
        with pytest.raises(LibraryError, match="button"):
            station.teach(photo(*BUTTON), "button")
        assert station.library.lessons() == []


class TestOtherModels:
    def test_an_example_outlives_a_fit_on_other_references(
        self,
        open_station: Callable[..., Any],
        cloth: Callable[..., Inspector],
        photo: Photos,
        names: Names,
    ) -> None:
        before, after = open_station(cloth()), open_station(cloth(100, 6))
        before.teach(photo(*BUTTON), "button", "accepted")
        report = after.judge(photo(*OTHER_BUTTON))
        assert names(report) == ["button"]
        assert report.regions[0].region.iou(photo(*OTHER_BUTTON).regions[0]) > 0.9
        assert names(after.judge(photo(*BLOT))) == ["unknown"]

    @pytest.mark.parametrize("key", ["embedder regions_sha256", "backbone name"])
    def test_features_made_by_other_means_are_refused(
        self, station: Any, open_station: Callable[..., Any], photo: Photos, key: str
    ) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        (known,) = station.library.examples()
        other = open_station(name="other.db")
        example = NewExample(
            known.image_sha256,
            known.image_name,
            known.image_size,
            known.region,
            known.thumbnail,
            known.features,
        )
        identity = station.recogniser.identity()
        assert key in identity
        other.library.teach("button", "accepted", example, identity | {key: "another"})
        message = f"features of another kind: expected {key} 'another', got '{identity[key]}'"
        with pytest.raises(LibraryError, match=message):
            Recogniser(station.inspector, other.library)
        # nor by a station that was open before the first lesson
        with pytest.raises(LibraryError, match=message):
            other.teach(photo(*BLOT), "blot", "defect")
        assert len(other.library.lessons()) == 1

    def test_a_turned_example_is_recognised(
        self, station: Any, photo: Photos, names: Names
    ) -> None:
        station.teach(photo(*BLOT), "blot", "accepted")
        shot = photo(63, ("blot", 150, 90))
        turned = replace(
            shot,
            image=np.ascontiguousarray(np.rot90(shot.image)),
            regions=(Region.of(np.rot90(shot.regions[0].over((256, 256)))),),
        )
        report = station.judge(turned)
        blots = [each for each in report.regions if each.class_name == "blot"]
        assert len(blots) == 1
        assert blots[0].region.iou(turned.regions[0]) > 0.9
