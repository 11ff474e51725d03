from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from alignment.classes import ClassesConfig, PartClasses, describe_parts
from features.config_fields import problems_of
from features.parts import Parts

SIZE = (96, 128)
GREY, RED, BLUE, GREEN = (130, 130, 130), (200, 40, 40), (40, 60, 200), (50, 160, 60)
Thing = tuple[tuple[int, int, int], tuple[int, int, int, int]]  # colour, box (top, left, ...)

RED_SQUARES: list[Thing] = [(RED, (8, 8, 24, 24)), (RED, (8, 40, 24, 57)), (RED, (40, 8, 55, 24))]
BAR: Thing = (BLUE, (70, 10, 78, 90))


def paint(things: Sequence[Thing], seed: int = 0) -> tuple[Parts, np.ndarray]:
    """Paint boxes of slightly varying colour on grey; part 0 is the background."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(SIZE, dtype=np.int64)
    image = np.full((*SIZE, 3), GREY, dtype=float) + rng.normal(0, 2, 3)
    for part, (color, (top, left, bottom, right)) in enumerate(things, 1):
        labels[top:bottom, left:right] = part
        image[top:bottom, left:right] = np.array(color) + rng.normal(0, 3, 3)
    is_background = np.arange(len(things) + 1) == 0
    return Parts(labels, is_background), image.clip(0, 255).astype(np.uint8)


def renumbered(parts: Parts, order: np.ndarray) -> Parts:
    """Let part ``order[i]`` be number i."""
    rank = np.append(np.argsort(order), -1)
    return Parts(rank[parts.labels], parts.is_background[order])


def fitted(*pictures: tuple[Parts, np.ndarray], **changes: Any) -> PartClasses:
    parts, images = zip(*pictures, strict=True)
    return PartClasses(ClassesConfig(**changes)).fit(parts, images)


REFERENCES = [paint([*RED_SQUARES, BAR], seed) for seed in range(3)]


class TestFit:
    def test_what_looks_alike_is_one_class_with_a_count(self) -> None:
        classes = fitted(*REFERENCES)
        # largest first: background, three squares, bar
        np.testing.assert_array_equal(classes.counts_, [[1, 3, 1]] * 3)
        np.testing.assert_array_equal(classes.is_background_, [True, False, False])

    def test_numbering_of_parts_does_not_matter(self) -> None:
        order = np.array([3, 0, 4, 1, 2])
        shuffled = [(renumbered(parts, order), image) for parts, image in REFERENCES]
        plain, other = fitted(*REFERENCES), fitted(*shuffled)
        np.testing.assert_allclose(plain.prototypes_, other.prototypes_)
        np.testing.assert_array_equal(plain.counts_, other.counts_)
        ours, theirs = (
            classes.align(*picture)
            for classes, picture in ((plain, REFERENCES[0]), (other, shuffled[0]))
        )
        np.testing.assert_array_equal(ours.class_map, theirs.class_map)
        np.testing.assert_array_equal(ours.class_of_part[order], theirs.class_of_part)

    def test_order_of_references_does_not_matter(self) -> None:
        forward, backward = fitted(*REFERENCES), fitted(*REFERENCES[::-1])
        np.testing.assert_allclose(forward.prototypes_, backward.prototypes_)
        np.testing.assert_array_equal(forward.counts_, backward.counts_[::-1])

    def test_twice_equals_once(self) -> None:
        classes = fitted(*REFERENCES)
        parts, images = zip(*REFERENCES, strict=True)
        again = fitted(REFERENCES[0]).fit(parts, images)
        for name, array in classes.state().items():
            np.testing.assert_array_equal(again.state()[name], array)

    def test_restored_classes_align_alike(self) -> None:
        classes = fitted(*REFERENCES)
        restored = PartClasses(ClassesConfig()).restore(classes.state())
        ours, theirs = (each.align(*REFERENCES[1]) for each in (classes, restored))
        np.testing.assert_array_equal(ours.class_of_part, theirs.class_of_part)
        np.testing.assert_array_equal(ours.cost, theirs.cost)

    def test_images_without_parts(self) -> None:
        image = np.zeros((*SIZE, 3), dtype=np.uint8)
        nothing = Parts(np.full(SIZE, -1), np.zeros(0, dtype=bool))
        classes = fitted((nothing, image), (nothing, image))
        assert classes.counts_.shape == (2, 0)
        assert classes.align(nothing, image).n_classes == 0
        np.testing.assert_array_equal(classes.align(*REFERENCES[0]).class_of_part, [-1] * 5)


@pytest.mark.parametrize("method", ["nearest", "hungarian"])
class TestAlign:
    def test_references_align_to_themselves(self, method: str) -> None:
        classes = fitted(*REFERENCES, method=method)
        for picture in REFERENCES:
            aligned = classes.align(*picture)
            np.testing.assert_array_equal(aligned.class_of_part, [0, 1, 1, 1, 2])
            assert (aligned.cost < 0.5).all()

    def test_a_missing_part_shows_in_the_count(self, method: str) -> None:
        classes = fitted(*REFERENCES, method=method)
        aligned = classes.align(*paint([*RED_SQUARES[:2], BAR], 7))
        np.testing.assert_array_equal(aligned.counts, [1, 2, 1])

    def test_a_part_like_no_other_is_extra(self, method: str) -> None:
        classes = fitted(*REFERENCES, method=method)
        stranger: Thing = (GREEN, (40, 60, 60, 80))
        aligned = classes.align(*paint([*RED_SQUARES, BAR, stranger], 7))
        np.testing.assert_array_equal(aligned.class_of_part, [0, 1, 1, 1, 2, -1])
        assert aligned.cost[-1] == ClassesConfig().unmatched_cost


def test_one_too_many_is_counted_by_nearest_and_extra_one_to_one() -> None:
    fourth: Thing = (RED, (40, 40, 56, 56))
    picture = paint([*RED_SQUARES, fourth, BAR], 7)
    nearest = fitted(*REFERENCES).align(*picture)
    hungarian = fitted(*REFERENCES, method="hungarian").align(*picture)
    np.testing.assert_array_equal(nearest.counts, [1, 4, 1])
    np.testing.assert_array_equal(hungarian.counts, [1, 3, 1])
    assert np.count_nonzero(hungarian.class_of_part < 0) == 1


class TestDescribeParts:
    def test_place_does_not_matter(self) -> None:
        here, there = (paint([(RED, (8, left, 24, left + 16))]) for left in (8, 88))
        np.testing.assert_allclose(describe_parts(*here)[1], describe_parts(*there)[1], atol=1e-6)

    def test_size_and_elongation_in_factors_of_four(self) -> None:
        square, twice, bar = (
            describe_parts(*paint([(RED, box)]))[1]
            for box in ((0, 0, 16, 16), (0, 0, 32, 32), (0, 0, 8, 32))
        )
        np.testing.assert_allclose(twice - square, [0, 0, 0, 1, 0], atol=1e-4)
        np.testing.assert_allclose(bar - square, [0, 0, 0, 0, 1], atol=1e-2)

    def test_brightness_of_the_whole_image_hardly_matters(self) -> None:
        parts, image = REFERENCES[0]
        brighter = np.clip(image * 1.1, 0, 255).astype(np.uint8)
        plain, bright = describe_parts(parts, image), describe_parts(parts, brighter)
        assert np.abs(plain - bright).max() < 0.6 < ClassesConfig().max_spread

    def test_a_part_of_one_pixel_is_finite(self) -> None:
        looks = describe_parts(*paint([(RED, (8, 8, 9, 9))]))
        assert np.isfinite(looks).all()


def test_config_names_its_problems() -> None:
    assert problems_of(ClassesConfig(), "classes") == []
    config = ClassesConfig(method="magic", max_spread=0, unmatched_cost=float("nan"))  # type: ignore[arg-type]
    assert problems_of(config, "classes") == [
        'classes.method must be "nearest" or "hungarian" or "propagate", got "magic"',
        "classes.max_spread must lie in 0 … 100 without 0, got 0",
        "classes.unmatched_cost must lie in 0 … 100 without 0, got nan",
    ]
