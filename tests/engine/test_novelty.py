from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from engine.hiding import hide
from engine.inspector import Inspector
from engine.novelty import (
    CELL_MAPS,
    LEAST_RANGE,
    NAMES,
    STREAK_PX,
    Normal,
    Novelty,
    cells_of,
    learn_novelty,
    streaks,
)
from engine.report import Examination
from engine.scores import Reading
from engine.synthetic.scenes import Scene

Fitted = Callable[..., Inspector]
Render = Callable[..., Scene]


class TestNormal:
    def test_usual_is_nothing_and_most_is_one(self) -> None:
        normal = Normal(usual=2.0, most=6.0)
        found = normal(np.array([2, 6, 4, 10, 0], dtype=np.float32))
        np.testing.assert_allclose(found, [0, 1, 0.5, 2, -0.5])

    def test_references_that_do_not_differ_at_all(self) -> None:
        found = Normal(1.0, 1.0)(np.array([1, 1 + LEAST_RANGE], dtype=np.float32))
        np.testing.assert_allclose(found, [0, 1], atol=1e-3)


def naive_streaks(distance: np.ndarray, usual: float) -> np.ndarray:
    """One pixel after the other; the image is mirrored beyond its border."""
    along, across = STREAK_PX[0] // 2, STREAK_PX[1] // 2
    padded = np.pad(distance, along, mode="reflect")
    result = np.zeros_like(distance)
    for row, column in np.ndindex(distance.shape):
        y, x = row + along, column + along

        def mean(half_height: int, half_width: int, y: int = y, x: int = x) -> float:
            window = (
                slice(y - half_height, y + half_height + 1),
                slice(x - half_width, x + half_width + 1),
            )
            return float(padded[window].mean())

        largest = max(mean(across, along), mean(along, across))
        result[row, column] = min(largest, max(mean(across, across), usual))
    return result


class TestStreaks:
    @pytest.mark.parametrize("size", [(48, 70), (32, 40)])
    def test_as_its_definition_says(self, size: tuple[int, int]) -> None:
        distance = np.random.default_rng(0).gamma(2, 1, size).astype(np.float32)
        np.testing.assert_allclose(streaks(distance, 1.5), naive_streaks(distance, 1.5), rtol=1e-4)

    def test_what_is_even_everywhere_is_no_streak(self) -> None:
        even = np.full((64, 96), 3, np.float32)
        np.testing.assert_allclose(streaks(even, 1.0), 3, rtol=1e-5)
        np.testing.assert_allclose(streaks(even, 5.0), 3, rtol=1e-5)

    def test_a_faint_line_stands_out_more_than_in_its_pixels(self) -> None:
        rng = np.random.default_rng(1)
        noise = rng.normal(3, 1, (128, 160)).astype(np.float32)
        line = noise.copy()
        line[62:65, 20:140] += 1.2
        largest = [
            (line[63, 55:105].mean() - found.mean()) / found.std()
            for line, found in ((line, noise), (streaks(line, 3.0), streaks(noise, 3.0)))
        ]
        assert largest[1] > 3 * largest[0]

    def test_there_is_no_cross_through_a_fault(self) -> None:
        distance = np.ones((128, 128), np.float32)
        distance[60:68, 60:68] = 20
        found = streaks(distance, 1.0)
        # beside the fault, in line with it
        assert found[64, 75:90].max() == pytest.approx(1)
        assert found[75:90, 64].max() == pytest.approx(1)
        assert found[64, 64] > 2


@pytest.fixture(scope="module")
def learnt(fitted: Fitted) -> Novelty:
    return fitted("bottle").novelty


@pytest.fixture(scope="module")
def examine(fitted: Fitted, scene: Render) -> Callable[[int, str], Examination]:
    return lambda seed, kind: fitted("bottle").examine(scene("bottle", seed, kind).image)


def spotted(image: np.ndarray) -> np.ndarray:
    """Something small on the upper part of the photograph."""
    image = image.copy()
    top, left = image.shape[0] // 4, image.shape[1] // 4
    image[top : top + 16, left : left + 16] = (250, 30, 200)
    return image


Examine = Callable[[int, str], Examination]


