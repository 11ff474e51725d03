from __future__ import annotations

import numpy as np
import pytest

from features.images import bits_text, few_levels, few_levels_text


def photographs(lowest: int, highest: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(lowest, highest + 1, (40, 60, 3), dtype=np.uint8) for _ in range(3)]


def test_twelve_bits_read_as_sixteen_are_few_levels() -> None:
    assert few_levels(photographs(3, 10)) == (3, 10)
    text = few_levels_text(photographs(3, 10))
    assert text is not None
    assert "only the levels 3 … 10 of 0 … 255" in text


@pytest.mark.parametrize("ends", [(0, 255), (100, 140), (200, 255)])
def test_low_contrast_is_enough(ends: tuple[int, int]) -> None:
    assert few_levels(photographs(*ends)) is None
    assert few_levels_text(photographs(*ends)) is None


def test_black_and_white_are_far_apart() -> None:
    assert (
        few_levels([255 * np.eye(40, 60, dtype=np.uint8)[..., None] * np.ones(3, np.uint8)]) is None
    )


def test_the_set_counts_and_not_one_photograph() -> None:
    assert few_levels(photographs(3, 10) + photographs(3, 200)) is None


def test_hot_pixels_do_not_hide_it() -> None:
    images = photographs(3, 10)
    images[0][5, 5] = 255
    assert few_levels(images) == (3, 10)


def test_no_photographs_are_no_set() -> None:
    assert few_levels([]) is None


def test_fewer_bits_are_told() -> None:
    assert bits_text(None) is None
    assert bits_text(16) is None
    text = bits_text(12)
    assert text is not None
    assert "no value above 4095 and are read as of 12 bits" in text
