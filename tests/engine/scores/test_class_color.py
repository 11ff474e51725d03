from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from alignment.comparison import Comparison
from alignment.sample import Sample, color_planes
from engine.scores.class_color import ABSENT, ClassColorConfig, Color, score
from features.config_fields import problems_of

Beside = Callable[..., list[Comparison]]
Paint = Callable[..., Sample]
READINGS: tuple[Color, ...] = ("ratio", "ab", "hue_chroma")
PARTS = [(1, (8, 8, 32, 32)), (2, (8, 40, 24, 56))]


def recolored(sample: Sample, class_id: int, *colors: tuple[int, int, int]) -> Sample:
    """Give the pixels of a class these colours in turn."""
    image = sample.image.copy()
    is_class = sample.aligned.class_map == class_id
    image[is_class] = np.resize(np.array(colors), (np.count_nonzero(is_class), 3))
    return replace(sample, image=image)


@pytest.mark.parametrize("color", READINGS)
def test_against_loops(paint: Paint, compare_all: Beside, color: Color) -> None:
    test, *references = (paint(PARTS, seed=seed, noise=2.0, n_classes=3) for seed in range(3))
    distances = []
    for reference in references:
        squared = []
        for class_id in range(3):
            means = [
                [plane[s.aligned.class_map == class_id].mean() for plane in color_planes(s.image)]
                for s in (test, reference)
            ]
            (a, b, chroma, ratio), (a_2, b_2, chroma_2, ratio_2) = means
            angle = np.arctan2(b, a) - np.arctan2(b_2, a_2)
            hue = 2 * np.sqrt(np.hypot(a, b) * np.hypot(a_2, b_2)) * np.sin(angle / 2)
            squared.append(
                {
                    "ratio": (ratio - ratio_2) ** 2,
                    "ab": (a - a_2) ** 2 + (b - b_2) ** 2,
                    "hue_chroma": (chroma - chroma_2) ** 2 + hue**2,
                }[color]
            )
        distances.append(np.sqrt(np.mean(squared)))
    reading = score(compare_all(test, *references), ClassColorConfig(color))
    assert reading.value == pytest.approx(min(distances), rel=1e-2)


@pytest.mark.parametrize("color", READINGS)
def test_a_recoloured_part_is_seen(paint: Paint, compare_all: Beside, color: Color) -> None:
    reference, config = paint(PARTS, seed=1), ClassColorConfig(color)
    normal = score(compare_all(paint(PARTS), reference), config).value
    changed = recolored(paint(PARTS), 1, (60, 60, 220))
    assert score(compare_all(changed, reference), config).value > 5 * normal


def test_lightness_is_left_out(paint: Paint, compare_all: Beside) -> None:
    dark, light = (recolored(paint(PARTS), 1, (level,) * 3) for level in (40, 220))
    for color in READINGS:
        assert score(compare_all(dark, light), ClassColorConfig(color)).value < 0.01


def test_hue_chroma_tells_motley_from_grey(paint: Paint, compare_all: Beside) -> None:
    motley, grey = recolored(paint(PARTS), 1, (160, 120, 120), (90, 136, 136)), paint(PARTS)
    mean_a, mean_b = motley.class_color[1, :2]
    assert np.hypot(mean_a, mean_b) < 2
    grey = recolored(grey, 1, (128, 128, 128))
    pairs = compare_all(motley, grey)
    assert score(pairs, ClassColorConfig("ab")).value < 1
    assert score(pairs, ClassColorConfig("hue_chroma")).value > 5


@pytest.mark.parametrize("color", READINGS)
@pytest.mark.parametrize("is_missing", [True, False])
def test_a_class_in_one_image_only_is_evidence(
    paint: Paint, compare_all: Beside, color: Color, is_missing: bool
) -> None:
    fewer, all_parts = paint(PARTS[:1], noise=0.0), paint(PARTS, noise=0.0)
    pair = (fewer, all_parts) if is_missing else (all_parts, fewer)
    value = score(compare_all(*pair), ClassColorConfig(color, absent_factor=3.0)).value
    assert value == pytest.approx(3 * ABSENT[color] / np.sqrt(4), rel=1e-5)


def test_only_valid_pixels_count(
    paint: Paint, compare_all: Beside, hide: Callable[..., Sample]
) -> None:
    clean = paint(PARTS, noise=0.0)
    dirty = replace(clean, image=clean.image.copy())
    dirty.image[8:32, 8:20] = 255, 0, 0
    pairs = compare_all(hide(dirty, (8, 8, 32, 20)), clean)
    assert score(pairs, ClassColorConfig()).value == pytest.approx(0.0, abs=1e-4)


def test_config_names_all_problems() -> None:
    assert problems_of(ClassColorConfig(), "scores.class_color") == []
    assert problems_of(ClassColorConfig("rgb", 101), "scores.class_color") == [  # type: ignore[arg-type]
        'scores.class_color.color must be "ratio" or "ab" or "hue_chroma", got "rgb"',
        "scores.class_color.absent_factor must lie in 0 … 100, got 101",
    ]
