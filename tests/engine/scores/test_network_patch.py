from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from alignment.comparison import Comparison
from alignment.network_view import NetworkView
from alignment.sample import Sample
from alignment.transforms import IDENTITY
from engine.scores.network_patch import SCORE, NetworkPatchConfig, score
from engine.scores.reading import worst_share
from features.config_fields import problems_of
from features.dense import DenseMap

Beside = Callable[..., list[Comparison]]
Paint = Callable[..., Sample]
GRID = (12, 16)  # finer than that of the samples, 6 × 8


def seen(sample: Sample, seed: int, grid: tuple[int, int] = GRID) -> Sample:
    """Let a network have seen anything at all in a sample."""
    tokens = np.random.default_rng(seed).normal(size=(*grid, 3)).astype(np.float32)
    tokens /= np.linalg.norm(tokens, axis=-1, keepdims=True)
    return replace(sample, view=NetworkView(DenseMap(tokens, np.ones(grid, dtype=bool)), IDENTITY))


def view_of(sample: Sample) -> NetworkView:
    assert sample.view is not None
    return sample.view


@pytest.mark.parametrize("share", [0.005, 0.2])
def test_cells_count_that_are_far_from_all_references(
    paint: Paint, compare_all: Beside, share: float
) -> None:
    test, *references = (seen(paint([]), seed) for seed in range(3))
    maps = [view_of(test).nearest(view_of(each)) for each in references]
    reading = score(compare_all(test, *references), NetworkPatchConfig(share))
    assert reading.value == worst_share(np.minimum(*maps), share) > 0


def test_a_reference_is_like_itself(paint: Paint, compare_all: Beside) -> None:
    test, other = seen(paint([]), 0), seen(paint([]), 1)
    reading = score(compare_all(test, other, test), NetworkPatchConfig())
    assert reading.value == pytest.approx(0, abs=1e-6)


def test_the_map_lies_on_the_registered_image(paint: Paint, compare_all: Beside) -> None:
    reference = seen(paint([]), 0)
    tokens = view_of(reference).dense.tokens.copy()
    far = -tokens.mean(axis=(0, 1))
    tokens[4:6, 6:8] = far / np.linalg.norm(far)
    shift = np.array([[1.0, 0, 8], [0, 1, 0]])  # one cell of the sample to the right
    view = NetworkView(DenseMap(tokens, np.ones(GRID, dtype=bool)), shift)
    same = compare_all(replace(reference, view=view), reference)
    reading = score(same, NetworkPatchConfig())
    assert reading.cells is not None
    assert reading.cells.shape == same[0].test.dense.is_valid.shape == (6, 8)
    assert np.argwhere(reading.cells > reading.cells.max() / 2).tolist() == [[2, 4]]


def test_without_a_network_it_says_nothing(paint: Paint, compare_all: Beside) -> None:
    plain, with_view = paint([]), seen(paint([]), 0)
    for pairs in (
        compare_all(plain, plain),
        compare_all(plain, with_view),
        compare_all(with_view, plain),
    ):
        reading = score(pairs, NetworkPatchConfig())
        assert reading.value == 0
        assert reading.cells is not None
        assert reading.cells.shape == (6, 8)
        assert not reading.cells.any()


def test_hidden_cells_say_nothing(paint: Paint, compare_all: Beside) -> None:
    test, reference = seen(paint([]), 0), seen(paint([]), 1)
    hidden = replace(test, view=view_of(test).without(np.ones((48, 64), dtype=bool)))
    reading = score(compare_all(hidden, reference), NetworkPatchConfig())
    assert reading.value == 0
    assert reading.cells is not None
    assert not reading.cells.any()


def test_its_place_among_the_scores() -> None:
    assert (SCORE.role, SCORE.cell_map, SCORE.is_published) == ("appearance", "unlike", False)


def test_config_names_its_problem() -> None:
    assert problems_of(NetworkPatchConfig(), "scores.network_patch") == []
    assert problems_of(NetworkPatchConfig(1.5, -1), "scores.network_patch") == [
        "scores.network_patch.share must lie in 0 … 1, got 1.5",
        "scores.network_patch.weight must lie in 0 … 100, got -1",
    ]
