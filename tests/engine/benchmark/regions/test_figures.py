import numpy as np
import pytest

from engine.benchmark.regions.figures import (
    ACCURACY,
    AUROC,
    LOST,
    TARGETS,
    Target,
    best_accuracy,
    boxed_lines,
    confusion_at_best,
    confusions,
    figures_of,
    floors_of,
    lines,
)


def test_a_target_is_reached_or_not_exceeded():
    assert [Target(0.9).is_met(value) for value in (0.89, 0.9, 1.0)] == [False, True, True]
    assert [Target(0.9, "most").is_met(value) for value in (0.89, 0.9, 1.0)] == [True, True, False]
    assert (str(Target(0.8)), str(Target(0.01, "most"))) == ("≥ 0.8", "≤ 0.01")


def test_every_threshold_is_tried_for_the_best_accuracy():
    rng = np.random.default_rng(0)
    for _ in range(20):
        labels = np.array([True, False, *(rng.random(8) < 0.5)])
        scores = rng.integers(0, 6, 10).astype(float)  # with ties
        best, threshold = best_accuracy(labels, scores)
        tried = [((scores > t) == labels).mean() for t in (-1, *np.unique(scores))]
        assert best == pytest.approx(max(tried))
        assert ((scores > threshold) == labels).mean() == pytest.approx(best)


def test_figures_of_a_roll(rolls):
    roll = rolls.make_roll(10).walked
    found = figures_of(roll)
    pairs = [(a > b) for a in roll.defect_scores for b in roll.normal_scores]
    assert found[AUROC] == pytest.approx(np.mean(pairs))
    assert found[ACCURACY] == 7 / 8  # 0.25 lies below a normal one
    assert found[LOST] == pytest.approx(0.10)
    assert set(found) == {AUROC, ACCURACY, LOST, *roll.figures}


def test_floors_are_what_calling_everything_an_unknown_anomaly_gives(rolls):
    roll = rolls.make_roll(10).walked
    assert floors_of(roll, figures_of(roll)) == {
        AUROC: 0.5,
        ACCURACY: 0.5,
        "normal called normal": 0,
        "defects called anomaly": 1,
        "2: button unknown": 1,
        "3: 1 taught, pixel IoU": 0,
        LOST: 0,
        "3: defects called anomaly": 1,
        "5: 1 taught, region accuracy": 0.5,  # 4 of 8 things are of an untaught kind
    }


def test_lines_have_the_mean_and_the_worst_roll(bench):
    found = {each.name: each for each in lines(bench.runs)}
    overlap, lost = found["3: 1 taught, pixel IoU"], found[LOST]
    assert (overlap.values, overlap.worst) == ((0.5, 0.6), 0.5)
    assert overlap.mean == pytest.approx(0.55)
    assert lost.worst == pytest.approx(0.10)  # of losses, the largest
    assert not overlap.is_met
    assert not lost.is_met
    assert found["2: button unknown"].is_met
    assert found["normal called normal"].is_met  # nothing was aimed at
    assert found[AUROC].target is TARGETS[AUROC]


def test_verdicts_of_all_rolls_are_counted_at_one_threshold(bench):
    threshold, counts = confusion_at_best([run.walked for run in bench.runs])
    assert 1.2 <= threshold < 1.5
    assert (counts.true_positive, counts.false_negative) == (6, 2)
    assert (counts.true_negative, counts.false_positive) == (8, 0)


def test_confusions_are_added_up(bench, rolls):
    found = confusions([run.walked for run in bench.runs])[rolls.CHAPTER]
    assert found["line"]["line"] == 2
    assert (found["hole"]["fleck"], found["hole"]["unknown"]) == (2, 6)
    assert sum(found["string"].values()) == 2


def test_boxes_are_averaged_over_draws(bench):
    found = boxed_lines(bench.boxed["a <folder>"])["given the box"]["accuracy"]
    assert found == {1: pytest.approx(0.65), 3: pytest.approx(0.85)}
