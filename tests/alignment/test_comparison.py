from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from alignment.comparison import Comparison, ComparisonConfig, moved, overlap
from alignment.sample import Sample
from features.config_fields import problems_of
from features.dense import DenseMap

Cell = tuple[int, ...]


@pytest.fixture(params=["euclidean", "cosine"])
def pair(request: pytest.FixtureRequest, random_sample: Callable[..., Sample]) -> Comparison:
    """A test image that is the reference moved by (1, -2) cells and changed a little."""
    reference = random_sample(3)
    rng = np.random.default_rng(7)
    tokens = rng.normal(size=reference.dense.tokens.shape).astype(np.float32)
    here, there = overlap((5, 7), (1, -2))
    tokens[here] = reference.dense.tokens[there]
    tokens += 0.05 * rng.normal(size=tokens.shape).astype(np.float32)
    test = random_sample(4)
    test = replace(test, dense=DenseMap(tokens, test.dense.is_valid))
    return Comparison(
        test, reference, ComparisonConfig(distance=request.param, window_cells=1, max_shift=0.3)
    )


def naive_distance(pair: Comparison, p: Cell, q: Cell) -> float:
    a, b = (d.tokens[i].astype(float) for d, i in ((pair.test.dense, p), (pair.reference.dense, q)))
    if pair.config.distance == "euclidean":
        return float(np.sqrt(((a - b) ** 2).sum()))
    return float(1 - a @ b / np.sqrt((a @ a) * (b @ b)))


def cells(mask: np.ndarray) -> list[Cell]:
    return [tuple(cell) for cell in np.argwhere(mask).tolist()]


def naive_nearest(pair: Comparison, may_meet: Callable[[Cell, Cell], bool]) -> np.ndarray:
    """The smallest distance of each valid test cell over the valid reference cells it may meet."""
    nearest = np.full(pair.test.dense.is_valid.shape, np.inf)
    keys = cells(pair.reference.dense.is_valid)
    for p in cells(pair.test.dense.is_valid):
        distances = [naive_distance(pair, p, q) for q in keys if may_meet(p, q)]
        nearest[p] = min(distances, default=np.inf)
    return nearest


def is_inner(mask: np.ndarray, cell: Cell) -> bool:
    """Whether a cell lies in the grid and neither it nor a neighbour is invalid."""
    rows, columns = mask.shape
    if not (0 <= cell[0] < rows and 0 <= cell[1] < columns):
        return False
    return all(
        mask[y, x]
        for y in range(max(cell[0] - 1, 0), min(cell[0] + 2, rows))
        for x in range(max(cell[1] - 1, 0), min(cell[1] + 2, columns))
    )


