from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from alignment.registration import (
    MIN_OVERLAP,
    Spectrum,
    SpectrumStack,
    candidate_shifts,
    project_tokens,
    register_shift,
    shift_correlation,
    shift_energy,
)
from features.dense import DenseMap


def random_map(seed: int, shape: tuple[int, int], *, valid: float = 1.0, dim: int = 3) -> DenseMap:
    rng = np.random.default_rng(seed)
    tokens = rng.normal(size=(*shape, dim)).astype(np.float32)
    return DenseMap(tokens, rng.random(shape) < valid)


def windows(seed: int, shape: tuple[int, int], shift: tuple[int, int]) -> tuple[DenseMap, DenseMap]:
    """Two views of one random field with query(p) = reference(p + shift)."""
    field = np.random.default_rng(seed).normal(size=(shape[0] + 40, shape[1] + 40, 4))
    views = []
    for top, left in ((20 + shift[0], 20 + shift[1]), (20, 20)):
        view = field[top : top + shape[0], left : left + shape[1]].astype(np.float32)
        views.append(DenseMap(view, np.ones(shape, dtype=bool)))
    return views[0], views[1]


def naive_energy(query: DenseMap, reference: DenseMap, radius: int) -> np.ndarray:
    rows, columns = query.is_valid.shape
    energy = np.full((2 * radius + 1, 2 * radius + 1), np.inf)
    for dy, dx in product(range(-radius, radius + 1), repeat=2):
        gaps = []
        for y, x in product(range(rows), range(columns)):
            y_there, x_there = y + dy, x + dx
            is_inside = 0 <= y_there < rows and 0 <= x_there < columns
            if is_inside and query.is_valid[y, x] and reference.is_valid[y_there, x_there]:
                gap = query.tokens[y, x] - reference.tokens[y_there, x_there]
                gaps.append(float(gap @ gap))
        if gaps and len(gaps) >= MIN_OVERLAP * rows * columns:
            energy[radius + dy, radius + dx] = np.mean(gaps)
    return energy


@pytest.mark.parametrize("valid", [1.0, 0.85])
@pytest.mark.parametrize("shape", [(6, 9), (3, 14), (5, 8), (10, 10)])
def test_energy_against_loops(shape: tuple[int, int], valid: float) -> None:
    query, reference = (random_map(seed, shape, valid=valid) for seed in (0, 1))
    energy = shift_energy(Spectrum(query), Spectrum(reference), 5)
    np.testing.assert_allclose(energy, naive_energy(query, reference, 5), rtol=1e-4)


@pytest.mark.parametrize("shift", [(0, 0), (3, -5), (-6, 2), (0, 8)])
@pytest.mark.parametrize("valid", [1.0, 0.85])
def test_finds_the_shift_of_a_view(shift: tuple[int, int], valid: float) -> None:
    query, reference = windows(1, (24, 32), shift)
    is_valid = np.random.default_rng(2).random((2, 24, 32)) < valid
    wild = np.float32(50)
    seen = [
        Spectrum(DenseMap(np.where(mask[..., None], view.tokens, wild), mask))
        for view, mask in zip((query, reference), is_valid, strict=True)
    ]
    assert register_shift(*seen, 8) == shift


def test_what_is_not_valid_does_not_count() -> None:
    query, reference = (random_map(seed, (8, 10), valid=0.8) for seed in (0, 1))
    other = DenseMap(np.where(query.is_valid[..., None], query.tokens, 7), query.is_valid)
    before, after = (shift_energy(Spectrum(q), Spectrum(reference), 4) for q in (query, other))
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("shape", [(4, 40), (40, 4)])
def test_elongated_grids_do_not_wrap_around(shape: tuple[int, int]) -> None:
    query, reference = windows(3, shape, (0, 0))
    energy = shift_energy(Spectrum(query), Spectrum(reference), 10)
    steps = np.abs(np.arange(-10, 11))
    assert np.isinf(energy[steps >= shape[0]]).all()
    assert np.isinf(energy[:, steps >= shape[1]]).all()
    assert register_shift(Spectrum(query), Spectrum(reference), 10) == (0, 0)


def test_roles_exchanged_reverse_the_shift() -> None:
    query, reference = (random_map(seed, (9, 7), valid=0.9) for seed in (4, 5))
    there = shift_energy(Spectrum(query), Spectrum(reference), 4)
    back = shift_energy(Spectrum(reference), Spectrum(query), 4)
    np.testing.assert_allclose(there, back[::-1, ::-1], rtol=1e-4)


def test_nothing_in_common_is_no_shift() -> None:
    blind = random_map(0, (6, 6), valid=0.0)
    spectra = Spectrum(blind), Spectrum(random_map(1, (6, 6)))
    assert np.isinf(shift_energy(*spectra, 3)).all()
    assert register_shift(*spectra, 3) == (0, 0)


