import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.regions.similarity import Curve, probability, squared_distance, with_half_norm


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 4), st.integers(1, 9))
def test_distance_is_that_of_the_first_view_to_the_nearest_taught_one(
    seed: int, n: int, n_views: int, dim: int
) -> None:
    rng = np.random.default_rng(seed)
    asked = rng.normal(size=(2, n_views, dim)).astype(np.float32)
    taught = rng.normal(size=(n, n_views, dim)).astype(np.float32)
    naive = np.array([[min(((q[0] - v) ** 2).sum() for v in t) for t in taught] for q in asked])
    np.testing.assert_allclose(
        squared_distance(with_half_norm(asked), with_half_norm(taught)), naive, atol=1e-4
    )


def test_asking_changes_neither_side() -> None:
    rows = with_half_norm(np.ones((2, 1, 3), np.float32))
    before = rows.copy()
    squared_distance(rows, rows)
    np.testing.assert_array_equal(rows, before)


def test_nothing_taught_gives_no_columns() -> None:
    rows = with_half_norm(np.ones((2, 1, 3), np.float32))
    assert squared_distance(rows, rows[:0]).shape == (2, 0)


def test_the_curve_is_even_where_slope_times_distance_is_the_bias() -> None:
    asked = with_half_norm(np.zeros((1, 1, 2), np.float32))
    taught = with_half_norm(np.array([[[0, 0]], [[1, 1]], [[3, 3]]], np.float32))
    same = Curve(bias=2.0, slope=1.0).same(asked, taught)[0]
    np.testing.assert_allclose(same, 1 / (1 + np.exp([-2.0, 0.0, 16.0])), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("margin", "expected"), [(-200, 0.0), (0, 0.5), (200, 1.0)])
def test_probability_is_exact_at_the_ends(margin: float, expected: float) -> None:
    assert probability(np.array([margin], np.float32))[0] == expected
