from collections.abc import Callable
from typing import Any

import pytest

from engine.regions.pointing import region_at
from features.region import RegionError

BUTTON = (60, ("button", 100, 80))


def test_a_click_on_a_new_thing_finds_its_pixels(station: Any, photo: Callable[..., Any]) -> None:
    taken = photo(*BUTTON)
    found = region_at(station.recogniser, station.examine(taken), (101.5, 82.0))
    assert found.iou(taken.regions[0]) > 0.85


def test_a_click_on_a_part_that_is_known_finds_it_by_its_contrast(
    station: Any, photo: Callable[..., Any]
) -> None:
    examination = station.examine(photo(*BUTTON))
    recogniser = station.recogniser
    quiet = type(recogniser).__new__(type(recogniser))
    quiet.__dict__ |= recogniser.__dict__
    quiet.candidates = lambda frames, novelty: []  # as if nothing were new
    found = region_at(quiet, examination, (101.5, 82.0))
    assert found.iou(photo(*BUTTON).regions[0]) > 0.7


def test_a_click_on_an_even_surface_is_refused(station: Any, photo: Callable[..., Any]) -> None:
    examination = station.examine(photo(*BUTTON))
    with pytest.raises(RegionError, match=r"nothing stands out at .* draw a box around it"):
        region_at(station.recogniser, examination, (200, 220))


@pytest.mark.parametrize("point_xy", [(-1, 5), (5, 256), (float("nan"), 5)])
def test_a_click_must_lie_in_the_image(
    station: Any, photo: Callable[..., Any], point_xy: tuple[float, float]
) -> None:
    with pytest.raises(RegionError, match="a click must lie in the image of 256×256 px"):
        region_at(station.recogniser, station.examine(photo(*BUTTON)), point_xy)