class TestSample:
    def test_class_of_a_cell_is_that_of_its_centre(self, paint: Callable[..., Sample]) -> None:
        sample = paint([(1, (8, 8, 24, 24)), (2, (30, 30, 35, 35)), (-1, (40, 48, 48, 64))])
        for row, column in product(range(6), range(8)):
            center = sample.aligned.class_map[8 * row + 4, 8 * column + 4]
            assert sample.cell_class[row, column] == center

    def test_unknown_parts_are_foreground(self, paint: Callable[..., Sample]) -> None:
        sample = paint([(1, (8, 8, 24, 24)), (-1, (40, 48, 48, 64))])
        np.testing.assert_array_equal(sample.is_foreground, sample.cell_class != 0)

    def test_class_means_against_loops(self, random_sample: Callable[..., Sample]) -> None:
        sample = random_sample(3)
        for class_id in range(sample.aligned.n_classes):
            pixels = [
                (y, x)
                for y, x in product(*map(range, sample.is_valid.shape))
                if sample.is_valid[y, x] and sample.aligned.class_map[y, x] == class_id
            ]
            assert sample.class_area_px[class_id] == len(pixels)
            np.testing.assert_allclose(sample.class_centroid_yx[class_id], np.mean(pixels, axis=0))
            tokens = [sample.dense.tokens[y // 8, x // 8] for y, x in pixels]
            np.testing.assert_allclose(
                sample.class_token[class_id], np.mean(tokens, axis=0), rtol=1e-4, atol=1e-5
            )

    def test_an_absent_class_has_no_mean(self, paint: Callable[..., Sample]) -> None:
        sample = paint([(1, (8, 8, 24, 24))])
        assert sample.class_area_px[2] == 0
        for rows in (sample.class_token, sample.class_color, sample.class_centroid_yx):
            assert np.isnan(rows[2]).all()
            assert np.isfinite(rows[:2]).all()


class TestComparison:
    def test_registration_finds_the_shift(self, pair: Comparison) -> None:
        assert pair.shift == (1, -2)

    def test_anywhere_against_loops(self, pair: Comparison) -> None:
        expected = naive_nearest(pair, lambda p, q: True)
        np.testing.assert_allclose(pair.anywhere, expected, rtol=1e-4, atol=1e-6)

    def test_in_class_against_loops(self, pair: Comparison) -> None:
        def is_same_class(p: Cell, q: Cell) -> bool:
            return bool(pair.test.cell_class[p] == pair.reference.cell_class[q] >= 0)

        expected = naive_nearest(pair, is_same_class)
        assert np.isinf(expected[pair.test.cell_class < 0]).all()
        assert np.isfinite(expected).any()
        np.testing.assert_allclose(pair.in_class, expected, rtol=1e-4, atol=1e-6)

    def test_in_foreground_against_loops(self, pair: Comparison) -> None:
        def is_foreground(p: Cell, q: Cell) -> bool:
            return bool(pair.test.cell_class[p] != 0 and pair.reference.cell_class[q] != 0)

        expected = naive_nearest(pair, is_foreground)
        np.testing.assert_allclose(pair.in_foreground, expected, rtol=1e-4, atol=1e-6)

    def test_forward_against_loops(self, pair: Comparison) -> None:
        dy, dx = pair.shift
        expected = naive_nearest(
            pair, lambda p, q: max(abs(q[0] - p[0] - dy), abs(q[1] - p[1] - dx)) <= 1
        )
        for p in np.ndindex(5, 7):
            if not is_inner(pair.reference.dense.is_valid, (p[0] + dy, p[1] + dx)):
                expected[p] = np.inf
        assert 0 < np.isfinite(expected).sum() < 35
        np.testing.assert_allclose(pair.forward, expected, rtol=1e-4, atol=1e-6)

    def test_reverse_against_loops(self, pair: Comparison) -> None:
        dy, dx = pair.shift
        expected = np.full((5, 7), np.inf)
        for q in cells(pair.reference.dense.is_valid):
            if is_inner(pair.test.dense.is_valid, (q[0] - dy, q[1] - dx)):
                distances = [
                    naive_distance(pair, p, q)
                    for p in cells(pair.test.dense.is_valid)
                    if max(abs(q[0] - p[0] - dy), abs(q[1] - p[1] - dx)) <= 1
                ]
                expected[q] = min(distances, default=np.inf)
        assert 0 < np.isfinite(expected).sum() < 35
        np.testing.assert_allclose(pair.reverse, expected, rtol=1e-4, atol=1e-6)

    def test_reverse_is_forward_with_roles_exchanged(self, pair: Comparison) -> None:
        other = Comparison(pair.reference, pair.test, pair.config)
        assert other.shift == (-1, 2)
        np.testing.assert_array_equal(pair.reverse, other.forward)

    def test_an_image_beside_itself_is_at_zero(self, random_sample: Callable[..., Sample]) -> None:
        sample = random_sample(2)
        pair = Comparison(sample, sample, ComparisonConfig())
        assert pair.shift == (0, 0)
        for distances in (pair.anywhere, pair.in_class, pair.in_foreground, pair.forward):
            assert np.isfinite(distances).any()
            assert not distances[np.isfinite(distances)].any()

    def test_nothing_valid_is_infinite_everywhere(
        self, random_sample: Callable[..., Sample]
    ) -> None:
        pair = Comparison(random_sample(1, valid=0.0), random_sample(2), ComparisonConfig())
        for distances in (pair.anywhere, pair.in_class, pair.in_foreground, pair.forward):
            assert np.isinf(distances).all()
        assert np.isinf(pair.reverse).all()


class TestGrid:
    @pytest.mark.parametrize("shift", [(0, 0), (2, -1), (-4, 3), (4, 0), (9, -9)])
    def test_overlap_lays_cell_p_on_p_plus_shift(self, shift: tuple[int, int]) -> None:
        rows, columns = np.indices((4, 5))
        here, there = overlap((4, 5), shift)
        np.testing.assert_array_equal(rows[here] + shift[0], rows[there])
        np.testing.assert_array_equal(columns[here] + shift[1], columns[there])
        assert rows[here].size == max(0, 4 - abs(shift[0])) * max(0, 5 - abs(shift[1]))

    def test_moved_brings_in_nothing(self) -> None:
        mask = np.array([[True, True, False], [True, False, True]])
        np.testing.assert_array_equal(
            moved(mask, (1, -1)), [[False, False, False], [True, False, False]]
        )
        assert not moved(mask, (2, 0)).any()


class TestConfig:
    def test_defaults_are_in_range(self) -> None:
        assert problems_of(ComparisonConfig(), "comparison") == []

    def test_names_all_problems_at_once(self) -> None:
        config = ComparisonConfig(distance="l7", window_cells=-1, max_shift=float("nan"))  # type: ignore[arg-type]
        assert problems_of(config, "comparison") == [
            'comparison.distance must be "cosine" or "euclidean", got "l7"',
            "comparison.window_cells must lie in 0 … 16, got -1",
            "comparison.max_shift must lie in 0 … 0.5, got nan",
        ]
