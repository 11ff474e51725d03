from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from alignment.comparison import Comparison
from alignment.sample import Sample
from engine.scores.class_location import ClassLocationConfig, Position, score
from features.config_fields import problems_of

Beside = Callable[..., list[Comparison]]
Paint = Callable[..., Sample]
POSITIONS: tuple[Position, ...] = ("corner", "centroid", "relative")
PARTS = [(1, (8, 8, 24, 24)), (2, (8, 32, 16, 44)), (3, (32, 16, 40, 40))]
DIAGONAL = float(np.hypot(48, 64))


def shifted(parts: list[tuple[int, tuple[int, ...]]], dy: int, dx: int) -> list:
    return [
        (c, (top + dy, left + dx, bottom + dy, right + dx))
        for c, (top, left, bottom, right) in parts
    ]


def center(sample: Sample, class_id: int) -> np.ndarray:
    return np.argwhere(sample.aligned.class_map == class_id).mean(axis=0) / DIAGONAL


def naive_distance(test: Sample, reference: Sample, position: Position) -> float:
    ours, theirs = ([center(sample, c) for c in (1, 2, 3)] for sample in (test, reference))
    if position == "corner":
        gaps = [np.linalg.norm(p) - np.linalg.norm(q) for p, q in zip(ours, theirs, strict=True)]
        return float(np.sqrt(np.mean(np.square(gaps))))
    if position == "centroid":
        squared = [np.sum((p - q) ** 2) for p, q in zip(ours, theirs, strict=True)]
        return float(np.sqrt(np.mean(squared)))
    pairs = [
        np.sum(((ours[i] - ours[j]) - (theirs[i] - theirs[j])) ** 2)
        for i, j in product(range(3), repeat=2)
    ]
    return float(np.sqrt(np.mean(pairs) / 2))


@pytest.mark.parametrize("position", POSITIONS)
def test_against_loops(paint: Paint, compare_all: Beside, position: Position) -> None:
    test = paint([(1, (10, 9, 26, 20)), (2, (4, 40, 16, 44)), (3, (30, 10, 44, 40))])
    references = [paint(PARTS), paint(shifted(PARTS, 5, 3))]
    expected = min(naive_distance(test, reference, position) for reference in references)
    reading = score(compare_all(test, *references), ClassLocationConfig(position))
    assert reading.value == pytest.approx(expected)


def test_relative_forgives_a_product_that_lies_elsewhere(paint: Paint, compare_all: Beside) -> None:
    pairs = compare_all(paint(shifted(PARTS, 6, 10)), paint(PARTS))
    assert score(pairs, ClassLocationConfig("relative")).value == pytest.approx(0, abs=1e-9)
    expected = np.hypot(6, 10) / DIAGONAL
    assert score(pairs, ClassLocationConfig("centroid")).value == pytest.approx(expected)


def test_the_published_reading_is_blind_on_a_circle(paint: Paint, compare_all: Beside) -> None:
    mirrored = (1, (32, 8, 40, 16))
    pairs = compare_all(paint([mirrored], n_classes=2), paint([(1, (8, 32, 16, 40))], n_classes=2))
    assert score(pairs, ClassLocationConfig("corner")).value == pytest.approx(0, abs=1e-9)
    assert score(pairs, ClassLocationConfig("centroid")).value > 0.3


@pytest.mark.parametrize("position", POSITIONS)
def test_parts_that_changed_places_are_seen(
    paint: Paint, compare_all: Beside, position: Position
) -> None:
    swapped = [(2, PARTS[0][1]), (1, (8, 32, 16, 44)), PARTS[2]]
    value = score(compare_all(paint(swapped), paint(PARTS)), ClassLocationConfig(position)).value
    assert value > 0.1


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("is_missing", [True, False])
def test_a_class_in_one_image_only_is_evidence(
    paint: Paint, compare_all: Beside, position: Position, is_missing: bool
) -> None:
    fewer, all_parts = paint(PARTS[:2]), paint(PARTS)
    pair = (fewer, all_parts) if is_missing else (all_parts, fewer)
    value = score(compare_all(*pair), ClassLocationConfig(position, absent=0.6)).value
    assert value == pytest.approx(0.6 / np.sqrt(3))


def test_the_background_has_no_place(paint: Paint, compare_all: Beside) -> None:
    """A part of no class covers a side of the background, whose centroid moves."""
    pairs = compare_all(paint([*PARTS, (-1, (0, 48, 48, 64))]), paint(PARTS))
    assert score(pairs, ClassLocationConfig("centroid")).value == pytest.approx(0, abs=1e-9)


def test_config_names_all_problems() -> None:
    assert problems_of(ClassLocationConfig(), "scores.class_location") == []
    assert problems_of(ClassLocationConfig("polar", 2), "scores.class_location") == [  # type: ignore[arg-type]
        'scores.class_location.position must be "corner" or "centroid" or "relative", got "polar"',
        "scores.class_location.absent must lie in 0 … 1, got 2",
    ]
