from __future__ import annotations

import numpy as np
import pytest

from engine.scores.located_patch import LocatedPatchConfig
from engine.scores.reading import compared, nearest_cells, worst_share
from features.config_fields import problems_of


class TestWorstShare:
    @pytest.mark.parametrize(
        ("share", "expected"),
        [(0.0, 9.0), (0.1, 9.0), (0.2, 8.5), (0.5, 7.0), (1.0, 4.5)],
    )
    def test_averages_the_largest(self, share: float, expected: float) -> None:
        cells = np.random.default_rng(0).permutation(10).astype(np.float32)
        assert worst_share(cells, share) == expected

    def test_share_is_of_all_cells_and_mean_of_the_finite(self) -> None:
        cells = np.array([[np.inf, np.inf, 4], [3, 2, np.inf]], dtype=np.float32)
        assert worst_share(cells, 0.33) == 3.5
        assert worst_share(cells, 1.0) == 3.0

    @pytest.mark.parametrize("shape", [(2, 3), (0,)])
    def test_nothing_to_compare_is_no_evidence(self, shape: tuple[int, ...]) -> None:
        assert worst_share(np.full(shape, np.inf, dtype=np.float32), 0.5) == 0.0


def test_nearest_cells_is_the_minimum_of_each_cell() -> None:
    first = np.array([[1, np.inf, np.inf]], dtype=np.float32)
    second = np.array([[2, 5, np.inf]], dtype=np.float32)
    np.testing.assert_array_equal(nearest_cells([first, second]), [[1, 5, np.inf]])


def test_compared_puts_zero_for_infinity() -> None:
    cells = np.array([[1, np.inf]], dtype=np.float32)
    np.testing.assert_array_equal(compared(cells), [[1, 0]])
    assert compared(cells).dtype == np.float32


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_share_problems_name_the_score(share: float) -> None:
    (problem,) = problems_of(LocatedPatchConfig(share), "scores.located_patch")
    assert problem == f"scores.located_patch.share must lie in 0 … 1, got {share}"
    assert problems_of(LocatedPatchConfig(0.02), "scores.located_patch") == []
