from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alignment.comparison import Comparison
from alignment.frame import Frame
from alignment.network_view import NetworkView
from alignment.sample import Sample
from alignment.transforms import IDENTITY
from engine.scores.detail_patch import SCORE, DetailPatchConfig, score
from engine.scores.reading import worst_share
from features.config_fields import problems_of
from features.dense import DenseMap

Paint = Callable[..., Sample]
Beside = Callable[..., Any]

GRID = (24, 32)  # finer than that of the samples, 6 × 8


def closer(sample: Sample, seed: int, spot: tuple[int, int] | None = None) -> Sample:
    """A smooth picture, alike in all samples but for a little noise, with another cell in it."""
    rng = np.random.default_rng(seed)
    tokens = np.ones((*GRID, 4), dtype=np.float32)
    tokens += 0.05 * rng.normal(size=tokens.shape).astype(np.float32)
    if spot is not None:
        tokens[spot] = (1, -1, 1, -1)
    tokens /= np.linalg.norm(tokens, axis=-1, keepdims=True)
    dense = DenseMap(tokens, np.ones(GRID, dtype=bool))
    return replace(sample, view=NetworkView(dense, IDENTITY, detail=dense))


def test_one_odd_cell_is_enough(paint: Paint, compare_all: Beside) -> None:
    references = [closer(paint([]), seed) for seed in (1, 2)]
    calm = score(compare_all(closer(paint([]), 0), *references), DetailPatchConfig())
    odd = score(compare_all(closer(paint([]), 0, (9, 20)), *references), DetailPatchConfig())
    assert odd.value > 10 * calm.value > 0
    assert odd.cells is not None
    assert odd.cells.shape == GRID
    assert np.unravel_index(odd.cells.argmax(), GRID) == (9, 20)


@pytest.mark.parametrize("share", [0.001, 0.2])
def test_the_nearest_reference_counts(paint: Paint, compare_all: Beside, share: float) -> None:
    test, *references = (closer(paint([]), seed) for seed in range(3))
    pairs: list[Comparison] = compare_all(test, *references)
    maps = [cells for each in pairs if (cells := each.in_detail) is not None]
    assert len(maps) == 2
    reading = score(pairs, DetailPatchConfig(share))
    assert reading.value == worst_share(np.minimum(*maps), share) > 0


def test_what_varies_there_counts_less(paint: Paint, compare_all: Beside) -> None:
    test, reference = closer(paint([]), 0, (9, 20)), closer(paint([]), 1)
    restless = np.full(GRID, 0.01, dtype=np.float32)
    restless[5:14, 15:26] = 0.5
    frame = Frame().fit({"detail": [restless] * 3}, is_placed=True)
    pairs = compare_all(test, reference)
    framed = [replace(each, frame=frame) for each in pairs]
    plain = score(pairs, DetailPatchConfig()).value
    assert score(framed, DetailPatchConfig()).value < plain / 5


def test_without_a_closer_look_it_says_nothing(paint: Paint, compare_all: Beside) -> None:
    plain, seen = paint([]), closer(paint([]), 0)
    assert seen.view is not None
    once = replace(seen, view=replace(seen.view, detail=None))
    for pairs in (compare_all(plain, plain), compare_all(seen, once), compare_all(once, seen)):
        reading = score(pairs, DetailPatchConfig())
        assert reading.value == 0
        assert reading.cells is not None
        assert reading.cells.shape == plain.dense.is_valid.shape
        assert not reading.cells.any()


def test_its_map_is_that_of_details() -> None:
    assert (SCORE.cell_map, SCORE.explains) == ("detail", ("detail",))


def test_config_names_its_problems() -> None:
    assert problems_of(DetailPatchConfig(), "scores.detail_patch") == []
    assert problems_of(DetailPatchConfig(-1, 101), "scores.detail_patch") == [
        "scores.detail_patch.share must lie in 0 … 1, got -1",
        "scores.detail_patch.weight must lie in 0 … 100, got 101",
    ]