class TestNovelty:
    def test_references_are_hardly_new(self, learnt: Novelty, examine: Examine) -> None:
        for seed in range(2):
            assert learnt(examine(seed, "good")).max() <= 1.1

    def test_it_is_a_map_of_working_pixels(self, learnt: Novelty, examine: Examine) -> None:
        examination = examine(20, "contamination")
        novelty = learnt(examination)
        assert novelty.shape == examination.sample.is_valid.shape
        assert novelty.dtype == np.float32
        assert np.isfinite(novelty).all()
        assert novelty.min() >= 0
        assert (novelty[~examination.sample.is_valid] == 0).all()

    def test_what_is_new_is_found_where_it_is(
        self, learnt: Novelty, fitted: Fitted, scene: Render
    ) -> None:
        examination = fitted("bottle").examine(spotted(scene("bottle", 10).image))
        novelty = learnt(examination)
        row, column = np.unravel_index(novelty.argmax(), novelty.shape)
        assert novelty.max() > 1
        x, y = examination.to_image @ [column, row, 1]
        height, width = examination.image_size
        assert width // 4 - 4 <= x < width // 4 + 20
        assert height // 4 - 4 <= y < height // 4 + 20

    def test_it_is_the_largest_of_its_maps(self, learnt: Novelty, examine: Examine) -> None:
        """Pixels count as they are; what cells say, only away from what pixels show clearly."""
        examination = examine(20, "contamination")
        sample = examination.sample
        fine = learnt.normal["detail"](learnt.detail(sample.image, sample.is_valid))
        novelty = learnt(examination)
        assert (novelty >= np.maximum(fine, 0) - 1e-5)[sample.is_valid].all()

    def test_what_is_hidden_is_not_new(
        self, learnt: Novelty, fitted: Fitted, scene: Render
    ) -> None:
        inspector = fitted("bottle")
        examination = inspector.examine(spotted(scene("bottle", 10).image))
        is_hidden = learnt(examination) > 0.5
        hidden = learnt(hide(inspector, examination, is_hidden))
        assert (hidden[is_hidden] == 0).all()


class TestLearning:
    def test_it_can_be_kept(self, learnt: Novelty, examine: Examine) -> None:
        state = learnt.state()
        assert state["normal"].shape == (len(NAMES), 2)
        again = Novelty.restore({name: array.copy() for name, array in state.items()})
        examination = examine(20, "contamination")
        np.testing.assert_array_equal(again(examination), learnt(examination))

    def test_usual_is_below_most(self, learnt: Novelty) -> None:
        assert set(learnt.normal) == set(NAMES)
        for normal in learnt.normal.values():
            assert 0 <= normal.usual < normal.most

    def test_more_normal_images_only_raise_the_most(self, fitted: Fitted, scene: Render) -> None:
        inspector = fitted("bottle")
        examined = [inspector.examine(scene("bottle", seed).image) for seed in (10, 11, 12)]
        readings, samples = [e.readings for e in examined], [e.sample for e in examined]
        few = learn_novelty(inspector.fitted.samples, readings[:1], samples[:1], seed=0)
        many = learn_novelty(inspector.fitted.samples, readings, samples, seed=0)
        for name in NAMES:
            assert many.normal[name].most >= few.normal[name].most - 0.05

    def test_a_reference_is_not_compared_with_itself(self, fitted: Fitted) -> None:
        """It is judged as if only the others had been seen; but all are remembered."""
        samples = fitted("bottle").fitted.samples
        empty = {name: Reading(0.0, np.zeros((4, 4), np.float32)) for name in CELL_MAPS}
        for index, sample in enumerate(samples):
            others = [*samples[:index], *samples[index + 1 :]]
            without = learn_novelty(others, [empty], [sample], seed=0)
            found = learn_novelty(samples, [empty], [sample], seed=0)
            assert found.normal == without.normal
            distance = without.detail(sample.image, sample.is_valid)
            usual, most = float(np.median(distance)), float(distance.max())
            assert found.normal["detail"] == Normal(usual, most)
            # one that is no reference is judged by all of them
            twin = learn_novelty(samples, [empty], [replace(sample)], seed=0)
            assert found.normal["detail"] != twin.normal["detail"]
            for name, learnt in twin.detail.state().items():
                np.testing.assert_array_equal(found.detail.state()[name], learnt)


def test_cells_are_those_of_the_reading() -> None:
    cells = np.random.default_rng(0).random((4, 5)).astype(np.float32)
    np.testing.assert_array_equal(cells_of(Reading(1.0, cells)), cells)
