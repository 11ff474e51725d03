"""Baselines beside naive versions of their equations, on a handful of cells."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="module")
def baselines(script):
    return script("baselines")


@pytest.fixture
def draw(baselines):
    """Draw an image of random descriptors from a seed."""

    def drawn(seed, grid=(4, 5), dim=6):
        rng = np.random.default_rng(seed)
        image = rng.integers(0, 256, (48, 60, 3), dtype=np.uint8)
        return baselines.Described(image, rng.normal(size=(*grid, dim)).astype(np.float32))

    return drawn


def naive_patchcore(image, memory, n_neighbours):
    """Equations 6 and 7 as they are printed."""
    cells = image.tokens.reshape(-1, image.tokens.shape[2]).astype(float)
    memory = memory.astype(float)
    nearest = [min(range(len(memory)), key=lambda m: np.linalg.norm(c - memory[m])) for c in cells]
    distances = [np.linalg.norm(c - memory[m]) for c, m in zip(cells, nearest, strict=True)]
    worst = int(np.argmax(distances))
    cell, star = cells[worst], memory[nearest[worst]]
    around = sorted(memory, key=lambda m: np.linalg.norm(m - star))[:n_neighbours]
    below = sum(np.exp(np.linalg.norm(cell - m)) for m in around)
    weight = 1 - np.exp(np.linalg.norm(cell - star)) / below
    return weight * distances[worst], np.array(distances).reshape(image.tokens.shape[:2])


@pytest.mark.parametrize("seed", range(5))
def test_patchcore_equals_its_equations(baselines, draw, seed):
    references = [draw(seed + 10), draw(seed + 20)]
    judge = baselines.PatchCore.of(references)
    image = draw(seed)
    memory = np.concatenate([each.cells for each in references])
    score, cells = judge(image)
    expected, expected_cells = naive_patchcore(image, memory, baselines.N_NEIGHBOURS)
    assert score == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(cells, expected_cells, rtol=1e-5)


def test_what_is_remembered_is_no_anomaly(baselines, draw):
    references = [draw(0), draw(1)]
    score, cells = baselines.PatchCore.of(references)(references[1])
    assert score == 0
    assert (cells == 0).all()


def test_distances_far_from_zero_do_not_overflow(baselines, draw):
    far = baselines.Described(draw(0).image, draw(0).tokens * 1e4)
    score, _ = baselines.PatchCore.of([draw(1), draw(2)])(far)
    assert np.isfinite(score)
    assert score > 0


def test_the_order_of_cells_changes_nothing(baselines, draw):
    image, reference = draw(0), draw(1)
    mirrored = baselines.Described(reference.image, reference.tokens[::-1, ::-1])
    one, other = (baselines.PatchCore.of([each])(image)[0] for each in (reference, mirrored))
    assert one == pytest.approx(other)


def test_a_coreset_of_everything_is_everything(baselines):
    cells = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    rng = np.random.default_rng(1)
    assert baselines.choose_coreset(cells, 1.0, rng).tolist() == list(range(12))


def test_a_coreset_takes_one_of_each_cluster(baselines):
    rng = np.random.default_rng(0)
    centres = 100 * np.eye(5, dtype=np.float32)
    cells = np.repeat(centres, 8, axis=0) + rng.normal(size=(40, 5)).astype(np.float32)
    chosen = baselines.choose_coreset(cells, 5 / 40, rng)
    assert sorted(index // 8 for index in chosen) == list(range(5))


def test_a_coreset_is_chosen_greedily(baselines):
    cells = np.random.default_rng(3).normal(size=(30, 7)).astype(np.float32)
    chosen = baselines.choose_coreset(cells, 0.3, np.random.default_rng(4)).tolist()
    rng = np.random.default_rng(4)  # draws the same axes
    projected = cells @ rng.normal(size=(7, baselines.N_PROJECTED)).astype(np.float32)
    assert len(set(chosen)) == 9
    for n in range(1, 9):
        so_far = projected[chosen[:n]]
        gap = np.linalg.norm(projected[:, None] - so_far[None], axis=2).min(axis=1)
        assert gap[chosen[n]] == pytest.approx(gap.max(), rel=1e-5)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_padim_equals_its_equation(baselines, draw, k):
    references, image = [draw(10 + index) for index in range(k)], draw(0)
    judge = baselines.Padim.of(references, n_dims=4, seed=7)
    assert len(set(judge.dims.tolist())) == 4
    stack = np.stack([each.tokens for each in references])[..., judge.dims].astype(float)
    test = image.tokens[..., judge.dims].astype(float)
    places = stack.reshape(k, 20, 4)
    if k == 1:
        covariances = [np.cov(places[0].T, bias=True)] * 20
    else:
        own = [np.cov(places[:, place].T) for place in range(20)]
        covariances = [each * (1 - 1 / k) + np.mean(own, axis=0) / k for each in own]
    expected = np.zeros(20)
    for place, covariance in enumerate(covariances):
        ridge = baselines.RIDGE * np.trace(covariance) / 4 * np.eye(4)
        gap = test.reshape(20, 4)[place] - places[:, place].mean(axis=0)
        expected[place] = np.sqrt(gap @ np.linalg.inv(covariance + ridge) @ gap)
    expected = expected.reshape(4, 5)
    score, cells = judge(image)
    np.testing.assert_allclose(cells, expected, rtol=1e-5)
    assert score == pytest.approx(expected.max())


def test_padim_knows_where_things_belong_and_patchcore_does_not(baselines, draw):
    reference = draw(0)
    swapped = baselines.Described(reference.image, reference.tokens[::-1])
    assert baselines.PatchCore.of([reference])(swapped)[0] == 0
    assert baselines.Padim.of([reference])(reference)[0] == 0
    assert baselines.Padim.of([reference])(swapped)[0] > 1


def test_padim_takes_all_dimensions_where_there_are_few(baselines, draw):
    assert sorted(baselines.Padim.of([draw(0)]).dims) == list(range(6))


def test_a_thumbnail_is_compared_with_the_nearest(baselines, draw):
    references = [draw(0), draw(1)]
    judge = baselines.NearestThumbnail.of(references)
    assert judge(references[1]) == (0, None)
    lighter = baselines.Described(np.full((48, 48, 3), 13, np.uint8), references[0].tokens)
    dark = baselines.Described(np.full((30, 70, 3), 10, np.uint8), references[0].tokens)
    distance, _ = baselines.NearestThumbnail.of([dark])(lighter)
    assert distance == pytest.approx(3 * np.sqrt(24 * 24 * 3))


def test_all_baselines_judge_and_grow_with_what_is_wrong(baselines, draw):
    methods = baselines.baselines(0.5)
    assert list(methods) == ["PatchCore", "PatchCore, 50% of its memory", "PaDiM", "thumbnail"]
    references = [draw(0), draw(1)]
    odd = baselines.Described(255 - references[0].image, references[0].tokens + 20)
    for fit in methods.values():
        judge = fit(references)
        assert judge(odd)[0] > judge(references[0])[0]


def test_smoothing_spreads_a_peak_and_keeps_its_sum(baselines):
    pixels = np.zeros((224, 224), np.float32)
    pixels[100, 120] = 1
    smooth = baselines.smoothed(pixels)
    assert smooth.sum() == pytest.approx(1, rel=1e-4)
    # a Gaussian of 4 px
    assert smooth[100, 120] == pytest.approx(1 / (2 * np.pi * 16), rel=0.02)
    assert smooth[100, 124] == pytest.approx(smooth[100, 120] * np.exp(-0.5), rel=0.02)
