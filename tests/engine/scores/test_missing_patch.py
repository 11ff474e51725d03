from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from alignment.comparison import Comparison, ComparisonConfig, overlap
from alignment.sample import Sample
from engine.scores.located_patch import LocatedPatchConfig
from engine.scores.located_patch import score as score_located
from engine.scores.missing_patch import MissingPatchConfig, score
from engine.scores.reading import worst_share
from features.config_fields import problems_of
from features.dense import DenseMap

Beside = Callable[..., list[Comparison]]
Paint = Callable[..., Sample]
PARTS = [(1, (8, 8, 16, 16)), (2, (8, 40, 24, 56)), (3, (32, 24, 48, 40))]
STRICT = ComparisonConfig(window_cells=0, max_shift=0.0)


@pytest.mark.parametrize("share", [0.005, 0.2])
def test_the_reference_that_misses_least_speaks(
    paint: Paint, compare_all: Beside, share: float
) -> None:
    pairs = compare_all(paint(PARTS), *(paint(PARTS[i:], seed=i + 1) for i in (1, 0, 2)))
    worst = [worst_share(pair.reverse, share) for pair in pairs]
    reading = score(pairs, MissingPatchConfig(share))
    assert reading.value == min(worst)


def test_a_missing_part_is_seen_where_it_was(paint: Paint, compare_all: Beside) -> None:
    references = [paint(PARTS, seed=seed) for seed in (1, 2)]
    config = ComparisonConfig(window_cells=1)
    normal = score(compare_all(paint(PARTS), *references, config=config), MissingPatchConfig())
    pairs = compare_all(paint(PARTS[1:]), *references, config=config)
    reading = score(pairs, MissingPatchConfig())
    assert reading.value > 3 * normal.value
    assert reading.cells is not None
    assert np.unravel_index(reading.cells.argmax(), reading.cells.shape) == (1, 1)
    # background is all around, so the other direction does not miss the part
    assert score_located(pairs, LocatedPatchConfig()).value < 2 * normal.value


def test_one_reference_has_to_be_shown_entirely(paint: Paint, compare_all: Beside) -> None:
    """Each part is in some reference absent, but no reference lacks both."""
    references = [paint(PARTS[1:], seed=1), paint([PARTS[0], PARTS[2]], seed=2)]
    with_one = score(
        compare_all(paint(PARTS[1:]), *references, config=STRICT), MissingPatchConfig()
    )
    with_none = score(
        compare_all(paint(PARTS[2:]), *references, config=STRICT), MissingPatchConfig()
    )
    assert with_none.value > 3 * with_one.value


def test_the_map_is_on_the_grid_of_the_test_image(
    paint: Paint, compare_all: Beside, random_sample: Callable[..., Sample]
) -> None:
    reference = random_sample(3, valid=1.0)
    here, there = overlap((5, 7), (1, -1))
    tokens = np.full_like(reference.dense.tokens, 9.0)
    tokens[here] = reference.dense.tokens[there]
    tokens[2, 4] += 4  # reference cell (3, 3) is gone
    test = replace(reference, dense=DenseMap(tokens, reference.dense.is_valid))
    pairs = compare_all(test, reference, config=ComparisonConfig(window_cells=0, max_shift=0.2))
    assert pairs[0].shift == (1, -1)
    reading = score(pairs, MissingPatchConfig())
    assert reading.cells is not None
    np.testing.assert_array_equal(np.argwhere(reading.cells > 1), [[2, 4]])
    assert reading.value == reading.cells.max() == pairs[0].reverse[3, 3]
    assert not reading.cells[-1].any()
    assert not reading.cells[:, 0].any()


def test_a_reference_that_cannot_be_compared_is_left_out(
    paint: Paint, compare_all: Beside, hide: Callable[..., Sample]
) -> None:
    blind, seeing = hide(paint(PARTS), (0, 0, 48, 64)), paint(PARTS, seed=1)
    test = paint(PARTS[1:])
    alone = score(compare_all(test, seeing, config=STRICT), MissingPatchConfig())
    assert alone.value > 3.0
    assert score(compare_all(test, blind, seeing, config=STRICT), MissingPatchConfig()).value == (
        alone.value
    )
    nothing = score(compare_all(test, blind, config=STRICT), MissingPatchConfig())
    assert nothing.value == 0.0
    assert nothing.cells is not None
    assert not nothing.cells.any()


def test_config_names_its_problem() -> None:
    assert problems_of(MissingPatchConfig(), "scores.missing_patch") == []
    assert problems_of(MissingPatchConfig(1.5), "scores.missing_patch") == [
        "scores.missing_patch.share must lie in 0 … 1, got 1.5"
    ]
