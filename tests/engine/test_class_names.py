from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from alignment.sample import Sample
from engine.class_names import class_names, color_name


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((0, 0, 0), "black"),
        ((128, 128, 128), "grey"),
        ((255, 255, 255), "white"),
        ((255, 0, 0), "red"),
        ((220, 20, 60), "red"),  # crimson
        ((139, 0, 0), "dark red"),
        ((255, 20, 147), "red"),  # deep pink
        ((255, 165, 0), "orange"),
        ((139, 69, 19), "brown"),  # saddle brown
        ((180, 140, 100), "brown"),  # cardboard
        ((255, 255, 0), "yellow"),
        ((255, 215, 0), "yellow"),  # gold
        ((0, 128, 0), "green"),
        ((0, 255, 0), "light green"),
        ((154, 205, 50), "green"),  # yellow green
        ((0, 255, 255), "light blue"),
        ((65, 105, 225), "blue"),  # royal blue
        ((0, 0, 128), "dark blue"),
        ((238, 130, 238), "purple"),  # violet
        ((255, 0, 255), "purple"),
    ],
)
def test_colours_have_the_names_that_people_give(rgb: tuple[int, int, int], name: str) -> None:
    assert color_name(np.array(rgb, dtype=float)) == name


def test_classes_are_named_by_number_colour_and_shape(paint: Callable[..., Sample]) -> None:
    parts = [(1, (8, 8, 20, 20)), (2, (8, 40, 12, 60)), (2, (30, 40, 34, 60))]
    names = class_names([paint(parts, seed=seed) for seed in range(2)])
    assert names == [
        "class 0 (grey, background)",
        "class 1 (red, round)",
        "class 2 (green, long)",
        "class 3 (no colour, absent)",
    ]


@pytest.mark.parametrize(
    ("box", "shape"),
    [
        ((8, 8, 20, 20), "round"),
        ((8, 8, 20, 28), "oblong"),
        ((8, 8, 12, 48), "long"),
        ((4, 4, 30, 40), "large"),
        ((8, 8, 9, 9), "round"),  # a single pixel has a shape, too
    ],
)
def test_shapes(paint: Callable[..., Sample], box: tuple[int, int, int, int], shape: str) -> None:
    assert class_names([paint([(1, box)])])[1].endswith(f", {shape})")


def test_names_tell_classes_apart(paint: Callable[..., Sample]) -> None:
    alike = [(1, (8, 8, 20, 20)), (2, (30, 30, 42, 42))]
    names = class_names([paint(alike, looks={2: 1})])
    assert len(set(names)) == len(names)
