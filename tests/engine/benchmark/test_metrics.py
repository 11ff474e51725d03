"""Every figure is compared with a naive version on small random cases full of ties."""

import numpy as np
import pytest

from engine.benchmark.metrics import (
    Confusion,
    area_under_shots,
    auroc,
    average_precision,
    confusion,
    f1_at,
    f1_max,
    floor_f1,
    sweep,
)


def naive_f1(labels, alarms):
    hits = sum(a and t for a, t in zip(alarms, labels, strict=True))
    found = sum(alarms) + sum(labels)
    return 2 * hits / found if found else 0.0


def naive_f1_max(labels, scores):
    thresholds = [-np.inf, *scores]
    return max(naive_f1(labels, [s > t for s in scores]) for t in thresholds)


def naive_auroc(labels, scores):
    wins = [
        (a > n) + 0.5 * (a == n)
        for a, is_a in zip(scores, labels, strict=True)
        for n, is_b in zip(scores, labels, strict=True)
        if is_a and not is_b
    ]
    return np.mean(wins)


def naive_average_precision(labels, scores):
    total, recall_before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        is_alarm = [s >= threshold for s in scores]
        hits = sum(a and t for a, t in zip(is_alarm, labels, strict=True))
        recall = hits / sum(labels)
        total += (recall - recall_before) * hits / sum(is_alarm)
        recall_before = recall
    return total


@pytest.fixture(params=range(40))
def case(request):
    rng = np.random.default_rng(request.param)
    n = int(rng.integers(2, 14))
    labels = rng.random(n) < 0.5
    labels[:2] = True, False
    levels = int(rng.integers(1, 9))  # few levels: many ties
    return labels, rng.integers(0, levels, n) / 4 - 1


def test_f1_max_equals_brute_force(case):
    labels, scores = case
    best, threshold = f1_max(labels, scores)
    assert best == pytest.approx(naive_f1_max(labels.tolist(), scores.tolist()))
    assert f1_at(labels, scores, threshold) == pytest.approx(best)


def test_auroc_equals_the_share_of_pairs_in_order(case):
    labels, scores = case
    assert auroc(labels, scores) == pytest.approx(naive_auroc(labels.tolist(), scores.tolist()))


def test_average_precision_equals_the_naive_sum(case):
    labels, scores = case
    expected = naive_average_precision(labels.tolist(), scores.tolist())
    assert average_precision(labels, scores) == pytest.approx(expected)


def test_every_point_of_the_sweep_is_what_its_threshold_gives(case):
    labels, scores = case
    points = sweep(labels, scores)
    for i, threshold in enumerate(points.thresholds):
        outcome = confusion(labels, scores, threshold)
        assert outcome.true_positive == points.true_positives[i]
        assert outcome.false_positive == points.false_positives[i]
        assert outcome.f1 == pytest.approx(points.f1[i])
        alarms = outcome.true_positive + outcome.false_positive
        assert points.precision[i] == pytest.approx(outcome.true_positive / alarms if alarms else 1)
        assert points.recall[i] == pytest.approx(outcome.true_positive / labels.sum())
        assert points.false_alarm_rate[i] == pytest.approx(outcome.false_positive / (~labels).sum())
    assert (np.diff(points.thresholds) < 0).all()
    assert (points.recall[0], points.recall[-1]) == (0, 1)


def test_the_floor_is_what_calling_everything_anomalous_gives(case):
    labels, scores = case
    assert floor_f1(labels) == pytest.approx(f1_at(labels, scores, -np.inf))
    assert f1_max(labels, scores)[0] >= floor_f1(labels) - 1e-12


def test_figures_do_not_depend_on_order_or_scale(case):
    labels, scores = case
    order = np.random.default_rng(0).permutation(len(labels))
    for figure in (auroc, average_precision, lambda *pair: f1_max(*pair)[0]):
        expected = pytest.approx(figure(labels, scores))
        assert figure(labels[order], scores[order]) == expected
        assert figure(labels, 7 * scores + 3) == expected


def test_a_perfect_order_has_a_threshold_in_the_middle_of_the_gap():
    labels = np.array([False, False, True, True])
    scores = np.array([0.0, 1.0, 3.0, 4.0])
    assert f1_max(labels, scores) == (1.0, 2.0)
    assert auroc(labels, scores) == average_precision(labels, scores) == 1.0


def test_neighbouring_floats_are_told_apart():
    low = 1.0
    high = np.nextafter(low, 2)
    best, threshold = f1_max(np.array([False, True]), np.array([low, high]))
    assert best == 1.0
    assert low <= threshold < high


def test_equal_scores_are_never_split():
    labels = np.array([True, False, False])
    scores = np.zeros(3)
    assert auroc(labels, scores) == 0.5
    assert average_precision(labels, scores) == pytest.approx(1 / 3)
    assert f1_max(labels, scores)[0] == floor_f1(labels) == 0.5


def test_a_score_at_the_threshold_is_normal():
    labels = np.array([True, False])
    assert confusion(labels, np.array([2.0, 1.0]), 2.0) == Confusion(0, 0, 1, 1)


def test_f1_is_zero_where_nothing_is_to_be_found_or_found():
    assert Confusion(0, 0, 0, 5).f1 == 0
    assert floor_f1(np.zeros(3, dtype=bool)) == 0


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_scores_that_are_no_numbers_are_refused(broken):
    labels, scores = np.array([True, False, True]), np.array([0.5, broken, broken])
    for figure in (f1_max, auroc, average_precision):
        with pytest.raises(ValueError, match="scores must be finite, 2 of 3 are NaN or infinite"):
            figure(labels, scores)
    with pytest.raises(ValueError, match="scores must be finite"):
        f1_at(labels, scores, 0.0)


def test_images_of_one_kind_are_refused():
    for labels in (np.ones(2, dtype=bool), np.zeros(2, dtype=bool)):
        with pytest.raises(ValueError, match="labels must hold both normal and anomalous images"):
            auroc(labels, np.zeros(2))


def test_area_under_shots_is_a_mean_height():
    assert area_under_shots({1: 0.8, 2: 0.8, 4: 0.8, 8: 0.8}) == pytest.approx(0.8)
    assert area_under_shots({4: 1.0, 1: 0.0, 2: 1.0}) == pytest.approx((0.5 + 2) / 3)
    assert area_under_shots({4: 0.7}) == 0.7
    assert np.isnan(area_under_shots({}))
