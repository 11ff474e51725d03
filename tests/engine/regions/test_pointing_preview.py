from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.regions import Library, Outlined, Region
from engine.regions.pointing import PICTURE_PX, preview
from engine.regions.teaching import apply_lesson

Photos = Callable[..., Any]
BUTTON, OTHER_BUTTON = (60, ("button", 100, 80)), (70, ("button", 170, 150))
BLOT = (62, ("blot", 90, 160))


def box_around(region: Region) -> Region:
    left, top, right, bottom = region.box_xyxy
    return Region(region.box_xyxy, np.ones((bottom - top, right - left), dtype=bool))


class TestPreview:
    def test_a_rough_box_shows_the_pixels_that_would_be_taught(
        self, station: Any, photo: Photos
    ) -> None:
        taken = photo(*BUTTON)
        rough = Outlined(box_around(taken.regions[0]), is_rough=True)
        shown = preview(station.recogniser, station.examine(taken), rough)
        assert shown.region.iou(taken.regions[0]) > 0.9 > rough.region.iou(taken.regions[0])
        assert max(shown.picture.shape) == PICTURE_PX

    def test_what_is_painted_exactly_is_shown_as_it_is(self, station: Any, photo: Photos) -> None:
        taken = photo(*BUTTON)
        outlined = Outlined(box_around(taken.regions[0]))
        shown = preview(station.recogniser, station.examine(taken), outlined)
        assert shown.region is outlined.region

    def test_nothing_is_taught_by_it(self, station: Any, photo: Photos) -> None:
        before = station.library.revision()
        preview(
            station.recogniser, station.examine(photo(*BUTTON)), Outlined(photo(*BUTTON).regions[0])
        )
        assert station.library.revision() == before

    def test_it_names_the_classes_that_it_looks_like(self, station: Any, photo: Photos) -> None:
        station.teach(photo(*BLOT), "blot", "defect")
        station.teach(photo(*BUTTON), "button", "accepted")
        other = photo(*OTHER_BUTTON)
        shown = preview(station.recogniser, station.examine(other), Outlined(other.regions[0]))
        first, second = shown.matches
        assert (first.known.name, second.known.name) == ("button", "blot")
        assert first.probability > 0.9 > 0.5 > second.probability
        assert first.example_id == 2

    def test_an_empty_library_is_like_nothing(self, station: Any, photo: Photos) -> None:
        outlined = Outlined(photo(*BUTTON).regions[0])
        assert preview(station.recogniser, station.examine(photo(*BUTTON)), outlined).matches == ()


class TestGive:
    def test_it_tells_what_turned_and_what_did_not(self, station: Any, photo: Photos) -> None:
        examined = {name: station.examine(photo(*name)) for name in (BUTTON, BLOT)}
        named = {each[1][0]: examined[each] for each in examined}
        number, effects = apply_lesson(
            station.recogniser, named, lambda: station.teach(photo(*BUTTON), "button", "accepted")
        )
        assert number == station.library.lessons()[-1].id
        assert [effects["button"].before.verdict, effects["button"].after.verdict] == [
            "anomaly",
            "normal",
        ]
        assert effects["button"].is_turned
        assert not effects["blot"].is_turned

    def test_undoing_turns_it_back(self, station: Any, photo: Photos) -> None:
        station.teach(photo(*BUTTON), "button", "accepted")
        examined = {"button": station.examine(photo(*BUTTON))}
        _, effects = apply_lesson(station.recogniser, examined, station.library.undo)
        assert effects["button"].after.verdict == "anomaly"
        assert effects["button"].is_turned

    def test_a_refused_lesson_changes_nothing(self, station: Any, photo: Photos) -> None:
        with pytest.raises(ValueError, match="has no lesson to undo"):
            apply_lesson(station.recogniser, {}, station.library.undo)


def test_the_same_recogniser_teaches_in_the_name_of_somebody_else(
    station: Any, photo: Photos, tmp_path: Any
) -> None:
    from engine.regions import teach

    with Library(tmp_path / "regions.db", author="night shift") as library:
        other = station.recogniser.opened_by(library)
        examination = station.examine(photo(*BUTTON))
        teach(other, examination, Outlined(photo(*BUTTON).regions[0]), "button", "accepted")
    assert station.library.lessons()[-1].author == "night shift"
    assert station.judge(photo(*OTHER_BUTTON)).verdict == "normal"
