from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from alignment.comparison import Comparison
from alignment.pose import RegisteredImage
from alignment.sample import Sample
from alignment.transforms import IDENTITY, about_center, apply
from engine.report import Examination

Draw = Callable[..., Sample]


@pytest.mark.parametrize("stretch", [(1, 1), (10, 10), (3, 5)])
def test_the_way_to_the_image_file_is_known(
    paint: Draw, compare_all: Callable[..., list[Comparison]], stretch: tuple[int, int]
) -> None:
    sample = paint([(1, (8, 8, 24, 24))])
    move = about_center((48, 64), angle_rad=0.4, scale=1.1, shift_xy=(3.0, -2.0))
    size = 48 * stretch[0], 64 * stretch[1]
    image = np.zeros((*size, 3), np.uint8)
    points = np.random.default_rng(0).uniform(0, 40, (9, 2))
    for to_original in (IDENTITY, move):
        registered = RegisteredImage(sample.image, sample.is_valid, to_original)
        made = Examination(image, sample.image, registered, compare_all(sample, sample), {})
        assert made.sample is sample
        assert made.image_size == size
        # centres of pixels are whole numbers: the corner lies at -0.5
        expected = (apply(to_original, points) + 0.5) * stretch[::-1] - 0.5
        np.testing.assert_allclose(apply(made.to_image, points), expected)
