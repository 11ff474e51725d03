"""Tiles: what is in the window of a painter, in full resolution."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image as Pillow

from ui.images import MAX_SIDE_PX, Viewport, tile_of


def decoded(jpeg: bytes) -> Any:
    return np.asarray(Pillow.open(BytesIO(jpeg)))


def test_a_tile_is_what_is_in_the_window_in_full_resolution() -> None:
    image = np.zeros((300, 500, 3), np.uint8)
    image[100:110, 200:210] = 255
    tile = tile_of(image, Viewport((190.4, 95.5, 230.2, 120.0), 3))
    assert tile is not None
    assert tile.box_xyxy == (190, 95, 231, 120)
    pixels = decoded(tile.jpeg)
    assert pixels.shape == (25, 41, 3)
    assert pixels[5:15, 10:20].min() > 200
    assert pixels[:, 25:].max() < 50


def test_a_tile_is_no_larger_than_a_screen_and_stays_in_the_image() -> None:
    image = np.zeros((2000, 4000, 3), np.uint8)
    tile = tile_of(image, Viewport((-5.0, 100.0, 4100.0, 900.0), 0.4))
    assert tile is not None
    assert tile.box_xyxy == (0, 100, 4000, 900)
    assert decoded(tile.jpeg).shape == (320, MAX_SIDE_PX, 3)


def test_there_is_no_tile_without_a_window_on_the_image() -> None:
    image = np.zeros((20, 40, 3), np.uint8)
    assert tile_of(image, None) is None
    assert tile_of(image, Viewport((50.0, 5.0, 60.0, 10.0), 1)) is None
