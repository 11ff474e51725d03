"""A product lies differently on every photograph: do masks lie right in the file's own pixels?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pytest

from alignment.transforms import invert
from engine.inspector import Inspector
from engine.regions import Region

SIZE = (240, 320)
HOLES = ((90, 70), (90, 165), (220, 60), (235, 170), (160, 118))
# the plate is painted this much larger than it is photographed
FINE = 4
TABLE, STEEL, BRASS, RED = (40, 55, 90), (150, 150, 155), (205, 160, 80), (190, 40, 40)
Pose = tuple[float, float, float]


@dataclass(frozen=True)
class Photo:
    """A photograph and the true pixels of each spot on it."""

    image: np.ndarray
    regions: tuple[Region, ...]


def placed(angle_deg: float, dx: float, dy: float) -> np.ndarray:
    """Turn the plate around the middle of the photograph and shift it."""
    turn = cv2.getRotationMatrix2D((SIZE[1] / 2 - 0.5, SIZE[0] / 2 - 0.5), angle_deg, 1)
    turn[:, 2] += dx, dy
    return np.asarray(turn, dtype=np.float64)


def taken(painted: np.ndarray, pose: np.ndarray, outside: tuple[int, ...]) -> np.ndarray:
    """Photograph what is painted ``FINE`` times larger, in a pose."""
    middle = (FINE - 1) / 2
    to_fine = np.array([[FINE, 0, middle], [0, FINE, middle]])
    whole = [np.vstack([each, [0, 0, 1]]) for each in (to_fine, pose, invert(to_fine))]
    moved = cv2.warpAffine(
        painted, (whole[0] @ whole[1] @ whole[2])[:2], painted.shape[1::-1], borderValue=outside
    )
    return np.asarray(cv2.resize(moved, SIZE[::-1], interpolation=cv2.INTER_AREA))


def photograph(seed: int, pose: Pose, *spots: tuple[int, int]) -> Photo:
    """Photograph a plate with holes, in a pose, with round spots at places of the plate."""
    rng = np.random.default_rng(seed)
    fine = np.empty((SIZE[0] * FINE, SIZE[1] * FINE, 3), dtype=np.uint8)
    fine[:] = TABLE
    for corners, color in (((40, 25, 285, 215), STEEL), ((60, 105, 130, 130), BRASS)):
        left, top, right, bottom = (FINE * each for each in corners)
        cv2.rectangle(fine, (left, top), (right, bottom), color, -1)
    for number, (x, y) in enumerate(HOLES):
        cv2.circle(fine, (x * FINE, y * FINE), (8 + number) * FINE, (35,) * 3, -1)
    masks = []
    for x, y in spots:
        mask = np.zeros(fine.shape[:2], dtype=np.uint8)
        cv2.circle(mask, (x * FINE, y * FINE), 11 * FINE, 255, -1)
        fine[mask > 0] = RED
        masks.append(taken(mask, placed(*pose), (0,)) > 127)
    image = taken(fine, placed(*pose), TABLE) + rng.normal(0, 3, (*SIZE, 3))
    return Photo(image.clip(0, 255).astype(np.uint8), tuple(Region.of(each) for each in masks))


@pytest.fixture(scope="module")
def plates() -> Inspector:
    """An inspector of plates that lie nearly straight."""
    poses = np.random.default_rng(7).uniform(-2, 2, (6, 3)).tolist()
    return Inspector().fit(
        [photograph(seed, (a, dx, dy)).image for seed, (a, dx, dy) in enumerate(poses)]
    )


@pytest.fixture
def taught(plates: Inspector, open_station: Callable[..., Any]) -> Any:
    """A station that has been taught a spot on a plate that lies straight."""
    station = open_station(plates)
    station.teach(photograph(240, (0, 0, 0), (190, 180)), "spot", "accepted")
    return station


@pytest.mark.parametrize("pose", [(5, 0, 0), (-5, 6, -4), (0, 12, 9)])
def test_masks_lie_right_in_the_file(taught: Any, pose: Pose) -> None:
    photo = photograph(241, pose, (140, 60))
    report = taught.judge(photo)
    (spot,) = [each for each in report.regions if each.class_name == "spot"]
    assert spot.region.iou(photo.regions[0]) > 0.85
    # the pose was found: registered, the holes lie where they do on the references
    to_image = report.report.to_image[:, :2]
    turn_deg = np.degrees(np.arctan2(to_image[0, 1], to_image[0, 0]))
    assert turn_deg == pytest.approx(pose[0], abs=2.5)


def test_a_lesson_from_a_turned_photograph_is_as_good(
    plates: Inspector, open_station: Callable[..., Any]
) -> None:
    station = open_station(plates)
    station.teach(photograph(243, (6, -5, 4), (190, 180)), "spot", "accepted")
    photo = photograph(244, (-4, 3, 3), (140, 60))
    (spot,) = station.judge(photo).regions
    assert spot.class_name == "spot"
    assert spot.region.iou(photo.regions[0]) > 0.85


def test_an_accepted_spot_turns_a_turned_plate_normal(taught: Any) -> None:
    clean = taught.judge(photograph(242, (5, 3, -2)))
    report = taught.judge(photograph(242, (5, 3, -2), (140, 60)))
    assert report.plain.total > 2 * clean.plain.total
    assert report.report.total == pytest.approx(clean.report.total, rel=0.25)
    assert report.verdict == clean.verdict
