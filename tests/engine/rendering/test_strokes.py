from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.rendering import strokes

COLOR = (0, 114, 178)


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)


@pytest.fixture
def disc() -> np.ndarray:
    y, x = np.ogrid[:200, :300]
    return np.asarray((y - 90) ** 2 + (x - 140) ** 2 < 50**2)


@pytest.mark.parametrize("draw", [strokes.fill, strokes.hatch])
def test_regions_are_drawn_inside_only(
    draw: Callable[..., None], image: np.ndarray, disc: np.ndarray
) -> None:
    drawn = image.copy()
    draw(drawn, disc, COLOR)
    assert np.array_equal(drawn[~disc], image[~disc])
    assert (drawn[disc] != image[disc]).any()
    assert tuple(drawn[90, 91]) == COLOR  # the rim


def test_hatch_leaves_gaps_that_fill_does_not(image: np.ndarray, disc: np.ndarray) -> None:
    filled, hatched = image.copy(), image.copy()
    strokes.fill(filled, disc, COLOR)
    strokes.hatch(hatched, disc, COLOR)
    core = np.s_[70:110, 120:160]
    assert 0.3 < (hatched[core] == image[core]).all(axis=2).mean() < 0.7
    assert (filled[core] == image[core]).all(axis=2).mean() < 0.05


def test_fill_shows_the_same_color_on_every_ground_of_one_lightness(disc: np.ndarray) -> None:
    shades = []
    for ground in [(118, 118, 118), (0, 201, 0), (255, 0, 111)]:
        image = np.full((200, 300, 3), ground, np.uint8)
        grey = image[0, 0] @ np.array([0.299, 0.587, 0.114])
        strokes.fill(image, disc, COLOR)
        shades.append(image[90, 140] - grey * 0.5)
    assert np.abs(np.array(shades) - shades[0]).max() <= 1


def test_dashed_frame_has_gaps_where_a_solid_one_has_none(image: np.ndarray) -> None:
    box = np.array([40, 30, 260, 170])
    shares = []
    for is_dashed in (False, True):
        drawn = image.copy()
        strokes.frame(drawn, box, COLOR, is_dashed=is_dashed)
        shares.append((drawn[30, 45:255] == COLOR).all(axis=1).mean())
        inside = np.s_[45:155, 55:245]
        assert np.array_equal(drawn[inside], image[inside])
    assert shares[0] == 1
    assert 0.3 < shares[1] < 0.7


@pytest.mark.parametrize("center", [(-50.0, -50.0), (0.0, 199.0), (1000.0, 80.0)])
def test_a_label_beyond_the_edge_is_moved_inside(
    center: tuple[float, float], image: np.ndarray
) -> None:
    drawn = image.copy()
    strokes.label(drawn, center, "12", COLOR, strokes.WHITE)
    n_plate = (drawn == COLOR).all(axis=2).sum()
    free = image.copy()
    strokes.label(free, (150.0, 100.0), "12", COLOR, strokes.WHITE)
    assert n_plate > 0.9 * (free == COLOR).all(axis=2).sum()


def test_label_of_a_ring_lies_on_the_ring() -> None:
    y, x = np.ogrid[:200, :300]
    distance = np.hypot(y - 100, x - 150)
    ring = np.asarray((distance > 50) & (distance < 80))
    ((column, row),) = strokes.label_places(ring, 5)
    assert ring[round(row), round(column)]
    assert abs(np.hypot(row - 100, column - 150) - 65) < 4


def test_label_of_a_bar_lies_at_its_middle() -> None:
    bar = np.zeros((100, 300), bool)
    bar[40:61, 20:281] = True
    ((column, row),) = strokes.label_places(bar, 5)
    assert (abs(column - 150) < 2, abs(row - 50) < 2) == (True, True)


def test_narrow_regions_get_no_label_but_the_largest_does() -> None:
    mask = np.zeros((100, 300), bool)
    mask[10:13, 10:200] = True
    mask[50:53, 10:20] = True
    assert len(strokes.label_places(mask, 5)) == 1
    assert len(strokes.label_places(mask, 1)) == 2
    assert strokes.label_places(np.zeros((9, 9), bool), 1) == []
