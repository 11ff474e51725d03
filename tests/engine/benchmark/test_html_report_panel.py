import pytest

from engine.benchmark.html_report import can_be_measured, seed_index, verdicts_of, worst_of
from engine.benchmark.metrics import Confusion
from engine.benchmark.records import Judgement, Run
from engine.benchmark.summary import summarise


def make_run(totals, *, category="cup", shots=1, seed=42, threshold=1.0):
    """Judge images: a name that begins with "g" is normal, every other one anomalous."""
    images = tuple(
        Judgement(name, name[0] != "g", "bad", ("bad",), total, {}, 0.1)
        for name, total in totals.items()
    )
    return Run(category, shots, seed, ("a.png",), threshold, "references", "", 1.0, images)


TOTALS = {"g1": 0.2, "g2": 1.5, "g3": 0.9, "b1": 3.0, "b2": 0.5, "b3": 1.2, "b4": None}


def test_both_thresholds_are_judged_and_the_best_one_is_never_worse():
    in_use, best = verdicts_of(make_run(TOTALS))
    assert (in_use.style, best.style) == ("set", "best")
    assert in_use.counts == Confusion(2, 1, 1, 2)
    assert best.counts.f1 >= in_use.counts.f1


@pytest.mark.parametrize("kept", ["g", "b"])
def test_a_run_with_images_of_one_kind_has_no_verdicts(kept):
    run = make_run({name: total for name, total in TOTALS.items() if name[0] == kept})
    assert not can_be_measured(run)
    assert verdicts_of(run) == ()


def test_the_worst_images_come_first_and_say_whether_they_are_mistakes():
    run = make_run(TOTALS)
    misses = worst_of(run, is_anomalous=True, n=2)
    assert [(each.image.path, each.is_wrong) for each in misses] == [("b2", True), ("b3", False)]
    alarms = worst_of(run, is_anomalous=False, n=9)
    assert [(each.image.path, each.is_wrong) for each in alarms] == [
        ("g2", True),
        ("g3", False),
        ("g1", False),
    ]
    assert all(run.images[each.index] is each.image for each in misses + alarms)


def test_the_seed_of_a_run_is_found_among_those_of_its_row():
    runs = [make_run(TOTALS, shots=k, seed=seed) for k in (1, 2) for seed in (7, 3)]
    assert [seed_index(runs, run) for run in runs] == [0, 1, 0, 1]


def test_an_unfinished_benchmark_has_means_where_all_categories_have_the_same_seeds():
    runs = [make_run(TOTALS, category=name, seed=seed) for name in "ab" for seed in (7, 3)]
    assert [row.shots for row in summarise(runs).means] == [1]
    assert summarise(runs[:3]).means == ()
    assert len(summarise(runs[:3]).rows) == 2
