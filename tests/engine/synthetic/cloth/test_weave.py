import numpy as np
import pytest

from engine.synthetic.cloth import WEAVES
from engine.synthetic.cloth.weave import SAMPLES, interlacing, relief

LIGHT = np.array([-0.5, -0.5, 0.7071], dtype=np.float32)


def repeats_as(weave: str, u: int, v: int) -> bool:
    """Warp on top where warp ``u`` crosses weft ``v``, as a weaver would say it."""
    if weave == "plain":
        return u % 2 == v % 2
    if weave == "basket":
        return (u // 2) % 2 == (v // 2) % 2
    if weave == "twill":
        return (u + v) % 4 in (0, 1)
    if weave == "satin":
        return (v + 2 * u) % 5 != 0
    u = u % 16 if u % 16 < 8 else 15 - u % 16
    return (u + v) % 4 in (0, 1)


@pytest.mark.parametrize("weave", WEAVES)
def test_interlacing_is_one_repeat_of_the_weave(weave: str) -> None:
    repeat = interlacing(weave)
    wefts, warps = repeat.shape
    for v in range(32):
        for u in range(32):
            assert repeat[v % wefts, u % warps] == repeats_as(weave, u, v)


@pytest.mark.parametrize("weave", WEAVES)
def test_every_yarn_is_held_by_one_that_crosses_it(weave: str) -> None:
    repeat = interlacing(weave)
    for lines in (repeat, repeat.T):
        assert (lines.any(axis=1) & ~lines.all(axis=1)).all()


@pytest.mark.parametrize("weave", WEAVES)
def test_the_middle_of_a_crossing_shows_the_upper_yarn(weave: str) -> None:
    seen = relief(weave, LIGHT, crimp=0.6, soft=0.02, gloss=0.0)
    middle = slice(SAMPLES // 2, None, SAMPLES)
    shows_warp = seen.warp[middle, middle] > seen.weft[middle, middle]
    np.testing.assert_array_equal(shows_warp, interlacing(weave))


@pytest.mark.parametrize("weave", WEAVES)
def test_a_relief_has_mean_light_one_and_dark_gaps(weave: str) -> None:
    seen = relief(weave, LIGHT, crimp=0.6, soft=0.02, gloss=0.0)
    light = seen.warp + seen.weft
    assert light.mean() == pytest.approx(1, abs=0.01)
    assert light.min() < 0.7 < 1.1 < light.max()


def test_a_relief_repeats_without_seam() -> None:
    seen = relief("twill", LIGHT, crimp=0.6, soft=0.08, gloss=0.2)
    for field in (seen.warp, seen.weft):
        for axis in (0, 1):
            steps = np.abs(np.diff(field, axis=axis, append=np.take(field, [0], axis=axis)))
            assert np.take(steps, -1, axis=axis).max() <= 1.01 * steps.max()
            inner = np.take(steps, range(0, steps.shape[axis], SAMPLES), axis=axis)
            assert np.take(steps, -1, axis=axis).mean() < 3 * inner.mean() + 0.05