class TestCandidateShifts:
    def test_the_lowest_minima_and_the_nearest_to_no_shift(self) -> None:
        energy = np.tile(np.linspace(9, 10, 21, dtype=np.float32), (21, 1))
        dips = {(-8, 0): 1, (8, 1): 2, (5, -7): 3, (2, 2): 4, (0, 1): 8}  # the last is shallow
        for (dy, dx), depth in dips.items():
            energy[10 + dy, 10 + dx] = depth
        assert candidate_shifts(energy, 1) == [(-8, 0), (2, 2)]
        assert candidate_shifts(energy, 2) == [(-8, 0), (8, 1), (2, 2)]
        assert candidate_shifts(energy, 4) == [(-8, 0), (8, 1), (5, -7), (2, 2)]

    def test_beside_a_minimum_is_none(self) -> None:
        y, x = np.mgrid[-6:7, -6:7].astype(np.float32)
        assert candidate_shifts((y - 1) ** 2 + (x + 2) ** 2, 3) == [(1, -2)]

    def test_a_repeating_product_has_the_true_shift_among_them(self) -> None:
        tile = np.random.default_rng(1).normal(size=(6, 6, 3))
        field = np.tile(tile, (6, 6, 1)).astype(np.float32)
        full = np.ones((24, 24), dtype=bool)
        query, reference = DenseMap(field[1:25, 2:26], full), DenseMap(field[:24, :24], full)
        energy = shift_energy(Spectrum(query), Spectrum(reference), 8)
        assert (1, 2) in candidate_shifts(energy, 2)

    def test_nothing_finite_is_no_shift(self) -> None:
        assert candidate_shifts(np.full((5, 5), np.inf, dtype=np.float32), 2) == [(0, 0)]


class TestCondensed:
    def test_long_tokens_keep_their_distances_about(self) -> None:
        rng = np.random.default_rng(0)
        tokens = rng.normal(size=(6, 7, 384)).astype(np.float32)
        short = project_tokens(DenseMap(tokens, np.ones((6, 7), dtype=bool))).tokens
        assert short.shape == (6, 7, 64)
        pairs = tokens.reshape(-1, 384), short.reshape(-1, 64)
        before, after = (((each[:, None] - each) ** 2).sum(axis=-1) for each in pairs)
        ratio = after[before > 0] / before[before > 0]
        assert ratio.mean() == pytest.approx(1, abs=0.05)
        assert ratio.std() < 0.3

    def test_short_tokens_stay_as_they_are(self) -> None:
        dense = DenseMap(np.ones((2, 3, 64), dtype=np.float32), np.ones((2, 3), dtype=bool))
        assert project_tokens(dense) is dense

    def test_a_shift_is_found_from_long_tokens(self) -> None:
        scene = np.random.default_rng(1).normal(size=(20, 24, 768)).astype(np.float32)
        is_valid = np.ones((14, 16), dtype=bool)
        one, other = (
            Spectrum(project_tokens(DenseMap(scene[y : y + 14, x : x + 16], is_valid)))
            for y, x in ((2, 3), (4, 2))
        )
        assert register_shift(one, other, 4) == (-2, 1)


def naive_correlation(query: DenseMap, reference: DenseMap, radius: int) -> np.ndarray:
    there, here = (
        {tuple(at): each.tokens[tuple(at)] for at in np.argwhere(each.is_valid).tolist()}
        for each in (reference, query)
    )
    power = [sum(float(token @ token) for token in each.values()) for each in (there, here)]
    correlation = np.zeros((2 * radius + 1, 2 * radius + 1))
    for dy, dx in product(range(-radius, radius + 1), repeat=2):
        correlation[radius + dy, radius + dx] = sum(
            float(token @ there[y + dy, x + dx])
            for (y, x), token in here.items()
            if (y + dy, x + dx) in there
        )
    return correlation / np.sqrt(power[0] * power[1])


@pytest.mark.parametrize("valid", [1.0, 0.7])
def test_correlation_against_loops(valid: float) -> None:
    query, *references = (random_map(seed, (6, 9), valid=valid) for seed in range(3))
    stack = SpectrumStack([Spectrum(each) for each in references])
    correlation = shift_correlation(Spectrum(query), stack, 4)
    naive = [naive_correlation(query, each, 4) for each in references]
    np.testing.assert_allclose(correlation, naive, atol=1e-5)


def test_correlation_of_equal_maps_is_one_and_of_nothing_none() -> None:
    same = random_map(0, (6, 9))
    nothing = DenseMap(np.zeros_like(same.tokens), same.is_valid)
    stack = SpectrumStack([Spectrum(same), Spectrum(nothing)])
    correlation = shift_correlation(Spectrum(same), stack, 2)
    assert correlation[0, 2, 2] == pytest.approx(1, abs=1e-5)
    assert correlation[0].argmax() == 12
    np.testing.assert_allclose(correlation[1], 0, atol=1e-3)
