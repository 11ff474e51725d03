from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from alignment.comparison import Comparison, ComparisonConfig
from alignment.sample import Sample
from engine.scores.class_agnostic_patch import ClassAgnosticPatchConfig
from engine.scores.class_agnostic_patch import score as score_anywhere
from engine.scores.located_patch import LocatedPatchConfig, score
from engine.scores.reading import worst_share
from features.config_fields import problems_of

Beside = Callable[..., list[Comparison]]
Paint = Callable[..., Sample]
PARTS = [(1, (8, 8, 16, 16)), (2, (8, 40, 24, 56)), (3, (32, 24, 48, 40))]
STRICT = ComparisonConfig(window_cells=0, max_shift=0.0)


@pytest.mark.parametrize("share", [0.005, 0.2])
def test_is_the_worst_share_of_the_nearest_reference_at_each_cell(
    paint: Paint, compare_all: Beside, share: float
) -> None:
    test, *references = (paint(PARTS, seed=seed) for seed in range(4))
    apart = [np.linalg.norm(test.dense.tokens - each.dense.tokens, axis=-1) for each in references]
    reading = score(compare_all(test, *references, config=STRICT), LocatedPatchConfig(share))
    assert reading.cells is not None
    np.testing.assert_allclose(reading.cells, np.min(apart, axis=0), rtol=1e-5)
    assert reading.value == pytest.approx(worst_share(reading.cells, share))


def test_a_known_look_at_a_wrong_place_is_seen(paint: Paint, compare_all: Beside) -> None:
    moved = [(1, (40, 56, 48, 64)), *PARTS[1:]]
    pairs = compare_all(paint(moved), paint(PARTS, seed=1), config=STRICT)
    assert score_anywhere(pairs, ClassAgnosticPatchConfig()).value < 1.0
    reading = score(pairs, LocatedPatchConfig())
    assert reading.value > 3.0
    assert reading.cells is not None
    places = np.argwhere(reading.cells > 3.0)
    np.testing.assert_array_equal(places, [[1, 1], [5, 7]])


def test_what_no_reference_shows_is_silent(
    paint: Paint, compare_all: Beside, hide: Callable[..., Sample]
) -> None:
    reference = hide(paint(PARTS, seed=1), (24, 40, 48, 64))
    test = paint([*PARTS, (1, (40, 56, 48, 64))])
    reading = score(compare_all(test, reference, config=STRICT), LocatedPatchConfig())
    assert reading.value < 1.0
    assert reading.cells is not None
    assert reading.cells[5, 7] == 0.0


def test_config_names_its_problem() -> None:
    assert problems_of(LocatedPatchConfig(), "scores.located_patch") == []
    assert problems_of(LocatedPatchConfig(-1), "scores.located_patch") == [
        "scores.located_patch.share must lie in 0 … 1, got -1"
    ]
