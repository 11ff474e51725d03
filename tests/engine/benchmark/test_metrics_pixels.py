"""Figures of pixels on maps small enough to be worked out by hand, and beside naive versions."""

import numpy as np
import pytest

from engine.benchmark.metrics import PixelCounts, auroc


def counts_of(*images):
    counts = PixelCounts()
    for anomaly_map, mask in images:
        counts = counts.with_image(np.array(anomaly_map, float), np.array(mask, bool))
    return counts


def naive_pro(maps, regions_of_maps, is_normal_of_maps, limit):
    """Mean overlap over the false alarm rate at every threshold, integrated by fine steps."""
    thresholds = np.append(np.unique(np.concatenate([each.ravel() for each in maps]))[::-1], -1)
    normal = np.concatenate([m[n] for m, n in zip(maps, is_normal_of_maps, strict=True)])
    regions = [
        m[region] for m, found in zip(maps, regions_of_maps, strict=True) for region in found
    ]
    x = [float((normal > t).mean()) for t in thresholds]
    y = [float(np.mean([(region > t).mean() for region in regions])) for t in thresholds]
    # of places with equal x the last is where the curve leaves: a vanishing slope tells them apart
    x = np.array(x) + 1e-12 * np.arange(len(x))
    at = np.linspace(0, limit, 200_001)
    return float(np.mean(np.interp(at, x, y)))


def test_regions_count_alike_whatever_their_size():
    # one region of 4 px is found above all normal pixels, one of 1 px below all of them
    mask = [[1, 1, 0, 0, 0], [1, 1, 0, 0, 1]]
    values = [[9, 9, 1, 1, 1], [9, 9, 1, 1, 0]]
    counts = counts_of((values, mask))
    assert counts.n_regions == 2
    # one of two regions from no false alarm on, up to the level that all normal pixels share:
    # from there to all of them the other is not found either
    assert counts.pro(0.3) == pytest.approx(0.5)
    assert counts.pro(1.0) == pytest.approx(0.5)
    assert counts.auroc() == pytest.approx(4 / 5)


def test_the_curve_is_cut_between_two_points():
    # thresholds from above: found 0, 1, 1, 2 of 2 regions at 0, 0, 1/2, 1 of the normal pixels
    mask = [[1, 0, 0, 1]]
    counts = counts_of(([[4, 3, 1, 1]], mask))
    # up to 1/2 the height is 1/2; then it climbs to 1 over the other half
    assert counts.pro(0.5) == pytest.approx(0.5)
    assert counts.pro(1.0) == pytest.approx((0.5 * 0.5 + 0.5 * 0.75) / 1.0)
    # at 0.75 it has climbed to 0.75
    assert counts.pro(0.75) == pytest.approx((0.5 * 0.5 + 0.25 * 0.625) / 0.75)


def test_a_perfect_map_has_one_and_an_inverse_one_none():
    mask = np.zeros((6, 6), bool)
    mask[1:3, 1:4] = True
    assert counts_of((mask, mask)).pro() == counts_of((mask, mask)).auroc() == 1
    assert counts_of((~mask, mask)).pro() == counts_of((~mask, mask)).auroc() == 0


def test_a_flat_map_is_as_good_as_chance():
    mask = np.zeros((4, 4), bool)
    mask[0, 0] = True
    counts = counts_of((np.full((4, 4), 0.7), mask))
    assert counts.auroc() == pytest.approx(0.5)
    assert counts.pro(0.3) == pytest.approx(0.15)


def test_pixels_that_touch_at_a_corner_are_one_region():
    assert counts_of(([[1, 0], [0, 1]], [[1, 0], [0, 1]])).n_regions == 1


@pytest.mark.parametrize("seed", range(8))
def test_figures_of_several_images_equal_naive_ones(seed):
    rng = np.random.default_rng(seed)
    maps, masks, regions = [], [], []
    for _ in range(3):
        # few levels, that a float32 holds exactly: many ties
        maps.append(rng.integers(0, 7, (8, 9)) / 4)
        mask, found = np.zeros((8, 9), bool), []
        for top, left in [(0, 0), (5, 4)][: rng.integers(0, 3)]:
            region = np.zeros((8, 9), bool)
            region[top : top + rng.integers(1, 4), left : left + rng.integers(1, 4)] = True
            mask |= region
            found.append(region)
        masks.append(mask)
        regions.append(found)
    masks[0][0, 8] = True
    regions[0].append(np.zeros((8, 9), bool))
    regions[0][-1][0, 8] = True
    counts = counts_of(*zip(maps, masks, strict=True))
    normal = [~mask for mask in masks]
    for limit in (0.3, 0.05, 1.0):
        expected = naive_pro(maps, regions, normal, limit)
        assert counts.pro(limit) == pytest.approx(expected, abs=1e-4)
    labels = np.concatenate([mask.ravel() for mask in masks])
    values = np.concatenate([each.ravel() for each in maps])
    assert counts.auroc() == pytest.approx(auroc(labels, values))


def test_values_keep_their_order_over_many_magnitudes():
    values = np.array([[0.0, 1e-30, 1e-6, 1.0, 1.001, 1e6, 1e38]])
    for cut in range(1, values.size):
        mask = (np.arange(values.size) >= cut)[None]
        assert counts_of((values, mask)).auroc() == 1


def test_negative_zero_is_zero():
    assert counts_of(([[-0.0, 0.0]], [[1, 0]])).auroc() == 0.5


@pytest.mark.parametrize("broken", [-1.0, np.nan, np.inf])
def test_maps_that_cannot_be_compared_are_refused(broken):
    with pytest.raises(ValueError, match="finite values of at least 0, 1 of 2 are not"):
        counts_of(([[broken, 1]], [[0, 1]]))


def test_masks_of_one_kind_are_refused():
    for mask in (np.zeros((2, 2)), np.ones((2, 2))):
        counts = counts_of((np.ones((2, 2)), mask))
        for figure in (counts.auroc, counts.pro):
            with pytest.raises(ValueError, match="both normal and anomalous pixels"):
                figure()
